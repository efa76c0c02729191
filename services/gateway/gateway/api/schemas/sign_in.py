"""Signing in, and sessions, on the wire."""

from __future__ import annotations

from datetime import datetime

from gateway.api.schemas.common import Example, PageBody, ResponseBody, examples
from gateway.browser_sign_in.model import BrowserSession

_SESSION: Example = {
    "id": "ses_5b1e",
    "user_id": "usr_77d0",
    "token_issuer_id": "iss_9a3f",
    "roles": ["editor"],
    "created_at": "2026-11-22T09:30:00Z",
    "last_used_at": "2026-11-22T11:02:00Z",
    "expires_at": "2026-11-22T21:30:00Z",
}


class SignInParameters(ResponseBody):
    model_config = examples(
        {
            "issuer": "https://login.kestrand.example/realms/staff",
            "client_id": "clientsphere-cli",
            "scopes": ["openid", "offline_access"],
        }
    )

    issuer: str
    client_id: str | None
    """Null: at this issuer people sign in with a browser only."""
    scopes: list[str]


class SessionBody(ResponseBody):
    model_config = examples(_SESSION)

    id: str
    user_id: str
    token_issuer_id: str
    roles: list[str]
    created_at: datetime
    last_used_at: datetime
    """To the minute."""
    expires_at: datetime

    @classmethod
    def of(cls, session: BrowserSession) -> SessionBody:
        return cls(
            id=session.id,
            user_id=session.principal_id,
            token_issuer_id=session.issuer_id,
            roles=list(session.roles),
            created_at=session.created_at,
            last_used_at=session.last_used_at,
            expires_at=session.expires_at,
        )


class SessionList(PageBody[SessionBody]):
    model_config = examples({"items": [_SESSION], "next_page_token": None})
