"""API keys and access tokens on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from gateway.api.schemas.common import Example, Name, RequestBody, ResponseBody, examples
from gateway.api.schemas.tenants import EXAMPLE_KEY
from gateway.permissions import Role

_KEY: Example = {
    "id": "key_4fJk29Qz",
    "name": "intranet search",
    "role": "viewer",
    "prefix": "cs_live_4fJk29Qz",
    "created_at": "2026-11-22T09:30:00.125000Z",
    "expires_at": "2027-02-20T09:30:00.125000Z",
}


class TokenRequest(RequestBody):
    model_config = examples({"grant_type": "api_key", "api_key": EXAMPLE_KEY})

    grant_type: Literal["api_key"]
    api_key: Annotated[str, Field(max_length=256)]


class AccessToken(ResponseBody):
    model_config = examples(
        {"access_token": "eyJhbGciOi...", "token_type": "Bearer", "expires_in": 900}
    )

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the name of a scheme
    expires_in: int
    """Seconds."""


class PublicKeys(ResponseBody):
    model_config = examples(
        {
            "keys": [
                {
                    "kty": "OKP",
                    "crv": "Ed25519",
                    "x": "bvf67gd7s4Xv0hX3hPU8hxoZZOiqd2SrZJ53IN_CfJY",
                    "kid": "gbp0rauQDt0rXZ7XyA2gg9GvRyAr4z03AtDfhxzY6ao",
                    "use": "sig",
                    "alg": "Ed25519",
                }
            ]
        }
    )

    keys: list[dict[str, str]]


class NewApiKeyBody(RequestBody):
    model_config = examples({"name": "intranet search", "role": "viewer", "expires_in_days": 90})

    name: Name
    role: Role
    expires_in_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    """Never, when it is missing."""


class CreatedApiKey(ResponseBody):
    model_config = examples({**_KEY, "key": EXAMPLE_KEY})

    id: str
    name: str
    role: Role
    prefix: str
    """The part of the key that is no secret."""
    created_at: datetime
    expires_at: datetime | None
    key: str
    """Shown this once."""


class ListedApiKey(ResponseBody):
    id: str
    name: str
    role: Role
    prefix: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    """Up to a minute late."""
    revoked_at: datetime | None


class ApiKeyList(ResponseBody):
    model_config = examples(
        {"items": [{**_KEY, "last_used_at": "2026-11-22T10:02:11.900000Z", "revoked_at": None}]}
    )

    items: list[ListedApiKey]
    """Oldest first, the revoked ones too."""
