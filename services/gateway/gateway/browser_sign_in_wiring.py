"""Builds what signs people in with a browser, on the gateway's own tables."""

from __future__ import annotations

from clientsphere_common.db.outbox import OutboxRelay
from clientsphere_common.db.session import Database
from gateway.adapters.sql_journal import SqlAuditJournal
from gateway.adapters.sql_sessions import SqlSessions
from gateway.adapters.sql_sign_in_attempts import SqlSignInAttempts
from gateway.browser_sign_in.assembly import SignInNeeds, SignInParts, SignInStores, assemble
from gateway.settings import GatewaySettings


def build_browser_sign_in(
    settings: GatewaySettings, database: Database, relay: OutboxRelay, needs: SignInNeeds
) -> SignInParts:
    stores = SignInStores(
        SqlSignInAttempts(database),
        SqlSessions(database, relay),
        SqlAuditJournal(database, relay),
    )
    return assemble(settings, stores, needs)
