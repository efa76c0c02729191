"""Two processes of a service on one database: what one tenant does at once ends as if in turn."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence

import pytest
from sqlalchemy import select

import audit.wiring
import gateway.wiring
import ingestion.wiring
from audit.adapters.sql_trail import SqlTrailStore
from audit.model import AuditEvent, TrailChoice
from audit.trail import AuditTrail
from clientsphere_common.access.model import Role
from clientsphere_common.db.outbox import OutboxRelay
from clientsphere_common.db.session import Database
from clientsphere_common.errors import ConflictError
from clientsphere_common.hash_chain import ChainLink, verify_chain
from clientsphere_common.ids import new_id
from clientsphere_common.request import Caller
from gateway.adapters.sql_api_keys import SqlApiKeys
from gateway.adapters.sql_tenants import SqlTenants
from gateway.adapters.tables import OutboxRow as GatewayOutboxRow
from gateway.key_mint import KeyMint
from gateway.model.tenancy import KeyWish
from gateway.tenants import Tenants
from ingestion.adapters.sql_documents import SqlDocuments
from ingestion.adapters.sql_jobs import SqlJobLedger
from ingestion.adapters.sql_knowledge_bases import SqlKnowledgeBases
from ingestion.adapters.tables import OutboxRow, VersionRow
from ingestion.model import KnowledgeBaseAccess, ReceivedFile, UploadTarget, VersionKey
from tests.fakes.event_publisher import FakeEventPublisher
from tests.harness.databases import DatabaseUnderTest
from tests.harness.gateway import owner_of
from tests.harness.modules import running

CALLER = Caller("tnt_a", "usr_a", ("auditor",))
AT_ONCE = 12


@pytest.fixture
async def processes(database_under_test: DatabaseUnderTest) -> AsyncIterator[Sequence[Database]]:
    """Neither knows of the other's sessions."""
    both = [Database(database_under_test.url) for _ in range(2)]
    async with running(*both):
        yield both


def relay(database: Database) -> OutboxRelay:
    return OutboxRelay(database, OutboxRow, FakeEventPublisher())


def file(number: int) -> ReceivedFile:
    return ReceivedFile(f"tnt_a/{number}", "text/plain", size_bytes=1, sha256=f"{number:064}")


async def new_knowledge_base(processes: Sequence[Database]) -> str:
    return await SqlKnowledgeBases(processes[0], relay(processes[0])).ensure_default(CALLER)


@pytest.fixture
def _audit(database_under_test: DatabaseUnderTest) -> None:
    database_under_test.upgrade(audit.wiring.MIGRATIONS)


@pytest.fixture
def _gateway(database_under_test: DatabaseUnderTest) -> None:
    database_under_test.upgrade(gateway.wiring.MIGRATIONS)


@pytest.fixture
def _ingestion(database_under_test: DatabaseUnderTest) -> None:
    database_under_test.upgrade(ingestion.wiring.MIGRATIONS)


