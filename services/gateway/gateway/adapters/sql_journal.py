"""Facts for the audit trail, through the gateway's outbox."""

from __future__ import annotations

from clientsphere_common.audit_events import AuditFact, audit_event
from clientsphere_common.db.outbox import OutboxRelay, add_to_outbox
from clientsphere_common.db.session import Database
from clientsphere_common.request import Caller
from gateway.adapters.tables import OutboxRow


class SqlAuditJournal:
    def __init__(self, database: Database, relay: OutboxRelay) -> None:
        self._database = database
        self._relay = relay

    async def record(self, caller: Caller, fact: AuditFact) -> None:
        async with self._database.transaction(caller.tenant_id) as session:
            add_to_outbox(session, OutboxRow, audit_event(caller, fact))
        self._relay.wake()
