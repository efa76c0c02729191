"""Passwords and keys by name, and keys for data at rest: ports, and what keeps them."""
