"""The Redis server behind cache and rate limits: settings, and calls that never wait long."""
