"""Every list is paged in one way, and its pages stay whole while others add and remove items."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from gateway.model.tenancy import NewTenant
from tests.harness.databases import DatabaseUnderTest
from tests.harness.gateway import OPERATOR_KEY, Gateway

LISTS = ("api-keys", "roles", "webhooks", "token-issuers")


@pytest.fixture
def gateway_database(database_under_test: DatabaseUnderTest) -> DatabaseUnderTest:
    return database_under_test


class Resource:
    """One of the lists of a tenant, for those who may fill it."""

    def __init__(self, gateway: Gateway, client: httpx.AsyncClient, path: str) -> None:
        self._gateway = gateway
        self._client = client
        self._path = path
        self._count = 0

    async def add(self) -> str:
        self._count += 1
        # Some in the same millisecond, as others might be.
        self._gateway.clock.now_s += self._count % 2
        made = await self._client.post(self._path, json=self._body())
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    async def remove(self, id_: str) -> None:
        assert (await self._client.delete(f"{self._path}/{id_}")).status_code == 204

    async def get(self, **query: str) -> httpx.Response:
        return await self._client.get(self._path, params=query)

    async def page(self, size: int, token: str | None = "") -> dict[str, Any]:
        response = await self.get(page_size=str(size), page_token=token or "")
        assert response.status_code == 200, response.text
        page: dict[str, Any] = response.json()
        return page

    def _body(self) -> dict[str, object]:
        name = f"number {self._count}"
        url = f"https://{self._count}.kestrand.example/"
        if self._path.endswith("api-keys"):
            return {"name": name, "role": "viewer"}
        if self._path.endswith("roles"):
            return {"name": name, "permissions": ["search"]}
        if self._path.endswith("webhooks"):
            return {"url": url, "event_types": ["document.ready"]}
        return {"url": url, "audience": "clientsphere"}


@asynccontextmanager
async def opened(gateway: Gateway, tenant: NewTenant, kind: str) -> AsyncIterator[Resource]:
    is_operators = kind == "token-issuers"
    key = OPERATOR_KEY if is_operators else tenant.owner_key.key
    path = f"/v1/tenants/{tenant.tenant.id}/{kind}" if is_operators else f"/v1/{kind}"
    async with gateway.client(key) as client:
        yield Resource(gateway, client, path)


def ids(page: dict[str, Any]) -> list[str]:
    return [one["id"] for one in page["items"]]


@pytest.mark.parametrize("kind", LISTS)
class TestEveryList:
    async def test_comes_oldest_first_in_pages(
        self, gateway: Gateway, tenant: NewTenant, kind: str
    ) -> None:
        async with opened(gateway, tenant, kind) as resource:
            before = ids(await resource.page(200))
            made = [*before, *[await resource.add() for _ in range(5)]]
            found: list[str] = []
            token: str | None = ""
            while token is not None:
                page = await resource.page(2, token)
                assert len(page["items"]) <= 2
                found += ids(page)
                token = page["next_page_token"]
        assert sorted(found) == sorted(made)
        assert found[: len(before)] == before

    async def test_shows_each_item_once_whatever_happens_between_pages(
        self, gateway: Gateway, tenant: NewTenant, kind: str
    ) -> None:
        async with opened(gateway, tenant, kind) as resource:
            before = ids(await resource.page(200))
            made = [*before, *[await resource.add() for _ in range(4)]]
            first = await resource.page(len(before) + 2)
            await resource.remove(ids(first)[-1])
            gateway.clock.now_s += 1
            late = await resource.add()
            rest = await resource.page(200, first["next_page_token"])
        assert sorted(ids(first) + ids(rest)) == sorted([*made, late])

    async def test_knows_no_token_of_another_list_or_tenant(
        self, gateway: Gateway, tenant: NewTenant, kind: str
    ) -> None:
        async with opened(gateway, tenant, kind) as resource:
            for _ in range(2):
                await resource.add()
            token = (await resource.page(1))["next_page_token"]
        other = await gateway.new_tenant("Quaymere")
        others = [(other, kind), *[(tenant, one) for one in LISTS if one != kind]]
        for whose, which in others:
            async with opened(gateway, whose, which) as resource:
                refused = await resource.get(page_token=token)
            assert (refused.status_code, refused.json()["code"]) == (400, "invalid_page_token")

    @pytest.mark.parametrize("query", ["page_size=0", "page_size=201", "page_token=" + "x" * 513])
    async def test_refuses_pages_that_make_no_sense(
        self, gateway: Gateway, tenant: NewTenant, kind: str, query: str
    ) -> None:
        name, _, value = query.partition("=")
        async with opened(gateway, tenant, kind) as resource:
            refused = await resource.get(**{name: value})
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request")
