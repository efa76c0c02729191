"""The clientsphere command."""
