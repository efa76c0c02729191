"""From where a request came."""

from __future__ import annotations

from fastapi import Request


def client_address(request: Request) -> str:
    """The address of the peer; empty when it has none, as on a unix socket."""
    return "" if request.client is None else request.client.host
