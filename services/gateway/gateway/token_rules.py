"""What a token must say to be accepted, decided by its issuer's entry and never by the token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.compact_tokens import UnverifiedToken

LEEWAY_S = 30
"""By how much clocks may differ."""
_LAST_SECOND = 253_402_300_799  # 9999-12-31T23:59:59Z
_LONGEST_SUBJECT = 255  # OpenID Connect Core 1.0, section 2
Claims = Mapping[str, object]


@dataclass(frozen=True)
class TokenRules:
    """Of one issuer."""

    issuer: str
    audience: str
    algorithms: frozenset[str]
    types: frozenset[str]
    text_claims: tuple[str, ...] = ()
    """That must be there beside those of every token."""
    may_name_other_audiences: bool = False
    """As RFC 7519 has it: a list that holds `audience`. Otherwise `audience` itself, as text."""

    def check_header(self, token: UnverifiedToken) -> None:
        """Raises ValueError."""
        if token.algorithm not in self.algorithms or token.type not in self.types:
            raise ValueError("not a kind of token of this issuer")

    def check_claims(self, claims: Claims, now_s: float) -> int:
        """When the token expires, as a Unix time; the past is not refused here.

        Raises ValueError.
        """
        if claims.get("iss") != self.issuer or not self.is_for_us(claims):
            raise ValueError("issued by or for somebody else")
        subject = text_claim(claims, "sub")
        if len(subject) > _LONGEST_SUBJECT or not subject.isprintable():
            raise ValueError("sub is no identifier")
        for name in self.text_claims:
            text_claim(claims, name)
        latest_s = now_s + LEEWAY_S
        if _time_claim(claims, "iat") > latest_s:
            raise ValueError("issued in the future")
        if "nbf" in claims and _time_claim(claims, "nbf") > latest_s:
            raise ValueError("not valid yet")
        return _time_claim(claims, "exp")

    def is_for_us(self, claims: Claims) -> bool:
        named = claims.get("aud")
        if self.may_name_other_audiences and isinstance(named, list):
            return self.audience in named and all(isinstance(one, str) for one in named)
        return named == self.audience


def text_claim(claims: Claims, name: str) -> str:
    """Raises ValueError."""
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} must be text")
    return value


def _time_claim(claims: Claims, name: str) -> int:
    """Whole seconds: two readers could round a fraction differently."""
    value = claims.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LAST_SECOND:
        raise ValueError(f"{name} must be a Unix time in whole seconds")
    return value
