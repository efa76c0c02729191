"""The gateway's words, subject by subject."""
