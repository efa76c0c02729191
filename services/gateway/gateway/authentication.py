"""Turns what a request presents as its credential into a caller."""

from __future__ import annotations

from clientsphere_common.errors import UnauthenticatedError
from clientsphere_common.request import Caller
from gateway.api_keys import ApiKeys
from gateway.key_format import PREFIX
from gateway.own_secrets import OperatorKey
from gateway.token_issuers.signed_in import SignedInElsewhere
from gateway.tokens import AccessTokens


class Authentication:
    """Knows API keys, our own tokens, those of tenants' issuers, and the operator's key."""

    def __init__(
        self,
        keys: ApiKeys,
        tokens: AccessTokens,
        elsewhere: SignedInElsewhere,
        operator_key: OperatorKey,
    ) -> None:
        self._keys = keys
        self._tokens = tokens
        self._elsewhere = elsewhere
        self._operator_key = operator_key

    async def caller(self, credential: str) -> Caller:
        """Whom `credential` stands for, as things are now: a revoked key's tokens are void too.

        Raises UnauthenticatedError, and DependencyUnavailableError where that cannot be told now.
        """
        if credential.startswith(PREFIX):
            return await self._keys.authenticate(credential)
        presented = self._tokens.read(credential)
        if not self._tokens.is_issuer_of(presented):
            return await self._elsewhere.caller(presented)
        subject = self._tokens.verify(presented)
        return await self._keys.principal(subject.tenant_id, subject.principal_id)

    def require_operator(self, credential: str) -> None:
        """Raises UnauthenticatedError unless `credential` is the operator's key."""
        if not self._operator_key.matches(credential):
            raise UnauthenticatedError("operator_key_invalid", "This needs the operator's key.")
