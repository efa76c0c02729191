"""The event log in one SQLite file of one process."""
