"""Secrets and tenants' keys in HashiCorp Vault, or in OpenBao, which speaks the same API."""
