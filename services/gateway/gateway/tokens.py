"""Our own access tokens: each names the API key that it was given for, and dies with it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from joserfc import jws
from joserfc.jwk import OKPKey

from clientsphere_common.ids import new_id
from gateway.token_keys import TokenKeys
from gateway.token_rules import TokenRules, text_claim
from gateway.token_verifier import PresentedToken, TokenVerifier

AUDIENCE = "clientsphere-api"
_ALGORITHM = "Ed25519"  # RFC 9864; the older name "EdDSA" leaves the curve open.
_TYPE = "at+jwt"
_TENANT = "tenant"


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
        verifier: TokenVerifier,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._keys = keys
        self._lifetime_s = lifetime_s
        self._verifier = verifier
        self._clock = clock
        self._rules = TokenRules(
            issuer=issuer,
            audience=AUDIENCE,
            algorithms=frozenset({_ALGORITHM}),
            types=frozenset({_TYPE}),
            text_claims=(_TENANT,),
        )

    def issue(self, subject: TokenSubject) -> IssuedToken:
        now = int(self._clock())
        claims = {
            "iss": self._rules.issuer,
            "sub": subject.principal_id,
            "aud": AUDIENCE,
            "exp": now + self._lifetime_s,
            "iat": now,
            "jti": new_id("tok"),
            _TENANT: subject.tenant_id,
        }
        header = {"alg": _ALGORITHM, "kid": self._keys.kid, "typ": _TYPE}
        payload = json.dumps(claims, separators=(",", ":"))
        key = self._keys.signing_key
        token = jws.serialize_compact(header, payload, key, algorithms=[_ALGORITHM])
        return IssuedToken(token, self._lifetime_s)

    def read(self, text: str) -> PresentedToken:
        """A token of any issuer, before anybody believes it. Raises UnauthenticatedError."""
        return self._verifier.read(text)

    def is_issuer_of(self, presented: PresentedToken) -> bool:
        """Whether that is what the token says, true or not."""
        return presented.token.issuer == self._rules.issuer

    def verify(self, presented: PresentedToken) -> TokenSubject:
        """Whom the token speaks for. Raises UnauthenticatedError, whatever is wrong with it."""
        key = self._keys.find(presented.token.key_id)
        claims = self._verifier.verify(presented, self._rules, key)
        return TokenSubject(text_claim(claims, _TENANT), text_claim(claims, "sub"))

    def public_keys(self) -> list[dict[str, str]]:
        """The verification keys as JWKs."""
        return [
            {**_text_members(key), "kid": kid, "use": "sig", "alg": _ALGORITHM}
            for kid, key in self._keys.public_keys().items()
        ]


def _text_members(key: OKPKey) -> dict[str, str]:
    return {name: str(value) for name, value in key.as_dict(private=False).items()}
