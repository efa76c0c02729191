"""A request that is given up, wherever it waits, leaves nothing of its tenant to the next one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx
import pytest
import pytest_asyncio
from starlette.types import Message

from tests.harness.cancelling import cancelled_within
from tests.harness.in_process import ProductInProcess
from tests.isolation.tenants import QUESTIONS, Tenant
from tests.isolation.world import World, running_world

pytestmark = pytest.mark.asyncio(loop_scope="module")

_MOST_WAITS = 500


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    body: Callable[[Tenant, int], object] | None = None


def _ask(tenant: Tenant, _number: int) -> object:
    return {"question": f"{tenant.canary.text} {QUESTIONS[0]}"}


OPERATIONS = {
    "search": Operation("POST", "/v1/search", _ask),
    "chat": Operation("POST", "/v1/chat", _ask),
    "stream": Operation(
        "POST", "/v1/chat", lambda tenant, _: {"question": tenant.canary.text, "stream": True}
    ),
    "write": Operation(
        "POST",
        "/v1/roles",
        lambda tenant, number: {
            "name": f"{tenant.canary.text} {number}",
            "permissions": ["search"],
        },
    ),
    "list": Operation("GET", "/v1/documents"),
    "trail": Operation("GET", "/v1/audit/events"),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with running_world(tmp_path_factory.mktemp("tenants") / "world") as world:
        await world.renew(2)
        for tenant in world.tenants:
            await world.request(
                tenant, "owner", "POST", "/v1/documents", files={"file": tenant.document(1)}
            )
        await world.settle()
        yield world


def served(
    product: ProductInProcess, tenant: Tenant, operation: Operation, number: int
) -> Coroutine[Any, Any, None]:
    """The request as the server would hand it over, without a connection between."""
    body = b"" if operation.body is None else json.dumps(operation.body(tenant, number)).encode()
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": operation.method,
        "path": operation.path,
        "raw_path": operation.path.encode(),
        "query_string": b"",
        "headers": [
            (b"authorization", f"Bearer {tenant.credentials['owner']}".encode()),
            (b"content-type", b"application/json"),
        ],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "scheme": "http",
    }
    messages: list[Message] = [{"type": "http.request", "body": body}]

    async def receive() -> Message:
        while not messages:
            await asyncio.Event().wait()
        return messages.pop()

    async def send(_message: Message) -> None:
        await asyncio.sleep(0)

    return product.app(scope, receive, send)


async def look(world: World, tenant: Tenant) -> None:
    """What the next requests of `tenant` are answered is its own, and all of it."""
    me = await world.request(tenant, "viewer", "GET", "/v1/me")
    assert me.json()["tenant"]["id"] == tenant.id
    answers = [
        await world.request(tenant, "viewer", "POST", route, json=_ask(tenant, 0))
        for route in ("/v1/search", "/v1/chat")
    ]
    documents = await world.request(tenant, "viewer", "GET", "/v1/documents")
    for answer in (*answers, documents):
        assert world.canaries.owners_in(answer.raise_for_status().content) == {tenant.id}


@pytest.mark.parametrize("name", OPERATIONS)
async def test_wherever_it_waits(name: str, world: World) -> None:
    a, b = world.tenants
    for nth_wait in count(1):
        work = served(world.product, a, OPERATIONS[name], nth_wait)
        waits, _ = await asyncio.gather(cancelled_within(work, nth_wait), look(world, b))
        await look(world, (a, b)[nth_wait % 2])
        assert world.channels.leaks() == []
        if not waits.was_cancelled:
            break
        assert nth_wait < _MOST_WAITS
    assert nth_wait > 3
    await look(world, a)
    await look(world, b)


@pytest.mark.parametrize("name", ["chat", "stream", "search"])
async def test_at_any_moment(name: str, world: World) -> None:
    """The other processes and services behind the request are cut off as well."""
    a, b = world.tenants
    body = OPERATIONS[name].body
    assert body is not None
    for half_ms in range(1, 41):
        leaving = world.leave_during(
            a, "owner", OPERATIONS[name].path, body(a, 0), patience_s=half_ms / 2000
        )
        await asyncio.gather(leaving, look(world, b), return_exceptions=False)
        assert world.channels.leaks() == []
    await look(world, a)


async def test_while_many_others_go_on(world: World) -> None:
    """64 requests of both tenants at once, a third of them given up."""
    a, b = world.tenants

    async def one(number: int) -> None:
        tenant = (a, b)[number % 2]
        if number % 3 == 0:
            await world.leave_during(tenant, "owner", "/v1/chat", _ask(tenant, 0), number / 1000)
        else:
            await look(world, tenant)

    try:
        await asyncio.gather(*(one(number) for number in range(64)))
    except httpx.PoolTimeout:
        pytest.fail("connections of the client were not given back")
    assert world.channels.leaks() == []
