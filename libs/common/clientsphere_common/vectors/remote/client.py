"""Opens the client of a Qdrant server, and says in our words how its calls fail."""

from __future__ import annotations

import math
from collections.abc import Callable
from urllib.parse import urlsplit

import grpc
from qdrant_client import AsyncQdrantClient
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.vectors.settings import QdrantSettings

_GRPC_PORT = 6334
_CHANNEL_OPTIONS = {
    # The library's own way is to wait up to two minutes for a server that has long been back.
    "grpc.initial_reconnect_backoff_ms": 200,
    "grpc.max_reconnect_backoff_ms": 2000,
    # A peer that is gone without a word is noticed while a call waits for it.
    "grpc.keepalive_time_ms": 20_000,
    "grpc.keepalive_timeout_ms": 5_000,
}


def open_client(settings: QdrantSettings, api_key: Callable[[], str] | None) -> AsyncQdrantClient:
    """`api_key` is asked anew for every call."""
    address = urlsplit(settings.url)
    return AsyncQdrantClient(
        host=address.hostname,
        grpc_port=address.port or _GRPC_PORT,
        https=address.scheme == "https",
        # Sent as a bearer token, which the server takes as well as its own header.
        auth_token_provider=api_key,
        prefer_grpc=True,
        grpc_options=dict(_CHANNEL_OPTIONS),
        # The longest of any call; each has a shorter one of its own.
        timeout=math.ceil(settings.snapshot_timeout_s),
        # It asks over HTTP, which may not be open, and only warns.
        check_compatibility=False,
    )


def unavailable(error: Exception | None = None) -> DependencyUnavailableError:
    retry_after_s = error.retry_after_s if isinstance(error, ResourceExhaustedResponse) else 0
    return DependencyUnavailableError(
        "index_unavailable",
        "The search index did not answer. Please try again.",
        retry_after_s=retry_after_s,
    )


def reason(error: BaseException | None) -> str:
    """For the log, of what a call raised."""
    if isinstance(error, grpc.aio.AioRpcError):
        return f"{error.code().name}: {error.details()}"
    return repr(error)
