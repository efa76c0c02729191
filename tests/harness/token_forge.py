"""Makes tokens of every kind, with genuine signatures over whatever they say.

forge = TokenForge(key, claims)
forge.signed()                         a valid token
forge.with_claims(exp="tomorrow")      the same with another claim, signed as well
forge.signed(header="no JSON")         text is taken as it is
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey


class _Absence(Enum):
    """With a name, by which every process knows a test that has it as a parameter."""

    MISSING = "missing"


MISSING = _Absence.MISSING
"""As the value of a header or a claim: leave it out."""


def b64(content: bytes | str) -> str:
    raw = content.encode() if isinstance(content, str) else content
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass(frozen=True)
class TokenForge:
    """Holds the issuer's own signing key, as no attacker does."""

    key: Ed25519PrivateKey
    claims: Mapping[str, Any]

    @property
    def kid(self) -> str:
        return OKPKey.import_key(self.key.public_key()).thumbprint()

    @property
    def header(self) -> dict[str, Any]:
        return {"alg": "Ed25519", "kid": self.kid, "typ": "at+jwt"}

    def signed(self, header: object = None, claims: object = None) -> str:
        body = self.body(header, claims)
        return f"{body}.{b64(self.key.sign(body.encode()))}"

    def body(self, header: object = None, claims: object = None) -> str:
        """The part that is signed."""
        parts = (self.header if header is None else header, claims or dict(self.claims))
        return ".".join(
            b64(part if isinstance(part, str | bytes) else json.dumps(part)) for part in parts
        )

    def with_header(self, **changes: object) -> str:
        return self.signed(header=_changed(self.header, changes))

    def with_claims(self, **changes: object) -> str:
        return self.signed(claims=_changed(self.claims, changes))

    def with_claims_text(self, more: str) -> str:
        """With `more` written behind the last claim, as it is."""
        return self.signed(claims=f"{json.dumps(self.claims)[:-1]},{more}}}")

    def with_header_text(self, more: str) -> str:
        return self.signed(header=f"{json.dumps(self.header)[:-1]},{more}}}")

    def signed_by(self, key: OKPKey | RSAKey | ECKey, algorithm: str, **changes: object) -> str:
        """By somebody else's key, under our key id unless `changes` say otherwise."""
        header = _changed({**self.header, "alg": algorithm}, changes)
        return jws.serialize_compact(header, json.dumps(self.claims), key, algorithms=[algorithm])

    def hmac_with(self, secret: bytes, algorithm: str = "HS256") -> str:
        """What a verifier accepts that takes our public key for a shared secret."""
        body = self.body({**self.header, "alg": algorithm})
        return f"{body}.{b64(hmac.digest(secret, body.encode(), f'sha{algorithm[2:]}'))}"

    def public_bytes(self, encoding: Encoding, form: PublicFormat) -> bytes:
        return self.key.public_key().public_bytes(encoding, form)


def _changed(members: Mapping[str, Any], changes: Mapping[str, object]) -> dict[str, object]:
    return {name: one for name, one in {**members, **changes}.items() if one is not MISSING}
