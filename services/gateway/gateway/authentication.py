"""Turns what a request presents as its credential into a caller."""

from __future__ import annotations

from dataclasses import replace

from clientsphere_common.errors import UnauthenticatedError
from clientsphere_common.request import Caller
from gateway.api_keys import ApiKeys
from gateway.key_format import PREFIX
from gateway.own_secrets import OperatorKey
from gateway.roles import Roles
from gateway.token_issuers.signed_in import SignedInElsewhere
from gateway.token_verifier import PresentedToken
from gateway.tokens import AccessTokens


class Authentication:
    """Knows API keys, our own tokens, those of tenants' issuers, and the operator's key."""

    def __init__(
        self,
        keys: ApiKeys,
        tokens: AccessTokens,
        elsewhere: SignedInElsewhere,
        roles: Roles,
        operator_key: OperatorKey,
    ) -> None:
        self._keys = keys
        self._tokens = tokens
        self._elsewhere = elsewhere
        self._roles = roles
        self._operator_key = operator_key

    async def caller(self, credential: str, address: str) -> Caller:
        """Whom `credential` stands for, as things are now: a revoked key's tokens are void too.

        Raises UnauthenticatedError, PermissionDeniedError for an `address` that is not allowed, and
        DependencyUnavailableError where that cannot be told now.
        """
        if credential.startswith(PREFIX):
            return await self._keys.authenticate(credential, address)
        presented = self._tokens.read(credential)
        if not self._tokens.is_issuer_of(presented):
            return await self._signed_in_elsewhere(presented)
        subject = self._tokens.verify(presented)
        return await self._keys.principal(subject.tenant_id, subject.principal_id, address)

    async def _signed_in_elsewhere(self, presented: PresentedToken) -> Caller:
        caller = await self._elsewhere.caller(presented)
        permissions = await self._roles.permissions_of(caller.tenant_id, caller.roles)
        return replace(caller, permissions=permissions)

    def require_operator(self, credential: str) -> None:
        """Raises UnauthenticatedError unless `credential` is the operator's key."""
        if not self._operator_key.matches(credential):
            raise UnauthenticatedError("operator_key_invalid", "This needs the operator's key.")
