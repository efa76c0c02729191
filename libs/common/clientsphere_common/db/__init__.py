"""Tables: one database a service, sessions that see one tenant, migrations, an outbox."""
