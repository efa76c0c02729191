"""Whom we believe when we ask others over HTTPS."""

from __future__ import annotations

import ssl
from pathlib import Path

import httpx


def trusting(ca_file: Path | None) -> ssl.SSLContext:
    """The public authorities, and those in the file. Reads for longer than others should wait."""
    context = httpx.create_ssl_context(trust_env=False)
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context
