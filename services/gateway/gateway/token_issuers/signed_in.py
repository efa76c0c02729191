"""Makes callers of those who bring a token of their tenant's issuer."""

from __future__ import annotations

from clientsphere_common.ids import derived_id
from clientsphere_common.request import Caller
from gateway.token_issuers.issuer_keys import KeysOfIssuers
from gateway.token_issuers.model import ClaimMapping, TokenIssuer, texts_at
from gateway.token_issuers.registry import IssuerRegistry
from gateway.token_rules import Claims, text_claim
from gateway.token_verifier import PresentedToken, TokenVerifier, invalid_token

_USER = "usr"
_MOST_GROUPS = 200
_LONGEST_GROUP = 256


class SignedInElsewhere:
    """The tenant is that of the issuer's entry: no claim names one that is not entered there."""

    def __init__(
        self, registry: IssuerRegistry, keys: KeysOfIssuers, verifier: TokenVerifier
    ) -> None:
        self._registry = registry
        self._keys = keys
        self._verifier = verifier

    async def caller(self, presented: PresentedToken) -> Caller:
        """Raises UnauthenticatedError, DependencyUnavailableError while its keys are unknown."""
        token = presented.token
        issuer = await self._registry.meant_by(token.claims)
        if issuer is None:
            raise invalid_token()
        try:
            # First of all, or tokens that can never be good would have the issuer asked for keys.
            issuer.rules.check_header(token)
            key = await self._keys.find(issuer.url, token.key_id)
            return caller_of(issuer, self._verifier.verify(presented, issuer.rules, key))
        except ValueError as error:
            raise invalid_token() from error


def is_user(caller: Caller) -> bool:
    """Whether that is somebody whom an issuer of the tenant knows, and no API key."""
    return caller.principal_id.startswith(f"{_USER}_")


def caller_of(issuer: TokenIssuer, claims: Claims) -> Caller:
    """Of whom verified `claims` are, without permissions.

    Raises ValueError for claims that do not have the form that the entry expects."""
    return Caller(
        tenant_id=issuer.tenant_id,
        principal_id=derived_id(_USER, issuer.tenant_id, issuer.url, text_claim(claims, "sub")),
        roles=_roles(issuer.mapping, claims),
        groups=_groups(issuer.mapping, claims),
    )


def _roles(mapping: ClaimMapping, claims: Claims) -> tuple[str, ...]:
    named = texts_at(claims, mapping.roles_path)
    roles = {mapping.roles[name] for name in named if name in mapping.roles}
    if not roles and mapping.default_role is not None:
        roles = {mapping.default_role}
    return tuple(sorted(role.value for role in roles))


def _groups(mapping: ClaimMapping, claims: Claims) -> tuple[str, ...]:
    groups = texts_at(claims, mapping.groups_path)
    if len(groups) > _MOST_GROUPS or any(not _is_name(group) for group in groups):
        raise ValueError("these are no groups")
    return tuple(sorted(set(groups)))


def _is_name(group: str) -> bool:
    return 0 < len(group) <= _LONGEST_GROUP and group.isprintable()
