"""Wherever an attempt ends, by a cancellation or with its process, the next one completes it."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.adapters.sql_idempotency import SqlIdempotencyKeys
from gateway.idempotency.model import Claim
from gateway.idempotency.requests import LEASE_S
from gateway.model.tenancy import NewTenant
from gateway.webhooks.settings import WebhookSettings
from tests.harness.cancelling import CancelledAt
from tests.harness.databases import sqlite_database
from tests.harness.gateway import OPERATOR_KEY, Clock, Gateway, Tables, gateway_tables

FULL = os.environ.get("CLIENTSPHERE_TEST_PROFILE") == "full"
STRIDE = 1 if FULL else 4
"""Every so many of the places where an attempt can wait."""
ISSUER = {"audience": "clientsphere", "roles": {"staff": "viewer"}}
WEBHOOK = {"url": "https://hooks.kestrand.example/in", "event_types": ["document.ready"]}
MANY_WEBHOOKS = WebhookSettings(per_tenant=1000)


class MortalKeys(SqlIdempotencyKeys):
    """Of a process that may be dead: it can end no attempt any more."""

    is_dead = False

    async def release(self, claim: Claim) -> None:
        if not self.is_dead:
            await super().release(claim)


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    sent: dict[str, Any]

    async def send(self, client: httpx.AsyncClient, key: str) -> httpx.Response:
        headers = {"Idempotency-Key": key}
        return await client.request(self.method, self.path, headers=headers, **self.sent)


Prepare = Callable[[httpx.AsyncClient, str], Awaitable[Request]]
"""Makes what the request needs to be there, under a name that nothing else has."""


async def create_key(_client: httpx.AsyncClient, name: str) -> Request:
    return Request("POST", "/v1/api-keys", {"json": {"name": name, "role": "viewer"}})


async def rotate_key(client: httpx.AsyncClient, name: str) -> Request:
    made = await client.post("/v1/api-keys", json={"name": name, "role": "viewer"})
    path = f"/v1/api-keys/{made.json()['id']}/rotate"
    return Request("POST", path, {"json": {"overlap_hours": 1}})


async def revoke_key(client: httpx.AsyncClient, name: str) -> Request:
    made = await client.post("/v1/api-keys", json={"name": name, "role": "viewer"})
    return Request("DELETE", f"/v1/api-keys/{made.json()['id']}", {})


async def create_role(_client: httpx.AsyncClient, name: str) -> Request:
    return Request("POST", "/v1/roles", {"json": {"name": name, "permissions": ["search"]}})


async def update_role(client: httpx.AsyncClient, name: str) -> Request:
    made = await client.post("/v1/roles", json={"name": name, "permissions": ["search"]})
    body = {"name": f"{name}-new", "permissions": ["chat"]}
    return Request("PUT", f"/v1/roles/{made.json()['id']}", {"json": body})


async def delete_role(client: httpx.AsyncClient, name: str) -> Request:
    made = await client.post("/v1/roles", json={"name": name, "permissions": ["search"]})
    return Request("DELETE", f"/v1/roles/{made.json()['id']}", {})


async def create_knowledge_base(_client: httpx.AsyncClient, name: str) -> Request:
    return Request("POST", "/v1/knowledge-bases", {"json": {"name": name}})


async def upload(_client: httpx.AsyncClient, name: str) -> Request:
    return Request("POST", "/v1/documents", {"files": {"file": (f"{name}.txt", b"hello")}})


async def delete_document(client: httpx.AsyncClient, name: str) -> Request:
    form = {"file": (f"{name}.txt", b"hello")}
    made = await client.post("/v1/documents", files=form)
    return Request("DELETE", f"/v1/documents/{made.json()['id']}", {})


async def create_webhook(_client: httpx.AsyncClient, name: str) -> Request:
    return Request("POST", "/v1/webhooks", {"json": WEBHOOK | {"description": name}})


async def made_webhook(client: httpx.AsyncClient) -> str:
    """The path of a new one."""
    return f"/v1/webhooks/{(await client.post('/v1/webhooks', json=WEBHOOK)).json()['id']}"


async def update_webhook(client: httpx.AsyncClient, name: str) -> Request:
    return Request("PUT", await made_webhook(client), {"json": WEBHOOK | {"description": name}})


async def rotate_webhook(client: httpx.AsyncClient, _name: str) -> Request:
    return Request("POST", f"{await made_webhook(client)}/rotate", {"json": {"overlap_hours": 1}})


async def try_webhook(client: httpx.AsyncClient, _name: str) -> Request:
    return Request("POST", f"{await made_webhook(client)}/test", {})


async def redeliver(client: httpx.AsyncClient, _name: str) -> Request:
    path = await made_webhook(client)
    given_up = (await client.post(f"{path}/test")).json()["id"]
    for enabled in (False, True):
        await client.put(path, json=WEBHOOK | {"enabled": enabled})
    return Request("POST", f"{path}/deliveries/{given_up}/redeliver", {})


async def delete_webhook(client: httpx.AsyncClient, _name: str) -> Request:
    return Request("DELETE", await made_webhook(client), {})


async def create_tenant(_client: httpx.AsyncClient, name: str) -> Request:
    return Request("POST", "/v1/tenants", {"json": {"name": name}})


async def register_issuer(client: httpx.AsyncClient, name: str) -> Request:
    tenant = (await client.post("/v1/tenants", json={"name": name})).json()["id"]
    body = ISSUER | {"url": f"https://{name}.example.com"}
    return Request("POST", f"/v1/tenants/{tenant}/token-issuers", {"json": body})


async def remove_issuer(client: httpx.AsyncClient, name: str) -> Request:
    registration = await register_issuer(client, name)
    made = await client.post(registration.path, **registration.sent)
    return Request("DELETE", f"{registration.path}/{made.json()['id']}", {})


OWNERS: list[tuple[Prepare, int]] = [
    (create_key, 201),
    (rotate_key, 200),
    (revoke_key, 204),
    (create_role, 201),
    (update_role, 200),
    (delete_role, 204),
    (create_knowledge_base, 201),
    (upload, 202),
    (delete_document, 204),
    (create_webhook, 201),
    (update_webhook, 200),
    (rotate_webhook, 200),
    (try_webhook, 202),
    (redeliver, 202),
    (delete_webhook, 204),
]
OPERATORS: list[tuple[Prepare, int]] = [
    (create_tenant, 201),
    (register_issuer, 201),
    (remove_issuer, 204),
]


class Processes:
    """Gateways on the same tables and neighbours, the first of which may die."""

    def __init__(self, tables: Tables) -> None:
        self.clock = Clock()
        self.keys = MortalKeys(tables.database)
        mortal = Tables(tables.database, tables.relay)
        mortal.idempotency_keys = self.keys
        self.first = Gateway(mortal, clock=self.clock, webhook_settings=MANY_WEBHOOKS)
        self.second = Gateway(
            tables,
            clock=self.clock,
            webhook_settings=MANY_WEBHOOKS,
            documents=self.first.documents,
            knowledge_bases=self.first.knowledge_bases,
        )


@pytest.fixture
def processes(tables: Tables) -> Processes:
    return Processes(tables)


async def interrupted_at(
    nth_wait: int, gateway: Gateway, credential: str, request: Request, key: str
) -> bool:
    """Whether there was such a wait."""
    async with gateway.client(credential) as client:
        attempt = CancelledAt(request.send(client, key), nth_wait)

        async def run() -> None:
            await attempt

        await asyncio.gather(asyncio.create_task(run()), return_exceptions=True)
    return attempt.was_cancelled


async def audited(tables: Tables) -> list[tuple[str, str]]:
    """Everything that was recorded, and about what, as often as it was."""
    return sorted((one.action, one.target_id) for one in await tables.audit_trail())


class TestAnAttemptThatEndsAnywhere:
    @pytest.mark.parametrize("dies", [False, True], ids=["cancelled", "killed"])
    @pytest.mark.parametrize(
        ("prepare", "status", "by_operator"),
        [
            pytest.param(*case, by_operator, id=case[0].__name__)
            for cases, by_operator in ((OWNERS, False), (OPERATORS, True))
            for case in cases
        ],
    )
    async def test_is_completed_by_the_next_one(
        self,
        processes: Processes,
        tables: Tables,
        prepare: Prepare,
        status: int,
        by_operator: bool,
        dies: bool,
    ) -> None:
        tenant = await processes.second.new_tenant()
        credential = OPERATOR_KEY if by_operator else tenant.owner_key.key
        was_interrupted = True
        async with processes.second.client(credential) as client:
            for nth_wait in itertools.count(2 if dies else 1, STRIDE):
                request = await prepare(client, f"n{nth_wait}")
                before = Counter(await audited(tables))
                processes.keys.is_dead = dies
                was_interrupted = await interrupted_at(
                    nth_wait, processes.first, credential, request, f"k{nth_wait}"
                )
                processes.keys.is_dead = False
                processes.clock.now_s += LEASE_S
                last = await request.send(client, f"k{nth_wait}")
                assert last.status_code == status, nth_wait
                again = await request.send(client, f"k{nth_wait}")
                assert again.headers["idempotency-replayed"] == "true"
                assert again.content == last.content
                recorded = Counter(await audited(tables)) - before
                assert set(recorded.values()) <= {1}, nth_wait
                if not was_interrupted:
                    break
        assert nth_wait > 5


class TestAKeyFromACompletedAttempt:
    async def test_opens_the_door_wherever_the_first_one_ended(
        self, processes: Processes, tenant: NewTenant
    ) -> None:
        async with processes.second.client(tenant.owner_key.key) as owner:
            for nth_wait in itertools.count(1, STRIDE):
                request = await create_key(owner, "x")
                key = f"k{nth_wait}"
                went_on = await interrupted_at(
                    nth_wait, processes.first, tenant.owner_key.key, request, key
                )
                processes.clock.now_s += LEASE_S
                made = (await request.send(owner, key)).json()
                async with processes.second.client(made["key"]) as holder:
                    assert (await holder.get("/v1/me")).status_code == 200
                if not went_on:
                    break


@dataclass(frozen=True)
class Try:
    """One of several attempts that are made at the same time."""

    by_first: bool
    nth_wait: int


TRIES = st.builds(Try, st.booleans(), st.integers(1, 80))
ROUNDS = st.lists(st.tuples(st.lists(TRIES, min_size=1, max_size=4), st.booleans()), max_size=4)


class TestAttemptsInAnyOrder:
    @settings(
        max_examples=25 if FULL else 8,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(rounds=ROUNDS)
    def test_make_one_key_among_them(
        self, tmp_path: Path, rounds: list[tuple[list[Try], bool]]
    ) -> None:
        asyncio.run(self.one_key_of(tmp_path, rounds))

    async def one_key_of(self, folder: Path, rounds: list[tuple[list[Try], bool]]) -> None:
        async with gateway_tables(sqlite_database(folder / "gateway.db")) as tables:
            processes = Processes(tables)
            tenant = await processes.second.new_tenant()
            credential = tenant.owner_key.key
            async with processes.second.client(credential) as owner:
                request = await create_key(owner, "the one")
                for tries, lease_ends in rounds:
                    await asyncio.gather(
                        *(
                            interrupted_at(
                                one.nth_wait,
                                processes.first if one.by_first else processes.second,
                                credential,
                                request,
                                "k",
                            )
                            for one in tries
                        )
                    )
                    processes.clock.now_s += LEASE_S * lease_ends
                processes.clock.now_s += LEASE_S
                made = await request.send(owner, "k")
                assert made.status_code == 201
                listed = (await owner.get("/v1/api-keys")).json()["items"]
            ids = {one["id"] for one in listed}
            assert ids == {tenant.owner_key.record.id, made.json()["id"]}
            recorded = await audited(tables)
            assert recorded.count(("api_key.created", made.json()["id"])) == 1
