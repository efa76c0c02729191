"""Requests that may be sent again: an Idempotency-Key gives each its one effect and one reply."""
