"""What happens around an attempt: its lease, a client that leaves, tables that are away."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from starlette.types import Message

from clientsphere_common.errors import ConflictError, DependencyUnavailableError
from gateway.adapters.sql_idempotency import SqlIdempotencyKeys
from gateway.idempotency.model import Claim, Reply, Scope
from gateway.idempotency.pruning import KeyPruning
from gateway.idempotency.requests import IdempotentRequests, KeyTimes
from gateway.idempotency.sealing import RequestSecrets
from gateway.metrics import IdempotencyMetrics
from gateway.model.tenancy import NewTenant
from tests.fakes.gateway_ports import new_passage
from tests.harness.gateway import Clock, Gateway, Tables

OWN = Scope("tnt_a", "key_1")
REPLY = Reply(200, (), b"")


class ForgetfulKeys(SqlIdempotencyKeys):
    """Once the work is done, the tables do not answer."""

    async def finish(self, claim: Claim, reply: bytes) -> None:
        raise DependencyUnavailableError("database_unavailable", "Away.")

    async def remove_expired(self, now_ms: int, limit: int) -> int:
        raise DependencyUnavailableError("database_unavailable", "Away.")


class CountedKeys(SqlIdempotencyKeys):
    renewals = 0

    async def renew(self, claim: Claim, lease_ends_ms: int) -> None:
        self.renewals += 1


def requests_on(store: SqlIdempotencyKeys, renew_every_s: float = 10.0) -> IdempotentRequests:
    return IdempotentRequests(
        store,
        RequestSecrets(b"pepper"),
        IdempotencyMetrics(CollectorRegistry()),
        KeyTimes(3600, renew_every_s),
        Clock(),
    )


class TestAnAttempt:
    async def test_is_done_although_its_reply_cannot_be_kept(self, tables: Tables) -> None:
        requests = requests_on(ForgetfulKeys(tables.database))
        attempt = await requests.begin(OWN, "k", b"asked")
        await requests.settle(attempt, REPLY)
        with pytest.raises(ConflictError):
            await requests.begin(OWN, "k", b"asked")

    async def test_holds_its_key_for_as_long_as_it_takes(self, tables: Tables) -> None:
        store = CountedKeys(tables.database)
        requests = requests_on(store, renew_every_s=0.001)
        attempt = await requests.begin(OWN, "k", b"asked")
        async with requests.held(attempt):
            while store.renewals < 3:
                await asyncio.sleep(0)
        renewals = store.renewals
        await asyncio.sleep(0.01)
        assert store.renewals == renewals


class TestPruning:
    async def test_goes_on_when_the_tables_are_back(self, tables: Tables) -> None:
        pruning = KeyPruning(ForgetfulKeys(tables.database))
        await pruning.try_to_prune()
        await KeyPruning(tables.idempotency_keys).try_to_prune()

    async def test_is_a_module(self, tables: Tables) -> None:
        pruning = KeyPruning(tables.idempotency_keys)
        await pruning.start()
        await pruning.stop()


class TestAClientThatLeaves:
    async def test_may_ask_again_at_once(self, gateway: Gateway, tenant: NewTenant) -> None:
        gateway.search.passages = [new_passage()]
        gateway.model.pieces = ("Leave is ", "25 days. [1]")
        gateway.model.waits = asyncio.Event()
        question = {"question": "How much leave?", "stream": True}
        await ask_and_leave(gateway, tenant.owner_key.key, question)
        gateway.model.waits.set()
        async with gateway.client(tenant.owner_key.key) as owner:
            answer = await owner.post("/v1/chat", json=question, headers={"Idempotency-Key": "k"})
        assert "event: done" in answer.text
        assert len(gateway.model.instructions) == 2


async def ask_and_leave(gateway: Gateway, key: str, question: dict[str, Any]) -> None:
    """As soon as the first words have come."""
    has_words = asyncio.Event()
    body: list[Message] = [
        {
            "type": "http.request",
            "body": json.dumps(question, separators=(",", ":")).encode(),
            "more_body": False,
        }
    ]

    async def receive() -> Message:
        if body:
            return body.pop()
        await has_words.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message.get("body"):
            has_words.set()

    headers = {
        "authorization": f"Bearer {key}",
        "content-type": "application/json",
        "idempotency-key": "k",
    }
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/chat",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
    }
    await gateway.app(scope, receive, send)
