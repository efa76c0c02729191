"""What a browser is sent to an issuer with (RFC 6749, OpenID Connect Core 1.0, RFC 7636)."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode, urlsplit, urlunsplit

from gateway.browser_sign_in.model import Attempt, digest, new_secret
from gateway.token_issuers.model import SignInOffer, TokenIssuer

ATTEMPT_LIFETIME = timedelta(minutes=10)


@dataclass(frozen=True)
class Departure:
    """What the browser takes along, each a secret of its own."""

    state: str
    nonce: str
    browser: str = field(repr=False)
    """In a cookie: the issuer never sees it."""

    def attempt(self, entry: TokenIssuer, return_path: str, now: datetime) -> Attempt:
        return Attempt(
            state_digest=digest(self.state),
            tenant_id=entry.tenant_id,
            issuer_id=entry.id,
            browser_digest=digest(self.browser),
            nonce_digest=digest(self.nonce),
            code_verifier=new_secret(),
            return_path=return_path,
            expires_at=now + ATTEMPT_LIFETIME,
        )


def new_departure() -> Departure:
    return Departure(new_secret(), new_secret(), new_secret())


def authorization_url(
    endpoint: str, offer: SignInOffer, redirect_uri: str, departure: Departure, verifier: str
) -> str:
    asked = {
        "response_type": "code",
        "client_id": offer.client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(offer.scopes),
        "state": departure.state,
        "nonce": departure.nonce,
        "code_challenge": _challenge(verifier),
        "code_challenge_method": "S256",
    }
    parts = urlsplit(endpoint)
    query = "&".join(filter(None, (parts.query, urlencode(asked))))
    return urlunsplit(parts._replace(query=query))


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(digest(verifier)).rstrip(b"=").decode()
