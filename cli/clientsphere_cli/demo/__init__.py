"""What `clientsphere demo` does: a fresh server, two companies, their documents and questions."""