@pytest.mark.usefixtures("_ingestion")
class TestUploads:
    async def test_of_one_name_become_versions_of_one_document(
        self, processes: Sequence[Database]
    ) -> None:
        target = UploadTarget(await new_knowledge_base(processes), "note.txt")
        stores = [SqlDocuments(database, relay(database)) for database in processes]
        outcomes = await asyncio.gather(
            *(stores[n % 2].accept(CALLER, target, file(n)) for n in range(AT_ONCE))
        )
        assert len({outcome.document.id for outcome in outcomes}) == 1
        versions = sorted(outcome.document.version for outcome in outcomes)
        assert versions == list(range(1, AT_ONCE + 1))

    async def test_of_the_same_bytes_become_one_version(
        self, processes: Sequence[Database]
    ) -> None:
        target = UploadTarget(await new_knowledge_base(processes), "note.txt")
        stores = [SqlDocuments(database, relay(database)) for database in processes]
        outcomes = await asyncio.gather(
            *(stores[n % 2].accept(CALLER, target, file(1)) for n in range(AT_ONCE))
        )
        assert Counter(outcome.is_new_version for outcome in outcomes) == {
            True: 1,
            False: AT_ONCE - 1,
        }

    async def test_that_are_a_tenants_first_find_one_default_knowledge_base(
        self, processes: Sequence[Database]
    ) -> None:
        stores = [SqlKnowledgeBases(database, relay(database)) for database in processes]
        found = await asyncio.gather(
            *(stores[n % 2].ensure_default(CALLER) for n in range(AT_ONCE))
        )
        assert len(set(found)) == 1

    async def test_starts_of_one_job_are_all_counted(self, processes: Sequence[Database]) -> None:
        documents = SqlDocuments(processes[0], relay(processes[0]))
        target = UploadTarget(await new_knowledge_base(processes), "note.txt")
        outcome = await documents.accept(CALLER, target, file(1))
        key = VersionKey("tnt_a", outcome.document.id, 1)
        ledgers = [SqlJobLedger(database, relay(database)) for database in processes]
        await asyncio.gather(*(ledgers[n % 2].begin(key) for n in range(AT_ONCE)))
        async with processes[0].snapshot("tnt_a") as session:
            assert await session.scalar(select(VersionRow.starts)) == AT_ONCE


@pytest.mark.usefixtures("_ingestion")
class TestKnowledgeBases:
    async def test_of_one_name_are_one_and_conflicts(self, processes: Sequence[Database]) -> None:
        stores = [SqlKnowledgeBases(database, relay(database)) for database in processes]
        outcomes = await asyncio.gather(
            *(
                stores[n % 2].create(CALLER, "legal", KnowledgeBaseAccess(), new_id("kb"))
                for n in range(AT_ONCE)
            ),
            return_exceptions=True,
        )
        conflicts = [one for one in outcomes if isinstance(one, ConflictError)]
        assert len(conflicts) == AT_ONCE - 1


@pytest.mark.usefixtures("_audit")
class TestAuditTrail:
    async def test_events_of_one_tenant_form_one_chain(self, processes: Sequence[Database]) -> None:
        trails = [AuditTrail(SqlTrailStore(database)) for database in processes]
        # Each event is delivered to both processes.
        await asyncio.gather(
            *(trail.record("tnt_a", event(n)) for n in range(AT_ONCE) for trail in trails)
        )
        head = await trails[0].head(CALLER)
        links = [
            ChainLink(
                one.sequence, one.event.event_id, one.event.facts(), one.previous_hash, one.hash
            )
            for one in (await trails[1].page(CALLER, TrailChoice(), 1000)).items
        ]
        assert verify_chain(links, head.sequence, head.hash) == AT_ONCE


@pytest.mark.usefixtures("_gateway")
class TestApiKeys:
    async def test_the_last_two_owners_cannot_both_go(self, processes: Sequence[Database]) -> None:
        stores = [
            SqlApiKeys(one, OutboxRelay(one, GatewayOutboxRow, FakeEventPublisher()))
            for one in processes
        ]
        mint = KeyMint(b"pepper")
        first_relay = OutboxRelay(processes[0], GatewayOutboxRow, FakeEventPublisher())
        new = await Tenants(SqlTenants(processes[0], first_relay), mint).create("Kestrand")
        first = new.owner_key.record
        second = mint.issue(first.tenant_id, KeyWish("second", Role.OWNER)).record
        await stores[0].add(owner_of(new), second)
        outcomes = await asyncio.gather(
            stores[0].revoke(owner_of(new), first.id, mint.now()),
            stores[1].revoke(owner_of(new), second.id, mint.now()),
            return_exceptions=True,
        )
        assert sorted(isinstance(one, ConflictError) for one in outcomes) == [False, True]


def event(number: int) -> AuditEvent:
    return AuditEvent(
        event_id=f"evt_{number}",
        action="question.asked",
        principal_id="usr_1",
        target_type="answer",
        target_id=f"ans_{number}",
        outcome="succeeded",
        occurred_at_ms=1_700_000_000_000 + number,
        request_id=f"req_{number}",
        details={},
    )
