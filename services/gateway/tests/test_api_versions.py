"""What a client has is not sent again, and what it has not seen is not overwritten."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest

from gateway.model.tenancy import NewTenant
from tests.fakes.gateway_ports import new_document
from tests.harness.databases import DatabaseUnderTest
from tests.harness.gateway import OPERATOR_KEY, Gateway

ACCESS = {"readers": {"groups": ["hr"]}, "editors": {"everyone": True}}
Body = dict[str, object]
RATE = {"per_minute": 10, "burst": 5}

NAMED: dict[str, tuple[str, list[Body]]] = {
    "role": ("/v1/roles", [{"name": n, "permissions": ["search"]} for n in "abc"]),
    "webhook": (
        "/v1/webhooks",
        [
            {"url": f"https://{n}.example/", "event_types": ["document.ready"]}
            for n in ("a", "b", "c")
        ],
    ),
    "knowledge base": ("/v1/knowledge-bases", [{"name": "handbooks"}]),
}


@pytest.fixture
def gateway_database(database_under_test: DatabaseUnderTest) -> DatabaseUnderTest:
    return database_under_test


@dataclass(frozen=True)
class Thing:
    """One thing of a tenant, and how it is changed."""

    client: httpx.AsyncClient
    path: str
    bodies: tuple[Body, ...]

    async def get(self, known: str = "") -> httpx.Response:
        return await self.client.get(self.path, headers={"If-None-Match": known} if known else {})

    async def change(self, number: int, seen: str | None = None) -> httpx.Response:
        headers = {} if seen is None else {"If-Match": seen}
        return await self.client.put(self.path, json=self.bodies[number], headers=headers)

    async def delete(self, seen: str) -> httpx.Response:
        return await self.client.delete(self.path, headers={"If-Match": seen})


@asynccontextmanager
async def thing(gateway: Gateway, tenant: NewTenant, kind: str) -> AsyncIterator[Thing]:
    key = OPERATOR_KEY if kind == "limits" else tenant.owner_key.key
    async with gateway.client(key) as client:
        yield await _made(gateway, tenant, kind, client)


async def _made(gateway: Gateway, tenant: NewTenant, kind: str, client: httpx.AsyncClient) -> Thing:
    if kind == "limits":
        path = f"/v1/tenants/{tenant.tenant.id}/limits"
        return Thing(client, path, ({"limits": {"ask": RATE}}, {"limits": {"read": RATE}}))
    if kind == "document":
        gateway.documents.of_tenants[tenant.tenant.id] = {"doc_1": new_document("doc_1")}
        return Thing(client, "/v1/documents/doc_1", ())
    if kind == "access":
        path = "/v1/knowledge-bases/known_kb/access"
        return Thing(client, path, (ACCESS, {**ACCESS, "readers": {"everyone": True}}))
    if kind == "readers":
        path = "/v1/documents/known_doc/access"
        return Thing(client, path, ({"readers": {"groups": ["hr"]}}, {"readers": {}}))
    path, bodies = NAMED[kind]
    made = await client.post(path, json=bodies[0])
    assert made.headers["location"] == f"{path}/{made.json()['id']}"
    gateway.clock.now_s += 1
    return Thing(client, made.headers["location"], tuple(bodies[1:]))


CHANGED = ("role", "webhook", "limits", "access", "readers")
DELETED = ("role", "webhook")


@pytest.mark.parametrize("kind", [*CHANGED, "document", "knowledge base"])
class TestReading:
    async def test_sends_nothing_that_the_client_has(
        self, gateway: Gateway, tenant: NewTenant, kind: str
    ) -> None:
        async with thing(gateway, tenant, kind) as one:
            first = await one.get()
            etag = first.headers["etag"]
            for known in (etag, f'"x", {etag}', f"W/{etag}", "*"):
                again = await one.get(known)
                assert (again.status_code, again.content) == (304, b"")
                assert again.headers["etag"] == etag
            for known in ('"x"', "nonsense", etag.strip('"')):
                assert (await one.get(known)).json() == first.json()


@pytest.mark.parametrize("kind", ["role", "webhook", "document", "knowledge base"])
class TestReadingSomethingForeign:
    async def test_tells_nothing_of_its_version(
        self, gateway: Gateway, tenant: NewTenant, kind: str
    ) -> None:
        other = await gateway.new_tenant("Quaymere")
        async with thing(gateway, tenant, kind) as one:
            etag = (await one.get()).headers["etag"]
            async with gateway.client(other.owner_key.key) as stranger:
                for known in (etag, "*"):
                    hidden = await stranger.get(one.path, headers={"If-None-Match": known})
                    assert (hidden.status_code, "etag" in hidden.headers) == (404, False)


@pytest.mark.parametrize("kind", CHANGED)
class TestChanging:
    async def test_needs_the_version_that_there_is(
        self, gateway: Gateway, tenant: NewTenant, kind: str
    ) -> None:
        async with thing(gateway, tenant, kind) as one:
            seen = (await one.get()).headers["etag"]
            changed = await one.change(0, seen)
            assert changed.status_code == 200
            assert changed.headers["etag"] == (await one.get()).headers["etag"] != seen
            for stale in (seen, '"x"', "nonsense", "", f"W/{changed.headers['etag']}"):
                refused = await one.change(1, stale)
                problem = (refused.status_code, refused.json()["code"])
                assert problem == (412, "precondition_failed")
            assert (await one.get()).json() == changed.json()
            assert (await one.change(1, f"{seen}, {changed.headers['etag']}")).status_code == 200

    async def test_needs_none_when_it_does_not_ask(
        self, gateway: Gateway, tenant: NewTenant, kind: str
    ) -> None:
        async with thing(gateway, tenant, kind) as one:
            assert (await one.change(0)).status_code == 200
            assert (await one.change(1, "*")).status_code == 200

    async def test_is_made_in_one_way_by_many_who_saw_the_same(
        self, gateway: Gateway, tenant: NewTenant, kind: str
    ) -> None:
        async with thing(gateway, tenant, kind) as one:
            seen = (await one.get()).headers["etag"]
            answers = await asyncio.gather(*(one.change(nr % 2, seen) for nr in range(6)))
            now = (await one.get()).json()
        made = [answer.json() for answer in answers if answer.status_code == 200]
        assert made == [now] * len(made) != []
        assert {answer.status_code for answer in answers} == {200, 412}


@pytest.mark.parametrize("kind", DELETED)
class TestDeleting:
    async def test_needs_the_version_that_there_is(
        self, gateway: Gateway, tenant: NewTenant, kind: str
    ) -> None:
        async with thing(gateway, tenant, kind) as one:
            seen = (await one.get()).headers["etag"]
            current = (await one.change(0)).headers["etag"]
            assert (await one.delete(seen)).json()["code"] == "precondition_failed"
            assert (await one.get()).status_code == 200
            assert (await one.delete(current)).status_code == 204

    async def test_of_something_foreign_is_not_found_whatever_its_version(
        self, gateway: Gateway, tenant: NewTenant, kind: str
    ) -> None:
        other = await gateway.new_tenant("Quaymere")
        async with thing(gateway, tenant, kind) as one:
            etag = (await one.get()).headers["etag"]
            async with gateway.client(other.owner_key.key) as stranger:
                for seen in (etag, '"x"', "*"):
                    for method, body in (("DELETE", None), ("PUT", one.bodies[0])):
                        answer = await stranger.request(
                            method, one.path, json=body, headers={"If-Match": seen}
                        )
                        assert answer.status_code == 404
            assert (await one.get()).headers["etag"] == etag
