"""The embedded engine: a Qdrant shard in a child process, and what keeps it safe and fast."""
