"""Hybrid search over a tenant's passages."""
