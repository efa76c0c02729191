"""The text of an API key: found by secret scanners, and checked before anything is looked up."""

from __future__ import annotations

import re
import secrets
import string
import zlib

from clientsphere_common.errors import UnauthenticatedError

PREFIX = "cs_live_"
_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_ID_CHARS = 8
_SECRET_CHARS = 43  # 62 ** 43 > 2 ** 256
_CHECKSUM_CHARS = 6
_KEY = re.compile(
    rf"{PREFIX}([0-9A-Za-z]{{{_ID_CHARS}}})_([0-9A-Za-z]{{{_SECRET_CHARS}}})"
    rf"_([0-9A-Za-z]{{{_CHECKSUM_CHARS}}})"
)


def new_lookup_id() -> str:
    return random_text(_ID_CHARS)


def new_key(lookup_id: str) -> str:
    """`cs_live_`, 8 characters to look it up by, 256 random bits, and a checksum of all that."""
    body = f"{PREFIX}{lookup_id}_{random_text(_SECRET_CHARS)}"
    return f"{body}_{_checksum(body)}"


def random_text(length: int) -> str:
    """Letters and digits, 5.95 random bits each."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def key_parts(key: str) -> tuple[str, str]:
    """What to look `key` up by, and its secret.

    Raises UnauthenticatedError for what was never a key or was copied wrongly.
    """
    parts = _KEY.fullmatch(key)
    if parts is None or _checksum(key.rpartition("_")[0]) != parts[3]:
        raise UnauthenticatedError("api_key_invalid", "This is not a valid API key.")
    return parts[1], parts[2]


def _checksum(body: str) -> str:
    """CRC-32 in base 62, most significant digit first."""
    value, digits = zlib.crc32(body.encode()), ""
    for _ in range(_CHECKSUM_CHARS):
        value, digit = divmod(value, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
