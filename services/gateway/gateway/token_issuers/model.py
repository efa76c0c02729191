"""An issuer as the operator registered it, and what its claims mean to one tenant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from clientsphere_common.access.model import Role
from gateway.compact_tokens import UNTYPED
from gateway.token_rules import Claims, TokenRules

ClaimPath = tuple[str, ...]
"""The names that lead to a claim from the outside in: `("realm_access", "roles")`."""


@dataclass(frozen=True)
class ClaimMapping:
    roles_path: ClaimPath = ("roles",)
    roles: Mapping[str, Role] = field(default_factory=dict)
    """Our roles by the issuer's names; names that are not here give nothing."""
    default_role: Role | None = None
    """Of those whom no name gives a role. None: they may sign in and do nothing."""
    groups_path: ClaimPath = ()
    """Empty: its tokens carry no groups."""


@dataclass(frozen=True)
class TenantCondition:
    """What tokens for this tenant say, where several tenants share an issuer and an audience."""

    claim: str
    value: str


@dataclass(frozen=True)
class SignInOffer:
    """As which clients of the issuer we let people sign in there."""

    client_id: str
    """Ours, in a browser."""
    client_secret_name: str | None = None
    """Of the secret that proves it. None: a public client."""
    scopes: tuple[str, ...] = ("openid",)
    cli_client_id: str | None = None
    """A public client, for command lines. None: people sign in with a browser only."""
    cli_scopes: tuple[str, ...] = ()


@dataclass(frozen=True)
class TokenIssuer:
    id: str
    tenant_id: str
    url: str
    """As its tokens and its discovery document name it, to the letter."""
    audience: str
    algorithms: tuple[str, ...]
    types: tuple[str, ...]
    mapping: ClaimMapping
    created_at: datetime
    condition: TenantCondition | None = None
    sign_in: SignInOffer | None = None

    @cached_property
    def rules(self) -> TokenRules:
        return TokenRules(
            issuer=self.url,
            audience=self.audience,
            algorithms=frozenset(self.algorithms),
            types=frozenset(self.types),
            may_name_other_audiences=True,
        )

    def id_token_rules(self, client_id: str) -> TokenRules:
        """Of what the issuer says about somebody who signed in as users of that client do."""
        return TokenRules(
            issuer=self.url,
            audience=client_id,
            algorithms=frozenset(self.algorithms),
            types=frozenset({"JWT", UNTYPED}),
            text_claims=("nonce",),
            may_name_other_audiences=True,
        )

    def is_meant_by(self, claims: Claims) -> bool:
        """Whether a token with these claims is for this entry, if it is genuine."""
        is_for_us = claims.get("iss") == self.url and self.rules.is_for_us(claims)
        return is_for_us and self.is_of_its_tenant(claims)

    def is_of_its_tenant(self, claims: Claims) -> bool:
        condition = self.condition
        return condition is None or claims.get(condition.claim) == condition.value

    def is_told_apart_from(self, other: TokenIssuer) -> bool:
        """Whether no token can be for both."""
        if self.url != other.url or self._audiences.isdisjoint(other._audiences):
            return True
        if self.condition is None or other.condition is None:
            return False
        return (
            self.condition.claim == other.condition.claim
            and self.condition.value != other.condition.value
        )

    @property
    def _audiences(self) -> frozenset[str]:
        """Of access tokens, and of the ID tokens of those who sign in."""
        return frozenset({self.audience} | ({self.sign_in.client_id} if self.sign_in else set()))


def texts_at(claims: Claims, path: Sequence[str]) -> tuple[str, ...]:
    """The texts of the claim at `path`, one or a list of them; none where there is no such claim.

    Raises ValueError for anything else.
    """
    value: object = claims
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if value is None or not path:
        return ()
    texts = value if isinstance(value, list) else [value]
    if not all(isinstance(one, str) for one in texts):
        raise ValueError(f"{'.'.join(path)} must be text or a list of texts")
    return tuple(texts)
