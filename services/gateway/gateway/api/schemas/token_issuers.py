"""Token issuers on the wire."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints

from clientsphere_common.access.model import Role
from clientsphere_common.ids import new_id
from gateway.api.schemas.common import Example, RequestBody, ResponseBody, examples
from gateway.times import from_unix_ms
from gateway.token_issuers.model import ClaimMapping, TenantCondition, TokenIssuer

_NEW: Example = {
    "url": "https://login.kestrand.example/realms/staff",
    "audience": "clientsphere",
    "algorithms": ["RS256"],
    "token_types": ["at+jwt"],
    "roles_path": ["realm_access", "roles"],
    "roles": {"kb-editors": "editor", "kb-readers": "viewer"},
    "default_role": None,
    "groups_path": ["groups"],
    "condition": None,
}


def _https(url: str) -> str:
    """An issuer as OpenID Connect Discovery 1.0 wants it. Raises ValueError."""
    parts = urlsplit(url)
    is_plain = not (parts.query or parts.fragment or "@" in parts.netloc)
    if parts.scheme != "https" or not parts.hostname or not is_plain or not url.isprintable():
        raise ValueError("must be an https URL without user, query and fragment")
    return url


Algorithm = Literal["RS256", "PS256", "ES256", "ES384", "Ed25519", "EdDSA"]
Text = Annotated[
    str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")
]
Path = Annotated[tuple[Text, ...], Field(max_length=5)]


class Condition(RequestBody):
    """Where several tenants share an issuer and an audience: what tokens for this tenant say."""

    claim: Text
    value: Text


class NewTokenIssuerBody(RequestBody):
    model_config = examples(_NEW)

    url: Annotated[str, StringConstraints(max_length=512), AfterValidator(_https)]
    """As the issuer names itself in its tokens, to the letter."""
    audience: Annotated[str, StringConstraints(min_length=1, max_length=256)]
    """What its tokens for us name as their audience, among others perhaps."""
    algorithms: Annotated[tuple[Algorithm, ...], Field(min_length=1, max_length=6)] = ("RS256",)
    token_types: Annotated[
        tuple[Literal["at+jwt", "JWT"], ...], Field(min_length=1, max_length=2)
    ] = ("at+jwt",)
    """`JWT` only for issuers that do not type their access tokens: ID tokens have it, too."""
    roles_path: Path = ("roles",)
    """The names that lead to the claim with the roles, from the outside in."""
    roles: Annotated[dict[Text, Role], Field(max_length=100, default_factory=dict)]
    """Our roles by the issuer's names for them."""
    default_role: Role | None = None
    """For those to whom no name gives a role; without it they may do nothing."""
    groups_path: Path = ()
    """The names that lead to the claim with the groups; without it there are none."""
    condition: Condition | None = None

    def to_model(self, tenant_id: str) -> TokenIssuer:
        condition = self.condition
        return TokenIssuer(
            id=new_id("iss"),
            tenant_id=tenant_id,
            url=self.url,
            audience=self.audience,
            algorithms=self.algorithms,
            types=self.token_types,
            mapping=ClaimMapping(self.roles_path, self.roles, self.default_role, self.groups_path),
            created_at=from_unix_ms(time.time_ns() // 1_000_000),
            condition=None
            if condition is None
            else TenantCondition(condition.claim, condition.value),
        )


class TokenIssuerBody(ResponseBody):
    model_config = examples(
        {"id": "iss_9a3f", "created_at": "2026-11-22T09:30:00Z", **_NEW},
    )

    id: str
    url: str
    audience: str
    algorithms: list[str]
    token_types: list[str]
    roles_path: list[str]
    roles: dict[str, Role]
    default_role: Role | None
    groups_path: list[str]
    condition: Condition | None
    created_at: datetime

    @classmethod
    def of(cls, issuer: TokenIssuer) -> TokenIssuerBody:
        mapping, condition = issuer.mapping, issuer.condition
        return cls(
            id=issuer.id,
            url=issuer.url,
            audience=issuer.audience,
            algorithms=list(issuer.algorithms),
            token_types=list(issuer.types),
            roles_path=list(mapping.roles_path),
            roles=dict(mapping.roles),
            default_role=mapping.default_role,
            groups_path=list(mapping.groups_path),
            condition=None
            if condition is None
            else Condition(claim=condition.claim, value=condition.value),
            created_at=issuer.created_at,
        )


class TokenIssuerList(ResponseBody):
    model_config = examples(
        {"items": [{"id": "iss_9a3f", "created_at": "2026-11-22T09:30:00Z", **_NEW}]}
    )

    items: list[TokenIssuerBody]
