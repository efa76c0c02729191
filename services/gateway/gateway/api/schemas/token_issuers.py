"""Token issuers on the wire."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints

from clientsphere_common.access.model import Role
from gateway.api.schemas.common import Example, PageBody, RequestBody, ResponseBody, examples
from gateway.idempotency.attempt import repeatable_id
from gateway.times import from_unix_ms
from gateway.token_issuers.model import (
    ClaimMapping,
    SignInOffer,
    TenantCondition,
    TokenIssuer,
)

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
    "sign_in": {
        "client_id": "clientsphere-console",
        "client_secret_name": "sign-in-kestrand",
        "scopes": ["openid", "profile"],
        "cli_client_id": "clientsphere-cli",
        "cli_scopes": ["openid", "offline_access"],
    },
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


ClientId = Annotated[
    str, StringConstraints(min_length=1, max_length=256, pattern=r"^[\x21-\x7e]+$")
]
Scope = Annotated[
    str, StringConstraints(min_length=1, max_length=256, pattern=r"^[\x21\x23-\x5b\x5d-\x7e]+$")
]
SecretName = Annotated[
    str, StringConstraints(max_length=64, pattern=r"^sign-in-[a-z0-9]+(-[a-z0-9]+)*$")
]


def _with_openid(scopes: tuple[str, ...]) -> tuple[str, ...]:
    """Raises ValueError for scopes for which there is no ID token."""
    if "openid" not in scopes:
        raise ValueError("must have openid among them")
    return scopes


class SignInBody(RequestBody):
    """As which clients of the issuer people sign in there."""

    client_id: ClientId
    """Of the client that signs people in with a browser. Its ID tokens have it as `aud`."""
    client_secret_name: SecretName | None = None
    """Name of the secret that proves it, read where all secrets are; without it: public."""
    scopes: Annotated[tuple[Scope, ...], Field(max_length=20), AfterValidator(_with_openid)] = (
        "openid",
    )
    """What a browser asks for."""
    cli_client_id: ClientId | None = None
    """Of the public client that signs people in at a command line; without it nobody can."""
    cli_scopes: Annotated[tuple[Scope, ...], Field(max_length=20)] = ()
    """What a command line asks for: what makes the issuer give access tokens for us."""

    def to_model(self) -> SignInOffer:
        return SignInOffer(**self.model_dump())


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
    sign_in: SignInBody | None = None
    """Without it the tenant's people bring tokens, and do not sign in here."""

    def to_model(self, tenant_id: str) -> TokenIssuer:
        condition = self.condition
        return TokenIssuer(
            id=repeatable_id("iss"),
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
            sign_in=None if self.sign_in is None else self.sign_in.to_model(),
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
    sign_in: SignInBody | None
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
            sign_in=None if issuer.sign_in is None else SignInBody(**vars(issuer.sign_in)),
            created_at=issuer.created_at,
        )


class TokenIssuerList(PageBody[TokenIssuerBody]):
    model_config = examples(
        {
            "items": [{"id": "iss_9a3f", "created_at": "2026-11-22T09:30:00Z", **_NEW}],
            "next_page_token": None,
        }
    )
