"""The text of an API key: found by secret scanners, and checked before anything is looked up."""

from __future__ import annotations

import re
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


def new_lookup_id(entropy: bytes) -> str:
    return _in_base_62(int.from_bytes(entropy), _ID_CHARS)


def new_key(lookup_id: str, entropy: bytes) -> str:
    """`cs_live_`, 8 characters to look it up by, a secret, and a checksum of all that.

    The secret has 256 bits, of the 512 of `entropy`: so many more that each is equally likely.
    """
    body = f"{PREFIX}{lookup_id}_{_in_base_62(int.from_bytes(entropy), _SECRET_CHARS)}"
    return f"{body}_{_checksum(body)}"


def key_parts(key: str) -> tuple[str, str]:
    """What to look `key` up by, and its secret.

    Raises UnauthenticatedError for what was never a key or was copied wrongly.
    """
    parts = _KEY.fullmatch(key)
    if parts is None or _checksum(key.rpartition("_")[0]) != parts[3]:
        raise UnauthenticatedError("api_key_invalid", "This is not a valid API key.")
    return parts[1], parts[2]


def _checksum(body: str) -> str:
    """CRC-32."""
    return _in_base_62(zlib.crc32(body.encode()), _CHECKSUM_CHARS)


def _in_base_62(value: int, length: int) -> str:
    """The last digits of `value`, most significant first."""
    digits = ""
    for _ in range(length):
        value, digit = divmod(value, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
