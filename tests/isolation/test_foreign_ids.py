"""Lists, counts and questions show nothing of another tenant.

Single ids are tried on every route and method in `ways_in`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.harness.product import Product, Served, Tenant, upload, wait_until_settled

CANARY = "CANARY-7f3a-OWNED-BY-A"
WEBHOOK = {"url": "https://hooks.example/", "event_types": ["document.ready"]}


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
        "whk": hook["id"],
        "whd": delivery["id"],
    }
    return World(product, a, b, ids)


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
