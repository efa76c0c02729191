"""API keys and access tokens on the wire."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, field_validator

from clientsphere_common.access.model import Role
from gateway.api.schemas.common import (
    WHOLE,
    Example,
    Name,
    PageBody,
    Permissions,
    RequestBody,
    ResponseBody,
    examples,
)
from gateway.api.schemas.tenants import EXAMPLE_KEY
from gateway.networks import canonical_network

_KEY: Example = {
    "id": "key_4fJk29Qz",
    "name": "intranet search",
    "role": "viewer",
    "prefix": "cs_live_4fJk29Qz",
    "created_at": "2026-11-22T09:30:00.125000Z",
    "scopes": ["search"],
    "networks": ["192.0.2.0/24"],
    "expires_at": "2027-02-20T09:30:00.125000Z",
}
_ROLE = rf"^({'|'.join(Role)}|role_[0-9A-Za-z]{{1,59}})$"
_LATER = "2026-11-23T09:30:00.125000Z"


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


RoleName = Annotated[str, StringConstraints(pattern=_ROLE)]
Network = Annotated[str, Field(max_length=43), AfterValidator(canonical_network)]


class NewApiKeyBody(RequestBody):
    model_config = examples(
        {"name": "intranet", "role": "viewer", "expires_in_days": 90},
        {
            "name": "intranet search",
            "role": "viewer",
            "scopes": ["search"],
            "networks": ["192.0.2.0/24"],
        },
    )

    name: Name
    role: RoleName
    expires_in_days: Annotated[int, Field(ge=1, le=3650), WHOLE] | None = None
    """Never, when it is missing."""
    scopes: Permissions | None = None
    """The only permissions of its role that the key is to have; all, when it is missing."""
    networks: Annotated[tuple[Network, ...], Field(max_length=100)] = ()
    """In CIDR notation: from where the key may be used; empty: from anywhere."""


class RotationBody(RequestBody):
    model_config = examples({"overlap_hours": 24})

    overlap_hours: Annotated[int, Field(ge=0, le=7 * 24), WHOLE]
    """How much longer the key's text from before is good; 0: it ends at once."""


class ApiKeyBody(ResponseBody):
    id: str
    name: str
    role: str
    """`owner`, `admin`, `editor`, `viewer`, `auditor`, or the id of one of the tenant's roles."""
    prefix: str
    """The part of the key that is no secret."""
    created_at: datetime
    scopes: list[str] | None
    """The only permissions of its role that the key has; null: all."""
    networks: list[str]
    """From where it may be used; empty: from anywhere."""
    expires_at: datetime | None

    @field_validator("scopes", mode="before")
    @classmethod
    def _in_one_order(cls, scopes: Collection[str] | None) -> list[str] | None:
        return None if scopes is None else sorted(scopes)


class CreatedApiKey(ApiKeyBody):
    model_config = examples({**_KEY, "key": EXAMPLE_KEY})

    key: str
    """Shown this once."""


class RotatedApiKey(CreatedApiKey):
    model_config = examples({**_KEY, "key": EXAMPLE_KEY, "previous_secret_expires_at": _LATER})

    previous_secret_expires_at: datetime
    """Until when the text from before is good as well."""


class ListedApiKey(ApiKeyBody):
    last_used_at: datetime | None
    """Up to a minute late."""
    revoked_at: datetime | None
    previous_secret_expires_at: datetime | None
    """Until when the text from before the last rotation is good as well; null: never rotated."""


class ApiKeyList(PageBody[ListedApiKey]):
    model_config = examples(
        {
            "items": [
                {
                    **_KEY,
                    "last_used_at": "2026-11-22T10:02:11.900000Z",
                    "revoked_at": None,
                    "previous_secret_expires_at": None,
                }
            ],
            "next_page_token": None,
        }
    )
