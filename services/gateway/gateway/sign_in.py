"""Exchanges a long-lived credential for an access token."""

from __future__ import annotations

from clientsphere_common.audit_events import AuditFact
from clientsphere_common.request import Caller
from gateway.ports import AuditJournal
from gateway.tokens import AccessTokens, IssuedToken, TokenSubject


class SignIn:
    def __init__(self, tokens: AccessTokens, journal: AuditJournal) -> None:
        self._tokens = tokens
        self._journal = journal

    async def token_for(self, caller: Caller) -> IssuedToken:
        """A token for a caller whose credential has been verified; recorded before it is given."""
        await self._journal.record(
            caller, AuditFact("token.issued", "principal", caller.principal_id)
        )
        return self._tokens.issue(TokenSubject(caller.tenant_id, caller.principal_id))
