"""What is known of somebody who is signing in, and of somebody who has."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime

from clientsphere_common.request import Caller
from gateway.token_issuers.model import SignInOffer, TokenIssuer

_SECRET_BYTES = 32


@dataclass(frozen=True)
class WayIn:
    """An issuer at which people sign in, and what we are to it."""

    entry: TokenIssuer
    offer: SignInOffer


@dataclass(frozen=True)
class Attempt:
    """A browser that we sent to an issuer. It ends when the browser comes back, whatever it says.

    Of what the browser was given only digests are kept: who reads the tables cannot come back in
    its place.
    """

    state_digest: bytes
    tenant_id: str
    issuer_id: str
    browser_digest: bytes
    nonce_digest: bytes
    code_verifier: str = field(repr=False)
    return_path: str
    expires_at: datetime


@dataclass(frozen=True)
class IssuerAnswer:
    """What the browser brings back from the issuer (RFC 6749, 4.1.2; RFC 9207); empty: missing."""

    state: str
    code: str = field(default="", repr=False)
    error: str = ""
    issuer: str = ""


@dataclass(frozen=True)
class BrowserSession:
    id: str
    tenant_id: str
    issuer_id: str
    """The entry that let it begin, and ends it."""
    principal_id: str
    roles: tuple[str, ...]
    groups: tuple[str, ...]
    secret_digest: bytes
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime

    def caller(self, permissions: frozenset[str]) -> Caller:
        return Caller(self.tenant_id, self.principal_id, self.roles, self.groups, permissions)


@dataclass(frozen=True)
class Living:
    """Which sessions are not over: those that end, and were used last, later than these times."""

    ends_after: datetime
    used_after: datetime

    def has(self, session: BrowserSession) -> bool:
        is_used = session.last_used_at > self.used_after
        return is_used and session.expires_at > self.ends_after


def new_secret() -> str:
    """256 random bits as text for a cookie or a URL."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def digest(secret: str) -> bytes:
    """What is stored of a secret that nobody can guess; it needs no salt and no pepper."""
    return hashlib.sha256(secret.encode()).digest()
