"""Reads a signed token: one way to write each, nothing to choose for whoever wrote it."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from gateway.strict_json import parse_object

MAX_TOKEN_BYTES = 8192
PublicKey = RSAKey | ECKey | OKPKey

UNTYPED = ""
"""The type of a token that names none, as some issuers write their ID tokens."""

_NEEDED_NAMES = {"alg", "kid"}
_HEADER_NAMES = {*_NEEDED_NAMES, "typ"}
_TOKEN = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)", re.ASCII)


@dataclass(frozen=True)
class UnverifiedToken:
    """Well formed, and not to be believed before `is_signed_with` says so."""

    algorithm: str
    key_id: str
    """Names a key among those that the verifier has; never a place to get one from."""
    type: str
    claims: Mapping[str, object]
    signed_bytes: bytes
    signature: bytes

    @property
    def issuer(self) -> str:
        issuer = self.claims.get("iss")
        return issuer if isinstance(issuer, str) else ""

    def is_signed_with(self, key: PublicKey) -> bool:
        """By the algorithm that the token names: whoever asks has checked that it is allowed."""
        # Not `deserialize_compact`, which would take the token apart a second time, by laxer rules.
        algorithm = JWSRegistry.algorithms[self.algorithm]
        try:
            algorithm.check_key(key)
            return algorithm.verify(self.signed_bytes, self.signature, key)
        except JoseError:
            return False


def check_size(text: str) -> None:
    """Raises ValueError; to be called before anything else looks at `text`."""
    if len(text) > MAX_TOKEN_BYTES:
        raise ValueError("too long")


def read_token(text: str) -> UnverifiedToken:
    """Raises ValueError for everything but three parts that can be read in one way only."""
    check_size(text)
    parts = _TOKEN.fullmatch(text)
    if parts is None:
        raise ValueError("not a signed token in its compact form")
    header = parse_object(_decode(parts[1]))
    if not _NEEDED_NAMES <= header.keys() <= _HEADER_NAMES or header.get("typ") == UNTYPED:
        raise ValueError("a header must have alg, kid and a typ or none, and nothing else")
    encoded = text.encode()
    return UnverifiedToken(
        algorithm=_text(header["alg"]),
        key_id=_text(header["kid"]),
        type=_text(header.get("typ", UNTYPED)),
        claims=parse_object(_decode(parts[2])),
        signed_bytes=encoded[: parts.end(2)],
        signature=_decode(parts[3]),
    )


def _decode(part: str) -> bytes:
    """Raises ValueError unless `part` is the one way to write its bytes in base64url."""
    decoded = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    if base64.urlsafe_b64encode(decoded).rstrip(b"=").decode() != part:
        raise ValueError("not canonical base64url")
    return decoded


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("a header must be text")
    return value
