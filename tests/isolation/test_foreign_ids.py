"""Every route, with another tenant's ids: the same answer as for an id that never existed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.harness.product import Product, Served, Tenant, upload, wait_until_settled

CANARY = "CANARY-7f3a-OWNED-BY-A"
KINDS = ("kb", "doc", "key", "role", "tnt", "iss", "whk", "whd")
RANDOM_IDS = {kind: f"{kind}_{'0' * 32}" for kind in KINDS}
WEBHOOK = {"url": "https://hooks.example/", "event_types": ["document.ready"]}
BODIES = {
    "POST /v1/api-keys/{api_key_id}/rotate": {"overlap_hours": 1},
    "PUT /v1/roles/{role_id}": {"name": "x", "permissions": ["search"]},
    "PUT /v1/knowledge-bases/{knowledge_base_id}/access": {
        "readers": {"everyone": True},
        "editors": {"everyone": True},
    },
    "PUT /v1/documents/{document_id}/access": {"readers": {"everyone": True}},
    "PUT /v1/webhooks/{webhook_id}": WEBHOOK,
    "POST /v1/webhooks/{webhook_id}/rotate": {"overlap_hours": 1},
}
PATH_PREFIXES = {
    "knowledge_base_id": "kb",
    "document_id": "doc",
    "api_key_id": "key",
    "role_id": "role",
    "tenant_id": "tnt",
    "token_issuer_id": "iss",
    "webhook_id": "whk",
    "delivery_id": "whd",
}
OPERATED = "/v1/tenants/"


@dataclass(frozen=True)
class World:
    """Tenant A owns a document, a knowledge base and a second key; B owns nothing."""

    product: Served
    a: Tenant
    b: Tenant
    ids_of_a: dict[str, str]


@pytest.fixture(scope="module", params=["embedded", "distributed"])
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    if request.param == "distributed":
        yield world_of(request.getfixturevalue("running_stack"))
        return
    product = Product(tmp_path_factory.mktemp("isolation") / "data")
    product.start()
    yield world_of(product)
    product.stop()


def world_of(product: Served) -> World:
    a, b = product.create_tenant("tenant-a"), product.create_tenant("tenant-b")
    with product.client(a.api_key) as client:
        content = f"# Secrets\n\nThe code word of the vault is {CANARY}, as everybody in A knows.\n"
        document = upload(client, f"{CANARY}.md", content.encode()).json()
        wait_until_settled(client, {document["id"]})
        key = client.post("/v1/api-keys", json={"name": "second", "role": "viewer"}).json()
        wanted = {"name": CANARY, "permissions": ["search"]}
        role = client.post("/v1/roles", json=wanted).json()
        hook = client.post("/v1/webhooks", json={**WEBHOOK, "description": CANARY}).json()
        delivery = client.post(f"/v1/webhooks/{hook['id']}/test").json()
    ids = {
        "kb": document["knowledge_base_id"],
        "doc": document["id"],
        "key": key["id"],
        "role": role["id"],
        "tnt": a.id,
        "iss": f"iss_{'1' * 32}",
        "whk": hook["id"],
        "whd": delivery["id"],
    }
    return World(product, a, b, ids)


def operations(product: Served) -> list[tuple[str, str]]:
    """Every (method, path template) of the OpenAPI document."""
    paths: dict[str, dict[str, Any]] = httpx.get(f"{product.url}/openapi.json").json()["paths"]
    return [(method.upper(), path) for path, item in paths.items() for method in item]


def with_ids(path: str, ids: dict[str, str]) -> str:
    for parameter, kind in PATH_PREFIXES.items():
        path = path.replace(f"{{{parameter}}}", ids[kind])
    assert "{" not in path, f"{path} has a parameter that this test does not know"
    return path


def comparable(response: httpx.Response) -> tuple[int, dict[str, Any], list[str]]:
    """Status, body and header names, without what differs between any two requests."""
    body = response.json() if response.content else {}
    body.pop("request_id", None)
    return response.status_code, body, sorted(response.headers.keys())


class TestForeignIds:
    def test_in_a_path_they_are_as_unknown_as_random_ones(self, world: World) -> None:
        templates = [(m, p) for m, p in operations(world.product) if "{" in p]
        assert len(templates) >= 7
        with world.product.client(world.b.api_key) as client:
            for method, template in templates:
                body = BODIES.get(f"{method} {template}")
                foreign = client.request(method, with_ids(template, world.ids_of_a), json=body)
                unknown = client.request(method, with_ids(template, RANDOM_IDS), json=body)
                # The operator's routes turn tenants away before they look at any id.
                expected = 401 if template.startswith(OPERATED) else 404
                assert foreign.status_code == expected, f"{method} {template}"
                assert comparable(foreign) == comparable(unknown), f"{method} {template}"
                assert CANARY not in foreign.text

    def test_as_the_target_of_an_upload_they_are_unknown(self, world: World) -> None:
        with world.product.client(world.b.api_key) as client:
            foreign, unknown = (
                client.post(
                    "/v1/documents",
                    params={"knowledge_base_id": ids["kb"]},
                    files={"file": ("note.txt", b"A short note of tenant B.")},
                )
                for ids in (world.ids_of_a, RANDOM_IDS)
            )
        assert foreign.status_code == 404
        assert comparable(foreign) == comparable(unknown)

    @pytest.mark.parametrize("route", ["/v1/search", "/v1/chat"])
    def test_as_a_scope_they_find_nothing(self, world: World, route: str) -> None:
        with world.product.client(world.b.api_key) as client:
            answers = [
                client.post(
                    route,
                    json={
                        "question": "What is the code word of the vault?",
                        "knowledge_base_ids": [ids["kb"]],
                    },
                )
                for ids in (world.ids_of_a, RANDOM_IDS)
            ]
        assert answers[0].status_code == answers[1].status_code
        assert CANARY not in answers[0].text

    def test_as_a_list_filter_they_match_nothing(self, world: World) -> None:
        with world.product.client(world.b.api_key) as client:
            foreign, unknown = (
                client.get("/v1/documents", params={"knowledge_base_id": ids["kb"]})
                for ids in (world.ids_of_a, RANDOM_IDS)
            )
        assert comparable(foreign) == comparable(unknown)

    def test_the_owner_still_has_everything(self, world: World) -> None:
        with world.product.client(world.a.api_key) as client:
            assert client.get(f"/v1/documents/{world.ids_of_a['doc']}").status_code == 200
            answer = client.post(
                "/v1/chat", json={"question": "What is the code word of the vault?"}
            ).json()
        assert CANARY in answer["answer"]


class TestListsAndCounts:
    @pytest.mark.parametrize(
        "route",
        [
            "/v1/documents",
            "/v1/knowledge-bases",
            "/v1/api-keys",
            "/v1/roles",
            "/v1/webhooks",
            "/v1/audit/events",
        ],
    )
    def test_show_only_what_is_ones_own(self, world: World, route: str) -> None:
        with world.product.client(world.b.api_key) as client:
            listed = client.get(route)
        assert listed.status_code == 200
        assert CANARY not in listed.text
        for foreign_id in (*world.ids_of_a.values(), world.a.id):
            assert foreign_id not in listed.text

    def test_questions_find_nothing_of_others(self, world: World) -> None:
        question = {"question": f"What is the code word of the vault, is it {CANARY}?"}
        with world.product.client(world.b.api_key) as client:
            assert client.post("/v1/search", json=question).json()["passages"] == []
            answer = client.post("/v1/chat", json=question).json()
        assert answer["answered"] is False
        assert answer["citations"] == []

    def test_the_same_file_in_both_tenants_is_two_documents(self, world: World) -> None:
        content = b"# Shared\n\nThe same words stand in both tenants, and stay apart.\n"
        with world.product.client(world.a.api_key) as client:
            of_a = upload(client, "same.md", content).json()
        with world.product.client(world.b.api_key) as client:
            of_b = upload(client, "same.md", content).json()
            wait_until_settled(client, {of_b["id"]})
            assert client.delete(f"/v1/documents/{of_b['id']}").status_code == 204
        with world.product.client(world.a.api_key) as client:
            wait_until_settled(client, {of_a["id"]})
            found = client.post("/v1/search", json={"question": "same words both tenants"})
        assert of_a["id"] != of_b["id"]
        assert of_a["id"] in {one["document_id"] for one in found.json()["passages"]}


class TestTheTenant:
    @pytest.mark.parametrize("header", ["X-Tenant-Id", "X-Tenant", "Tenant", "X-Forwarded-User"])
    def test_is_never_taken_from_a_header(self, world: World, header: str) -> None:
        with world.product.client(world.b.api_key) as client:
            me = client.get("/v1/me", headers={header: world.a.id}).json()
        assert me["tenant"]["id"] == world.b.id

    @pytest.mark.parametrize("route", ["/v1/search", "/v1/chat"])
    def test_is_never_taken_from_a_body(self, world: World, route: str) -> None:
        body = {"question": "What is the code word of the vault?", "tenant_id": world.a.id}
        with world.product.client(world.b.api_key) as client:
            response = client.post(route, json=body)
        assert response.status_code == 400
        assert CANARY not in response.text
