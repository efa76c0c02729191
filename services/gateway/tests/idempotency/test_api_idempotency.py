"""A write that comes again with its idempotency key is done once and answered the same."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from prometheus_client import generate_latest
from sqlalchemy import select

from clientsphere_common.access.model import Role
from clientsphere_common.errors import DependencyUnavailableError, LimitExceededError
from gateway.adapters.tables import IdempotencyKeyRow
from gateway.idempotency.pruning import KeyPruning
from gateway.key_format import key_parts
from gateway.limit_rules import LimitName, LimitRule
from gateway.model.tenancy import KeyWish, NewTenant
from tests.fakes.gateway_ports import new_document, new_passage
from tests.harness.gateway import OPERATOR_KEY, Gateway, Tables, owner_of

DAY_S = 24 * 3600.0
KEY = {"Idempotency-Key": '"first-try"'}
NEW_KEY = {"name": "a key", "role": "viewer"}
ISSUER = {
    "url": "https://id.example.com",
    "audience": "clientsphere",
    "roles": {"staff": "viewer"},
}


async def twice(
    client: httpx.AsyncClient, method: str, path: str, **sent: Any
) -> tuple[httpx.Response, httpx.Response]:
    """The first response, and the replayed one."""
    first = await client.request(method, path, headers=KEY, **sent)
    again = await client.request(method, path, headers=KEY, **sent)
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert (again.status_code, again.content) == (first.status_code, first.content)
    for name in ("content-type", "location", "content-length"):
        assert again.headers.get(name) == first.headers.get(name)
    return first, again


def code_of(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


async def rows(tables: Tables) -> list[IdempotencyKeyRow]:
    async with tables.database.system_snapshot() as session:
        return list(await session.scalars(select(IdempotencyKeyRow)))


async def actions(tables: Tables) -> list[str]:
    return [recorded.action for recorded in await tables.audit_trail()]


class TestARequestThatIsRepeated:
    async def test_makes_one_api_key_and_shows_it_again(
        self, owner: httpx.AsyncClient, tables: Tables
    ) -> None:
        first, _ = await twice(owner, "POST", "/v1/api-keys", json=NEW_KEY)
        assert first.status_code == 201
        assert len((await owner.get("/v1/api-keys")).json()["items"]) == 2
        assert (await actions(tables)).count("api_key.created") == 2

    async def test_rotates_a_key_once(self, owner: httpx.AsyncClient, tables: Tables) -> None:
        made = (await owner.post("/v1/api-keys", json=NEW_KEY)).json()
        path = f"/v1/api-keys/{made['id']}/rotate"
        await twice(owner, "POST", path, json={"overlap_hours": 1})
        assert (await actions(tables)).count("api_key.rotated") == 1

    async def test_revokes_deletes_and_changes_once(
        self, gateway: Gateway, owner: httpx.AsyncClient, tables: Tables
    ) -> None:
        made = (await owner.post("/v1/api-keys", json=NEW_KEY)).json()
        await twice(owner, "DELETE", f"/v1/api-keys/{made['id']}")
        async with gateway.client(OPERATOR_KEY) as operator:
            await twice(operator, "POST", "/v1/tenants", json={"name": "Second"})
        assert (await actions(tables)).count("tenant.created") == 2

    async def test_handles_roles_once(self, owner: httpx.AsyncClient, tables: Tables) -> None:
        wish = {"name": "reader", "permissions": ["search"]}
        made, _ = await twice(owner, "POST", "/v1/roles", json=wish)
        path = f"/v1/roles/{made.json()['id']}"
        changed = {"name": "reader", "permissions": ["chat"]}
        other = {"Idempotency-Key": "second"}
        await owner.put(path, json=changed, headers=other)
        await owner.put(path, json=wish)
        replayed = await owner.put(path, json=changed, headers=other)
        assert replayed.json()["permissions"] == ["chat"]
        (now,) = (await owner.get("/v1/roles")).json()["items"]
        assert now["permissions"] == ["search"]

    async def test_handles_token_issuers_once(self, gateway: Gateway, tenant: NewTenant) -> None:
        path = f"/v1/tenants/{tenant.tenant.id}/token-issuers"
        async with gateway.client(OPERATOR_KEY) as operator:
            made, _ = await twice(operator, "POST", path, json=ISSUER)
            assert made.status_code == 201
            removal = {"Idempotency-Key": "removal"}
            for _ in range(2):
                gone = await operator.delete(f"{path}/{made.json()['id']}", headers=removal)
                assert gone.status_code == 204

    async def test_handles_knowledge_bases_once(self, owner: httpx.AsyncClient) -> None:
        made, _ = await twice(owner, "POST", "/v1/knowledge-bases", json={"name": "manuals"})
        removal = {"Idempotency-Key": "removal"}
        for _ in range(2):
            path = f"/v1/knowledge-bases/{made.json()['id']}"
            assert (await owner.delete(path, headers=removal)).status_code == 204

    async def test_takes_a_file_in_once(self, gateway: Gateway, owner: httpx.AsyncClient) -> None:
        first, _ = await twice(owner, "POST", "/v1/documents", files={"file": ("a.txt", b"hello")})
        assert first.status_code == 202
        assert len(gateway.documents.uploads) == 1

    async def test_searches_and_asks_once(
        self, gateway: Gateway, owner: httpx.AsyncClient, tenant: NewTenant
    ) -> None:
        gateway.search.passages = [new_passage()]
        gateway.documents.of_tenants[tenant.tenant.id] = {"doc_1": new_document("doc_1")}
        gateway.model.pieces = ("Leave is 25 days. [1]",)
        await twice(owner, "POST", "/v1/search", json={"question": "How much leave?"})
        other = {"Idempotency-Key": "chat"}
        for _ in range(2):
            asked = await owner.post(
                "/v1/chat", json={"question": "How much leave?"}, headers=other
            )
            assert asked.json()["answered"]
        assert len(gateway.search.asked) == 2
        assert len(gateway.model.instructions) == 1

    async def test_streams_the_same_events(
        self, gateway: Gateway, owner: httpx.AsyncClient, tenant: NewTenant
    ) -> None:
        gateway.search.passages = [new_passage()]
        gateway.documents.of_tenants[tenant.tenant.id] = {"doc_1": new_document("doc_1")}
        gateway.model.pieces = ("Leave is ", "25 days. [1]")
        sent = {"question": "How much leave?", "stream": True}
        first = await owner.post("/v1/chat", json=sent, headers=KEY)
        again = await owner.post("/v1/chat", json=sent, headers=KEY)
        assert again.content == first.content
        assert again.headers["content-type"] == first.headers["content-type"]
        assert again.headers["idempotency-replayed"] == "true"
        assert len(gateway.model.instructions) == 1

    async def test_is_told_again_what_cannot_be(self, owner: httpx.AsyncClient) -> None:
        first, _ = await twice(owner, "DELETE", "/v1/documents/doc_unknown")
        assert code_of(first) == (404, "document_not_found")

    async def test_is_told_again_what_is_wrong_with_it(self, owner: httpx.AsyncClient) -> None:
        first, _ = await twice(owner, "POST", "/v1/search", json={"question": 1})
        assert code_of(first) == (400, "invalid_request")

    async def test_counts_against_the_limits_like_any_other(self, tables: Tables) -> None:
        gateway = Gateway(tables, limits={LimitName.PRINCIPAL: LimitRule(1, 2)})
        tenant = await gateway.new_tenant()
        async with gateway.client(tenant.owner_key.key) as owner:
            await twice(owner, "POST", "/v1/api-keys", json=NEW_KEY)
            third = await owner.post("/v1/api-keys", json=NEW_KEY, headers=KEY)
            assert code_of(third) == (429, "rate_limited")

    async def test_is_looked_at_by_nobody_without_a_credential(
        self, owner: httpx.AsyncClient, nobody: httpx.AsyncClient
    ) -> None:
        await owner.post("/v1/api-keys", json=NEW_KEY, headers=KEY)
        refused = await nobody.post("/v1/api-keys", json=NEW_KEY, headers=KEY)
        assert refused.status_code == 401


class TestAKey:
    async def test_is_no_other_request_s(self, owner: httpx.AsyncClient) -> None:
        await owner.post("/v1/api-keys", json=NEW_KEY, headers=KEY)
        for method, path, body in (
            ("POST", "/v1/api-keys", NEW_KEY | {"name": "another"}),
            ("POST", "/v1/api-keys?x=1", NEW_KEY),
            ("POST", "/v1/roles", NEW_KEY),
            ("PUT", "/v1/roles/role_x", NEW_KEY),
        ):
            refused = await owner.request(method, path, json=body, headers=KEY)
            assert code_of(refused) == (422, "idempotency_key_reused")

    async def test_is_no_other_file_s(self, gateway: Gateway, owner: httpx.AsyncClient) -> None:
        async def upload(name: str, content: bytes) -> httpx.Response:
            form = {"file": (name, content)}
            return await owner.post("/v1/documents", files=form, headers=KEY)

        await upload("a.txt", b"hello")
        for name, content in (("a.txt", b"other"), ("b.txt", b"hello")):
            refused = await upload(name, content)
            assert code_of(refused) == (422, "idempotency_key_reused")
        assert len(gateway.documents.uploads) == 1

    async def test_is_another_one_for_everybody_else(
        self, gateway: Gateway, owner: httpx.AsyncClient, tenant: NewTenant
    ) -> None:
        colleague = await gateway.api_keys.create(owner_of(tenant), KeyWish("c", Role.OWNER))
        stranger = await gateway.new_tenant("Other")
        made = [await owner.post("/v1/api-keys", json=NEW_KEY, headers=KEY)]
        for key in (colleague.key, stranger.owner_key.key):
            async with gateway.client(key) as client:
                made.append(await client.post("/v1/api-keys", json=NEW_KEY, headers=KEY))
        assert len({one.json()["id"] for one in made}) == 3
        assert not any("idempotency-replayed" in one.headers for one in made)

    async def test_may_be_written_with_quotes_or_without(self, owner: httpx.AsyncClient) -> None:
        await owner.post("/v1/api-keys", json=NEW_KEY, headers={"Idempotency-Key": '"k"'})
        again = await owner.post("/v1/api-keys", json=NEW_KEY, headers={"Idempotency-Key": "k"})
        assert again.headers["idempotency-replayed"] == "true"

    async def test_that_is_malformed_is_refused(self, owner: httpx.AsyncClient) -> None:
        sent = {"Idempotency-Key": '"open'}
        refused = await owner.post("/v1/api-keys", json=NEW_KEY, headers=sent)
        assert code_of(refused) == (400, "idempotency_key_malformed")

    async def test_means_nothing_to_a_read(self, owner: httpx.AsyncClient, tables: Tables) -> None:
        await owner.get("/v1/me", headers=KEY)
        assert await rows(tables) == []

    async def test_is_forgotten_after_a_day(
        self, gateway: Gateway, owner: httpx.AsyncClient, tables: Tables
    ) -> None:
        first = await owner.post("/v1/api-keys", json=NEW_KEY, headers=KEY)
        gateway.clock.now_s += DAY_S
        second = await owner.post("/v1/api-keys", json=NEW_KEY, headers=KEY)
        assert first.json()["id"] != second.json()["id"]
        gateway.clock.now_s += DAY_S
        pruning = KeyPruning(tables.idempotency_keys, gateway.clock)
        assert [await pruning.prune(), await pruning.prune()] == [1, 0]


class TestAReplyThatMayChange:
    async def test_is_not_kept_when_something_was_away(
        self, gateway: Gateway, owner: httpx.AsyncClient
    ) -> None:
        gateway.search.failure = DependencyUnavailableError("index_unavailable", "Away.")
        sent = {"question": "How much leave?"}
        assert (await owner.post("/v1/search", json=sent, headers=KEY)).status_code == 503
        gateway.search.failure = None
        assert (await owner.post("/v1/search", json=sent, headers=KEY)).status_code == 200

    async def test_is_not_kept_when_it_was_one_too_many(
        self, gateway: Gateway, owner: httpx.AsyncClient, tables: Tables
    ) -> None:
        gateway.search.failure = LimitExceededError("budget_used_up", "Tomorrow.")
        sent = {"question": "How much leave?"}
        assert (await owner.post("/v1/search", json=sent, headers=KEY)).status_code == 429
        assert await rows(tables) == []

    async def test_is_not_kept_of_an_upload_that_stopped_half_way(
        self, owner: httpx.AsyncClient
    ) -> None:
        kind = {"Content-Type": "multipart/form-data; boundary=b"}
        half = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhel'
        broken = await owner.post("/v1/documents", content=half, headers=KEY | kind)
        assert code_of(broken) == (400, "upload_incomplete")
        form = {"file": ("a.txt", b"hello")}
        assert (await owner.post("/v1/documents", files=form, headers=KEY)).status_code == 202

    async def test_is_not_kept_of_a_stream_that_broke_off(
        self, gateway: Gateway, owner: httpx.AsyncClient
    ) -> None:
        gateway.search.passages = [new_passage()]
        gateway.model.pieces = ("Leave is ", "25 days. [1]")
        gateway.model.failure = DependencyUnavailableError("model_unavailable", "Away.")
        sent = {"question": "How much leave?", "stream": True}
        assert "event: error" in (await owner.post("/v1/chat", json=sent, headers=KEY)).text
        gateway.model.failure = None
        assert "event: done" in (await owner.post("/v1/chat", json=sent, headers=KEY)).text

    async def test_is_not_kept_when_it_is_too_long(
        self, gateway: Gateway, owner: httpx.AsyncClient
    ) -> None:
        gateway.search.passages = [new_passage(text="x" * 1024 * 1024)]
        for _ in range(2):
            found = await owner.post("/v1/search", json={"question": "x"}, headers=KEY)
            assert "idempotency-replayed" not in found.headers
        assert len(gateway.search.asked) == 2


class TestWhatIsStored:
    async def test_is_neither_the_key_nor_the_secret_nor_the_request(
        self, owner: httpx.AsyncClient, tables: Tables
    ) -> None:
        made = await owner.post("/v1/api-keys", json=NEW_KEY, headers=KEY)
        (row,) = await rows(tables)
        stored = repr(vars(row)).encode() + (row.reply or b"")
        for hidden in (b"first-try", key_parts(made.json()["key"])[1].encode(), b"a key"):
            assert hidden not in stored


class TestMetrics:
    async def test_count_what_became_of_requests(
        self, gateway: Gateway, owner: httpx.AsyncClient
    ) -> None:
        await twice(owner, "POST", "/v1/api-keys", json=NEW_KEY)
        await owner.post("/v1/roles", json=NEW_KEY, headers=KEY)
        counted = generate_latest(gateway.registry).decode()
        for outcome in ("executed", "replayed", "reused"):
            name = "clientsphere_idempotent_requests_total"
            assert f'{name}{{outcome="{outcome}"}} 1.0' in counted


@pytest.mark.parametrize("path", ["/v1/tokens"])
async def test_what_anybody_may_ask_for_looks_at_no_key(
    nobody: httpx.AsyncClient, tenant: NewTenant, tables: Tables, path: str
) -> None:
    body = {"grant_type": "api_key", "api_key": tenant.owner_key.key}
    assert (await nobody.post(path, json=body, headers=KEY)).status_code == 200
    assert await rows(tables) == []
