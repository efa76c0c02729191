"""What is registered is known for four seconds, and strangers cost no query."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from clientsphere_common.errors import ConflictError, DependencyUnavailableError
from clientsphere_common.paging import Page, PageWish
from clientsphere_common.request import Caller
from gateway.adapters.sql_token_issuers import SqlTokenIssuers
from gateway.model.tenancy import NewTenant
from gateway.token_issuers.model import ClaimMapping, TokenIssuer
from gateway.token_issuers.registry import IssuerRegistry
from tests.harness.gateway import Clock, Tables

CLAIMS = {"iss": "https://login.example", "aud": "us"}


def entry(issuer_id: str, tenant_id: str = "tnt_a") -> TokenIssuer:
    return TokenIssuer(
        id=issuer_id,
        tenant_id=tenant_id,
        url="https://login.example",
        audience="us",
        algorithms=("RS256",),
        types=("at+jwt",),
        mapping=ClaimMapping(),
        created_at=datetime(2026, 11, 22, tzinfo=UTC),
    )


class CountingStore:
    """Holds `entries`; takes `lasts_s` seconds of `clock` to tell them."""

    def __init__(self, clock: Clock) -> None:
        self.entries: list[TokenIssuer] = [entry("iss_1")]
        self.lasts_s = 0.0
        self.times_asked = 0
        self.waits = asyncio.Event()
        self.waits.set()
        self._clock = clock

    async def list_all(self) -> Sequence[TokenIssuer]:
        self.times_asked += 1
        found = list(self.entries)
        await self.waits.wait()
        self._clock.now_s += self.lasts_s
        return found

    async def page(self, tenant_id: str, wish: PageWish) -> Page[TokenIssuer]:
        return Page(tuple(self.entries))

    async def add(self, caller: Caller, issuer: TokenIssuer) -> TokenIssuer:
        self.entries.append(issuer)
        return issuer

    async def remove(self, caller: Caller, issuer_id: str) -> None:
        self.entries = [one for one in self.entries if one.id != issuer_id]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> CountingStore:
    return CountingStore(clock)


@pytest.fixture
def registry(store: CountingStore, clock: Clock) -> IssuerRegistry:
    return IssuerRegistry(store, clock)


class TestMeantBy:
    async def test_is_asked_of_the_tables_every_four_seconds(
        self, registry: IssuerRegistry, store: CountingStore, clock: Clock
    ) -> None:
        for number in range(100):
            assert await registry.meant_by({**CLAIMS, "iss": f"https://{number}.example"}) is None
            clock.now_s += 0.08
        assert store.times_asked == 2

    async def test_is_asked_once_for_all_who_wait(
        self, registry: IssuerRegistry, store: CountingStore
    ) -> None:
        store.waits.clear()
        waiting = [asyncio.create_task(registry.meant_by(CLAIMS)) for _ in range(10)]
        await asyncio.sleep(0)
        store.waits.set()
        assert await asyncio.gather(*waiting) == [entry("iss_1")] * 10
        assert store.times_asked == 1

    async def test_notices_a_removal_elsewhere_within_five_seconds_of_it(
        self, registry: IssuerRegistry, store: CountingStore, clock: Clock
    ) -> None:
        store.lasts_s = 3.9
        assert await registry.meant_by(CLAIMS) == entry("iss_1")
        store.entries = []
        clock.now_s += 0.1
        assert await registry.meant_by(CLAIMS) is None

    async def test_believes_no_answer_that_took_too_long(
        self, registry: IssuerRegistry, store: CountingStore
    ) -> None:
        store.lasts_s = 4.0
        with pytest.raises(DependencyUnavailableError):
            await registry.meant_by(CLAIMS)

    async def test_gives_nobody_when_two_could_be_meant(
        self, registry: IssuerRegistry, store: CountingStore
    ) -> None:
        store.entries = [entry("iss_1"), entry("iss_2", "tnt_b")]
        assert await registry.meant_by(CLAIMS) is None


class TestFind:
    async def test_gives_the_entry_of_an_id_and_nothing_for_others(
        self, registry: IssuerRegistry, store: CountingStore
    ) -> None:
        store.entries = [entry("iss_1"), entry("iss_2", "tnt_b")]
        assert await registry.find("iss_2") == entry("iss_2", "tnt_b")
        assert await registry.find("iss_3") is None


class TestForget:
    async def test_holds_against_an_answer_that_was_under_way(
        self, registry: IssuerRegistry, store: CountingStore
    ) -> None:
        store.waits.clear()
        asking = asyncio.create_task(registry.meant_by(CLAIMS))
        await asyncio.sleep(0)
        store.entries = []
        registry.forget()
        store.waits.set()
        await asking
        assert await registry.meant_by(CLAIMS) is None


class TestSqlTokenIssuers:
    async def test_two_processes_that_enter_the_same_at_once_do_not_both_succeed(
        self, tables: Tables, tenant: NewTenant
    ) -> None:
        class Blind(SqlTokenIssuers):
            """Looked before the other one wrote."""

            async def list_all(self) -> list[TokenIssuer]:
                return []

        blind, caller = Blind(tables.database, tables.relay), Caller(tenant.tenant.id, "operator")
        await blind.add(caller, entry("iss_1", tenant.tenant.id))
        with pytest.raises(ConflictError):
            await blind.add(caller, entry("iss_2", tenant.tenant.id))
        assert [one.id for one in await tables.token_issuers.list_all()] == ["iss_1"]
