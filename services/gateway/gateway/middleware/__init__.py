"""What surrounds every request, as plain ASGI."""
