"""Where the gateway keeps tenants, keys and what the audit trail is to learn."""
