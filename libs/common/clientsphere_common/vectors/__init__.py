"""The passage index: what ingestion writes through and retrieval reads through."""
