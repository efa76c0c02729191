"""The last use of a key: noted in memory, written now and then, never in the way."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.paging import PageWish
from gateway.key_usage import KeyUsage
from gateway.model.tenancy import KeyChoice, NewTenant
from tests.harness.gateway import Gateway, Tables
from tests.harness.modules import running

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


class FakeStore:
    def __init__(self) -> None:
        self.written: list[Mapping[str, datetime]] = []
        self.wrote = asyncio.Event()
        self.is_away = False

    async def mark_used(self, used_at: Mapping[str, datetime]) -> None:
        if self.is_away:
            raise DependencyUnavailableError("database_unavailable", "The database is away.")
        self.written.append(used_at)
        self.wrote.set()


class TestKeyUsage:
    async def test_many_uses_become_one_write_of_the_last(self) -> None:
        store = FakeStore()
        usage = KeyUsage(store)
        usage.note("key_a", NOON)
        usage.note("key_a", NOON + timedelta(seconds=1))
        usage.note("key_b", NOON)
        await usage.flush()
        assert store.written == [{"key_a": NOON + timedelta(seconds=1), "key_b": NOON}]

    async def test_nothing_is_written_when_nothing_was_used(self) -> None:
        store = FakeStore()
        await KeyUsage(store).flush()
        assert store.written == []

    async def test_is_written_by_itself_after_a_while(self) -> None:
        store = FakeStore()
        usage = KeyUsage(store, interval_s=0.001)
        async with running(usage):
            usage.note("key_a", NOON)
            await asyncio.wait_for(store.wrote.wait(), 5)
        assert store.written == [{"key_a": NOON}]

    async def test_stopping_writes_what_is_left(self) -> None:
        store = FakeStore()
        usage = KeyUsage(store)
        async with running(usage):
            usage.note("key_a", NOON)
        assert store.written == [{"key_a": NOON}]

    async def test_a_database_that_is_away_costs_only_the_note(self) -> None:
        store = FakeStore()
        store.is_away = True
        usage = KeyUsage(store)
        usage.note("key_a", NOON)
        with capture_logs() as logs:
            await usage.flush()
        assert [(line["event"], line["keys"]) for line in logs] == [("key_usage_lost", 1)]

    async def test_watching_it_waits_for_as_long_as_it_works(self) -> None:
        usage = KeyUsage(FakeStore())
        async with running(usage):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(usage.watch(), 0.01)

    async def test_watching_and_stopping_what_never_started_is_nothing(self) -> None:
        usage = KeyUsage(FakeStore())
        await usage.watch()
        await usage.stop()

    async def test_an_earlier_use_on_another_gateway_changes_nothing(
        self, gateway: Gateway, tables: Tables, tenant: NewTenant
    ) -> None:
        key_id = tenant.owner_key.record.id
        for at in (NOON, NOON - timedelta(seconds=1)):
            await tables.api_keys.mark_used({key_id: at})
        stored = await tables.api_keys.find(key_id)
        assert stored is not None
        assert stored.last_used_at == NOON

    async def test_shows_in_the_list_of_keys(
        self, gateway: Gateway, tables: Tables, tenant: NewTenant
    ) -> None:
        caller = await gateway.api_keys.authenticate(tenant.owner_key.key, "")
        await gateway.usage.flush()
        (listed,) = (await gateway.api_keys.page(caller, KeyChoice(), PageWish())).items
        assert listed.last_used_at == gateway.mint.now()
