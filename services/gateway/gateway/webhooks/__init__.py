"""Tells the tenants' own systems what happened to their documents: signed, and tried again."""
