"""The whole service: events in through the event log, links out through gRPC."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from audit.adapters.tables import Base
from audit.consumer import TRAIL_GROUP
from audit.settings import AuditSettings
from audit.wiring import MIGRATIONS, Surroundings, build
from clientsphere.audit.v1 import audit_service_pb2 as wire
from clientsphere.audit.v1.audit_service_pb2_grpc import AuditServiceStub
from clientsphere_common.audit_events import AUDIT_TOPIC, AuditFact, audit_event
from clientsphere_common.db.assembly import sqlite_tables
from clientsphere_common.db.engine import open_blocking_engine
from clientsphere_common.errors import InvalidInputError
from clientsphere_common.events.model import Event
from clientsphere_common.events.sqlite.event_log import SqliteEventLog
from clientsphere_common.hash_chain import ChainLink, verify_chain
from clientsphere_common.request import Caller
from tests.harness.databases import DatabaseUnderTest
from tests.harness.modules import running
from tests.harness.rpc import RpcHost, as_caller, rpc_host

SETTINGS = AuditSettings(record_attempts=2, retry_delay_s=0.01)


@dataclass(frozen=True)
class Service:
    host: RpcHost
    log: SqliteEventLog

    async def publish(self, *events: Event) -> None:
        """Returns when all of them were recorded or given up."""
        await self.log.publish(events)
        while await self.log.lag(AUDIT_TOPIC, TRAIL_GROUP):
            await asyncio.sleep(0.005)

    async def list_events(self, **fields: int | str) -> list[wire.ChainedEvent]:
        method = AuditServiceStub(self.host.channel).ListEvents
        request = wire.ListEventsRequest(**fields)  # type: ignore[arg-type] # chosen by each test
        return list((await self.host.calls.unary(method, request, 5)).events)

    async def head(self) -> wire.Head:
        method = AuditServiceStub(self.host.channel).GetHead
        return await self.host.calls.unary(method, wire.GetHeadRequest(), 5)


def around_of(data_dir: Path, log: SqliteEventLog) -> Surroundings:
    return Surroundings(sqlite_tables("audit", MIGRATIONS, data_dir), log)


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    log = SqliteEventLog(tmp_path / "events.db")
    around = around_of(tmp_path, log)
    async with running(log), rpc_host(build(SETTINGS, around)) as host:
        yield Service(host, log)


def asked_by(tenant_id: str) -> Event:
    fact = AuditFact("question.asked", "answer", "ans_1", details={"model": "extractive"})
    return audit_event(Caller(tenant_id, "usr_1"), fact)


class TestAuditService:
    async def test_an_auditor_can_verify_what_services_published(self, service: Service) -> None:
        await service.publish(*(asked_by("tnt_a") for _ in range(20)))
        as_caller("tnt_a")
        head = await service.head()
        links = [to_link(one) for one in await service.list_events()]
        assert verify_chain(links, head.sequence, head.hash) == 20

    async def test_a_tenant_sees_nothing_of_another(self, service: Service) -> None:
        await service.publish(asked_by("tnt_a"), asked_by("tnt_b"), asked_by("tnt_a"))
        as_caller("tnt_b")
        assert [one.sequence for one in await service.list_events()] == [1]
        assert (await service.head()).sequence == 1
        as_caller("tnt_c")
        assert await service.list_events() == []
        assert await service.head() == wire.Head(sequence=0, hash="")

    async def test_pages_and_filters_as_asked(self, service: Service) -> None:
        await service.publish(*(asked_by("tnt_a") for _ in range(4)))
        as_caller("tnt_a")
        page = await service.list_events(after_sequence=1, page_size=2, action="question.asked")
        assert [one.sequence for one in page] == [2, 3]
        assert await service.list_events(action="document.uploaded") == []
        assert len(await service.list_events(principal_id="usr_1", outcome="succeeded")) == 4
        assert await service.list_events(principal_id="usr_2") == []
        assert await service.list_events(outcome="denied") == []
        assert len(await service.list_events(occurred_from_ms=0)) == 4
        assert await service.list_events(occurred_before_ms=0) == []

    async def test_refuses_a_page_that_cannot_be(self, service: Service) -> None:
        as_caller("tnt_a")
        with pytest.raises(InvalidInputError) as refused:
            await service.list_events(page_size=1001)
        assert refused.value.code == "invalid_page_size"

    async def test_what_is_no_audit_event_is_set_aside_and_holds_up_nothing(
        self, service: Service
    ) -> None:
        broken = replace(asked_by("tnt_a"), payload=b"\xff\xff")
        await service.publish(asked_by("tnt_a"), broken, asked_by("tnt_a"))
        (letter,) = await service.log.dead_letters(AUDIT_TOPIC, TRAIL_GROUP)
        assert letter.event.id == broken.id
        as_caller("tnt_a")
        assert (await service.head()).sequence == 2

    async def test_goes_on_with_the_chain_after_a_restart(self, tmp_path: Path) -> None:
        for expected in (1, 2):
            log = SqliteEventLog(tmp_path / "events.db")
            parts = build(SETTINGS, around_of(tmp_path, log))
            async with running(log), rpc_host(parts) as host:
                service = Service(host, log)
                await service.publish(asked_by("tnt_a"))
                as_caller("tnt_a")
                head = await service.head()
                links = [to_link(one) for one in await service.list_events()]
                assert verify_chain(links, head.sequence, head.hash) == expected

    async def test_its_tables_answer_when_asked_whether_it_is_ready(self, tmp_path: Path) -> None:
        around = around_of(tmp_path, SqliteEventLog(tmp_path / "events.db"))
        parts = build(SETTINGS, around)
        async with running(*parts.modules):
            for check in parts.checks:
                await check.ask()


class TestMigrations:
    def test_make_exactly_the_tables_that_the_code_expects(self, tables: DatabaseUnderTest) -> None:
        engine = open_blocking_engine(tables.owner_url)
        with engine.connect() as connection:
            context = MigrationContext.configure(connection)
            assert compare_metadata(context, Base.metadata) == []


def to_link(one: wire.ChainedEvent) -> ChainLink:
    event = {
        "action": one.event.action,
        "principal_id": one.event.principal_id,
        "target_type": one.event.target_type,
        "target_id": one.event.target_id,
        "outcome": one.event.outcome,
        "occurred_at_ms": one.event.occurred_at_ms,
        "request_id": one.event.request_id,
        "details": dict(one.event.details),
    }
    return ChainLink(one.sequence, one.event_id, event, one.previous_hash, one.hash)
