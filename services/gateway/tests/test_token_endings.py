"""What ends a token ends it on every gateway within five seconds, remembered signature or not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.model.tenancy import NewTenant
from tests.harness.gateway import Clock, Gateway, Tables

WITHIN_S = 5.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


def one_more(tables: Tables, clock: Clock, key: Ed25519PrivateKey) -> Gateway:
    """Another process of the installation, as it is when it starts: with a memory of nothing."""
    gateway = Gateway(tables, clock=clock)
    gateway.token_keys.replace(key)
    return gateway


@pytest.fixture
def gateway(tables: Tables, clock: Clock, key: Ed25519PrivateKey) -> Gateway:
    return one_more(tables, clock, key)


@pytest.fixture
async def others(
    tables: Tables, clock: Clock, key: Ed25519PrivateKey
) -> AsyncIterator[list[httpx.AsyncClient]]:
    async with AsyncExitStack() as stack:
        gateways = [one_more(tables, clock, key) for _ in range(3)]
        yield [await stack.enter_async_context(one.client()) for one in gateways]


async def viewer(owner: httpx.AsyncClient) -> tuple[str, str]:
    """A new API key's id, and a token for it."""
    body = {"name": "x", "role": "viewer"}
    created = (await owner.post("/v1/api-keys", json=body)).json()
    asked = {"grant_type": "api_key", "api_key": created["key"]}
    return created["id"], (await owner.post("/v1/tokens", json=asked)).json()["access_token"]


async def statuses(clients: list[httpx.AsyncClient], token: str) -> set[int]:
    headers = {"Authorization": f"Bearer {token}"}
    return {(await one.get("/v1/me", headers=headers)).status_code for one in clients}


class TestARevokedKey:
    async def test_ends_its_tokens_at_once_where_it_is_revoked(
        self, owner: httpx.AsyncClient
    ) -> None:
        key_id, token = await viewer(owner)
        assert await statuses([owner], token) == {200}
        await owner.delete(f"/v1/api-keys/{key_id}")
        assert await statuses([owner], token) == {401}

    async def test_ends_them_everywhere_within_five_seconds(
        self, owner: httpx.AsyncClient, others: list[httpx.AsyncClient], clock: Clock
    ) -> None:
        key_id, token = await viewer(owner)
        assert await statuses(others, token) == {200}
        await owner.delete(f"/v1/api-keys/{key_id}")
        clock.now_s += WITHIN_S
        assert await statuses(others, token) == {401}

    async def test_ends_them_on_a_gateway_that_starts_afterwards(
        self, tables: Tables, owner: httpx.AsyncClient, clock: Clock, key: Ed25519PrivateKey
    ) -> None:
        key_id, token = await viewer(owner)
        await owner.delete(f"/v1/api-keys/{key_id}")
        async with one_more(tables, clock, key).client() as started:
            assert await statuses([started], token) == {401}

    async def test_ends_no_tokens_of_other_keys(
        self, owner: httpx.AsyncClient, others: list[httpx.AsyncClient], clock: Clock
    ) -> None:
        (key_id, _), (_, token) = await viewer(owner), await viewer(owner)
        await owner.delete(f"/v1/api-keys/{key_id}")
        clock.now_s += WITHIN_S
        assert await statuses(others, token) == {200}


class TestAnExpiredKey:
    async def test_ends_its_tokens_in_the_same_second_everywhere(
        self, owner: httpx.AsyncClient, others: list[httpx.AsyncClient], clock: Clock
    ) -> None:
        body = {"name": "x", "role": "viewer", "expires_in_days": 1}
        created = (await owner.post("/v1/api-keys", json=body)).json()
        clock.now_s += 86_400 - 60
        asked = {"grant_type": "api_key", "api_key": created["key"]}
        token = (await owner.post("/v1/tokens", json=asked)).json()["access_token"]
        clock.now_s += 59.5
        assert await statuses(others, token) == {200}
        clock.now_s += 0.5
        assert await statuses(others, token) == {401}


class TestTheSigningKey:
    async def test_is_listed_with_those_before_it_until_their_tokens_have_expired(
        self, gateway: Gateway, owner: httpx.AsyncClient, key: Ed25519PrivateKey
    ) -> None:
        before = gateway.token_keys.kid
        gateway.token_keys.replace(Ed25519PrivateKey.generate())
        assert await listed_keys(owner) >= {before, gateway.token_keys.kid}
        gateway.clock.now_s += 930
        assert await listed_keys(owner) == {gateway.token_keys.kid}

    async def test_of_every_token_is_listed(
        self, gateway: Gateway, owner: httpx.AsyncClient, tenant: NewTenant
    ) -> None:
        asked = {"grant_type": "api_key", "api_key": tenant.owner_key.key}
        token = (await owner.post("/v1/tokens", json=asked)).json()["access_token"]
        assert gateway.verifier.read(token).token.key_id in await listed_keys(owner)


async def listed_keys(client: httpx.AsyncClient) -> set[str]:
    keys = (await client.get("/.well-known/jwks.json")).json()["keys"]
    assert all(set(one) == {"kty", "crv", "x", "kid", "use", "alg"} for one in keys)
    return {one["kid"] for one in keys}
