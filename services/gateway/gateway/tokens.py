"""Access tokens: issued here, and verified so strictly that there is one way to read each."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from clientsphere_common.errors import UnauthenticatedError
from clientsphere_common.ids import new_id
from gateway.strict_json import parse_object
from gateway.token_keys import TokenKeys

AUDIENCE = "clientsphere-api"
LEEWAY_S = 30
"""By how much clocks may differ."""
_ALGORITHM = "Ed25519"  # RFC 9864; the older name "EdDSA" leaves the curve open.
_TYPE = "at+jwt"
_MAX_TOKEN_BYTES = 8192
_HEADER_NAMES = {"alg", "kid", "typ"}
_SEGMENT = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class TokenSubject:
    tenant_id: str
    principal_id: str


@dataclass(frozen=True)
class IssuedToken:
    access_token: str
    expires_in: int
    """Seconds."""


class AccessTokens:
    """Signs and verifies the tokens of one issuer."""

    def __init__(
        self,
        keys: TokenKeys,
        issuer: str,
        lifetime_s: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._lifetime_s = lifetime_s
        self._clock = clock

    def issue(self, subject: TokenSubject) -> IssuedToken:
        now = int(self._clock())
        claims = {
            "iss": self._issuer,
            "sub": subject.principal_id,
            "aud": AUDIENCE,
            "exp": now + self._lifetime_s,
            "iat": now,
            "jti": new_id("tok"),
            "tenant": subject.tenant_id,
        }
        header = {"alg": _ALGORITHM, "kid": self._keys.kid, "typ": _TYPE}
        payload = json.dumps(claims, separators=(",", ":"))
        key = self._keys.signing_key
        token = jws.serialize_compact(header, payload, key, algorithms=[_ALGORITHM])
        return IssuedToken(token, self._lifetime_s)

    def verify(self, token: str) -> TokenSubject:
        """Whom `token` speaks for. Raises UnauthenticatedError, whatever is wrong with it."""
        try:
            claims = parse_object(self._verified_payload(token))
            subject = self._subject(claims)
            expires_at_s = _whole_number(claims, "exp")
            self._check_beginning(claims)
        except (ValueError, JoseError) as error:
            raise UnauthenticatedError(
                "token_invalid", "This is not a valid access token."
            ) from error
        if self._clock() >= expires_at_s + LEEWAY_S:
            raise UnauthenticatedError("token_expired", "The access token has expired.")
        return subject

    def public_keys(self) -> list[dict[str, str]]:
        """The verification keys as JWKs."""
        return [
            {**_text_members(key), "kid": kid, "use": "sig", "alg": _ALGORITHM}
            for kid, key in self._keys.public_keys().items()
        ]

    def _verified_payload(self, token: str) -> bytes:
        if len(token) > _MAX_TOKEN_BYTES:
            raise ValueError("too long")
        header, _, _ = [_decode(segment) for segment in token.split(".")]
        key = self._key_for(parse_object(header))
        return jws.deserialize_compact(token, key, algorithms=[_ALGORITHM]).payload

    def _key_for(self, header: Mapping[str, object]) -> OKPKey:
        if set(header) != _HEADER_NAMES:
            raise ValueError("a header must have alg, kid and typ, and nothing else")
        if header["alg"] != _ALGORITHM or header["typ"] != _TYPE:
            raise ValueError("not one of our access tokens")
        kid = header["kid"]
        key = self._keys.public_keys().get(kid) if isinstance(kid, str) else None
        if key is None:
            raise ValueError("no such key")
        return key

    def _subject(self, claims: Mapping[str, object]) -> TokenSubject:
        if claims.get("iss") != self._issuer or claims.get("aud") != AUDIENCE:
            raise ValueError("issued by or for somebody else")
        return TokenSubject(_text(claims, "tenant"), _text(claims, "sub"))

    def _check_beginning(self, claims: Mapping[str, object]) -> None:
        latest_s = self._clock() + LEEWAY_S
        if _whole_number(claims, "iat") > latest_s:
            raise ValueError("issued in the future")
        if "nbf" in claims and _whole_number(claims, "nbf") > latest_s:
            raise ValueError("not valid yet")


def _decode(segment: str) -> bytes:
    """Raises ValueError unless `segment` is the one way to write its bytes in base64url."""
    if not _SEGMENT.fullmatch(segment):
        raise ValueError("not base64url")
    decoded = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    if base64.urlsafe_b64encode(decoded).rstrip(b"=").decode() != segment:
        raise ValueError("not canonical base64url")
    return decoded


def _text(claims: Mapping[str, object], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} must be text")
    return value


def _whole_number(claims: Mapping[str, object], name: str) -> int:
    value = claims.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{name} must be a whole number")
    return value


def _text_members(key: OKPKey) -> dict[str, str]:
    return {name: str(value) for name, value in key.as_dict(private=False).items()}
