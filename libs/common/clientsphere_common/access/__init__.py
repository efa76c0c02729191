"""Who may do what: one table, enforced at the HTTP routes and again at the gRPC methods."""
