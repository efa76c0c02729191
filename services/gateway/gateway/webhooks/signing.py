"""Signs as Standard Webhooks (https://www.standardwebhooks.com) says, version v1."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import datetime

from gateway.webhooks.model import Notification

_PREFIX = "whsec_"
_SECRET_BYTES = 32


def new_secret(entropy: bytes) -> str:
    """The first 256 bits of `entropy`."""
    return _PREFIX + base64.b64encode(entropy[:_SECRET_BYTES]).decode()


def signed_headers(
    notification: Notification, secrets: Iterable[str], at: datetime
) -> Mapping[str, str]:
    """The three headers, with one signature for each of `secrets`.

    The id stays the same over all attempts: receivers know by it what they have seen.
    """
    timestamp = str(int(at.timestamp()))
    content = f"{notification.event_id}.{timestamp}.".encode() + notification.payload
    return {
        "webhook-id": notification.event_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_signature(secret, content) for secret in secrets),
    }


def _signature(secret: str, content: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    digest = hmac.new(key, content, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"
