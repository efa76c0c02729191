"""The HTTP API, resource by resource."""
