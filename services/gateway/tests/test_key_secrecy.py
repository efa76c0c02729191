"""A key's text is in no response and no log line, whatever goes wrong on its way."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from clientsphere_common.access.model import Permission, Role
from gateway.key_format import key_parts
from gateway.model.tenancy import IssuedKey, KeyWish, NewTenant
from tests.harness.gateway import Gateway, Tables, owner_of
from tests.harness.logs import logging_to

ELSEWHERE = ("198.51.100.0/24",)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """All that is logged, down to debug, as a process writes it."""
    stream = io.StringIO()
    with logging_to(stream):
        yield stream


@pytest.fixture
async def issued(gateway: Gateway, tenant: NewTenant) -> IssuedKey:
    return await gateway.api_keys.create(owner_of(tenant), KeyWish("x", Role.VIEWER))


def says(key: str, log: io.StringIO, *responses: httpx.Response) -> bool:
    """Whether a secret part of `key` can be read anywhere."""
    _, secret = key_parts(key)
    written = [log.getvalue(), *(one.text + str(one.headers) for one in responses)]
    return any(secret in text for text in written)


async def send(gateway: Gateway, key: str, method: str, path: str, **sent: Any) -> httpx.Response:
    async with gateway.client(key) as client:
        return await client.request(method, path, **sent)


class TestARequestThatFails:
    @pytest.mark.parametrize(
        ("method", "path", "sent", "status"),
        [
            ("GET", "/v1/me", {}, 200),
            ("GET", "/v1/nothing", {}, 404),
            ("PATCH", "/v1/me", {}, 405),
            ("GET", "/v1/audit/events", {}, 403),
            ("GET", "/v1/documents", {"params": {"page_size": "x"}}, 400),
            ("POST", "/v1/search", {"content": b"no json"}, 400),
            ("POST", "/v1/search", {"json": {"question": 1}}, 400),
            ("GET", "/v1/documents/doc_unknown", {}, 404),
        ],
    )
    async def test_says_nothing_of_its_key(
        self,
        gateway: Gateway,
        issued: IssuedKey,
        log: io.StringIO,
        method: str,
        path: str,
        sent: dict[str, Any],
        status: int,
    ) -> None:
        response = await send(gateway, issued.key, method, path, **sent)
        assert response.status_code == status
        assert log.getvalue()
        assert not says(issued.key, log, response)

    async def test_says_nothing_of_a_key_that_is_no_longer_good(
        self, gateway: Gateway, tenant: NewTenant, log: io.StringIO
    ) -> None:
        owner = owner_of(tenant)
        wishes = {
            "api_key_revoked": KeyWish("x", Role.VIEWER),
            "api_key_expired": KeyWish("x", Role.VIEWER, timedelta(seconds=1)),
            "network_not_allowed": KeyWish("x", Role.VIEWER, networks=ELSEWHERE),
        }
        keys = {code: await gateway.api_keys.create(owner, wish) for code, wish in wishes.items()}
        await gateway.api_keys.revoke(owner, keys["api_key_revoked"].record.id)
        gateway.clock.now_s += 1
        for code, issued in keys.items():
            response = await send(gateway, issued.key, "GET", "/v1/me")
            assert response.json()["code"] == code
            assert not says(issued.key, log, response)

    async def test_says_nothing_of_a_key_that_was_never_good(
        self, gateway: Gateway, issued: IssuedKey, log: io.StringIO
    ) -> None:
        guess, _ = gateway.mint.next_secret(issued.record, timedelta())
        for written in (guess, f"{guess}x", guess[:-1], f"x{guess}"):
            response = await send(gateway, written, "GET", "/v1/me")
            assert response.status_code == 401
            assert not says(guess, log, response)

    @pytest.mark.parametrize(
        "body",
        [
            {"grant_type": "password", "api_key": "KEY"},
            {"grant_type": "api_key", "api_key": ["KEY"]},
            {"grant_type": "api_key", "api_key": "KEY" * 9},
            {"grant_type": "api_key", "KEY": "KEY"},
            {"grant_type": "KEY"},
            "KEY",
        ],
    )
    async def test_says_nothing_of_a_key_in_its_body(
        self, nobody: httpx.AsyncClient, issued: IssuedKey, log: io.StringIO, body: object
    ) -> None:
        sent = str(body).replace("'", '"').replace("KEY", issued.key)
        headers = {"Content-Type": "application/json"}
        response = await nobody.post("/v1/tokens", content=sent, headers=headers)
        assert response.status_code == 400
        assert not says(issued.key, log, response)

    async def test_says_nothing_of_its_key_when_we_are_to_blame(
        self, gateway: Gateway, tables: Tables, issued: IssuedKey, log: io.StringIO
    ) -> None:
        async with tables.database.system_transaction() as session:
            connection = await session.connection()
            await connection.exec_driver_sql("ALTER TABLE api_keys RENAME TO elsewhere")
        response = await send(gateway, issued.key, "GET", "/v1/me")
        assert response.status_code in {500, 503}
        assert "failed" in log.getvalue()
        assert not says(issued.key, log, response)


class TestAKeyThatIsMade:
    async def test_is_said_once_to_its_maker_and_to_nobody_else(
        self, gateway: Gateway, owner: httpx.AsyncClient, log: io.StringIO, tables: Tables
    ) -> None:
        body = {"name": "x", "role": "viewer", "scopes": [Permission.SEARCH.value]}
        created = (await owner.post("/v1/api-keys", json=body)).json()
        path = f"/v1/api-keys/{created['id']}/rotate"
        rotated = (await owner.post(path, json={"overlap_hours": 1})).json()
        listed = await owner.get("/v1/api-keys")
        trail = repr(await tables.audit_trail())
        for key in (created["key"], rotated["key"]):
            assert not says(key, log, listed)
            assert key_parts(key)[1] not in trail
            assert key_parts(key)[1] not in repr(gateway.__dict__)

    async def test_is_stored_as_hashes_that_nobody_can_recompute_without_the_pepper(
        self, gateway: Gateway, tenant: NewTenant, tables: Tables
    ) -> None:
        owner = owner_of(tenant)
        rotated = await gateway.api_keys.rotate(owner, owner.principal_id, timedelta(days=1))
        async with tables.database.system_transaction() as session:
            connection = await session.connection()
            rows = await connection.exec_driver_sql("SELECT * FROM api_keys")
            dump = repr(rows.all())
        for key in (tenant.owner_key.key, rotated.key):
            assert key_parts(key)[1] not in dump
        assert rotated.record.secret_hash not in {b"", rotated.record.previous_secret_hash}
        assert len(rotated.record.secret_hash) == 32
