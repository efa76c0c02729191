"""Who may read and edit something, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from clientsphere_common.access.audience import EVERYONE, Audience, audience
from clientsphere_common.access.model import Role
from gateway.model.access import DocumentAccess, KnowledgeBaseAccess
from gateway.model.tenancy import KeyWish
from tests.harness.gateway import Gateway, owner_of

KNOWLEDGE_BASE = "/v1/knowledge-bases/known_kb/access"
DOCUMENT = "/v1/documents/known_doc/access"
BODIES = {
    KNOWLEDGE_BASE: {"readers": {"everyone": True}, "editors": {"everyone": True}},
    DOCUMENT: {"readers": {"everyone": True}},
}
HR_SHOWN = {"everyone": False, "groups": ["hr"], "principals": ["key_1"]}
EVERYONE_SHOWN = {"everyone": True, "groups": [], "principals": []}


class TestKnowledgeBaseAccess:
    async def test_is_replaced_as_a_whole(self, gateway: Gateway) -> None:
        owner = (await gateway.new_tenant()).owner_key.key
        wish = {
            "readers": {"groups": ["hr"], "principals": ["key_1"]},
            "editors": {"everyone": True},
        }
        async with gateway.client(owner) as client:
            before = await client.get(KNOWLEDGE_BASE)
            changed = await client.put(KNOWLEDGE_BASE, json=wish)
            after = await client.get(KNOWLEDGE_BASE)
        assert before.json() == {"readers": EVERYONE_SHOWN, "editors": EVERYONE_SHOWN}
        assert changed.status_code == 200
        assert changed.json() == {"readers": HR_SHOWN, "editors": EVERYONE_SHOWN}
        assert after.json() == changed.json()
        kept = gateway.access.of_knowledge_bases["known_kb"]
        assert kept == KnowledgeBaseAccess(audience(["hr"], ["key_1"]), EVERYONE)

    async def test_can_be_given_with_a_new_one(self, gateway: Gateway) -> None:
        owner = (await gateway.new_tenant()).owner_key.key
        async with gateway.client(owner) as client:
            for body in ({"name": "a"}, {"name": "b", "readers": {"groups": ["hr"]}}):
                created = await client.post("/v1/knowledge-bases", json=body)
                assert created.status_code == 201
        assert gateway.knowledge_bases.access == {
            "a": KnowledgeBaseAccess(),
            "b": KnowledgeBaseAccess(readers=audience(["hr"], ())),
        }


class TestDocumentAccess:
    async def test_may_be_nobody(self, gateway: Gateway) -> None:
        owner = (await gateway.new_tenant()).owner_key.key
        async with gateway.client(owner) as client:
            changed = await client.put(DOCUMENT, json={"readers": {}})
            after = await client.get(DOCUMENT)
        assert changed.json() == {"readers": {"everyone": False, "groups": [], "principals": []}}
        assert after.json() == changed.json()
        assert gateway.access.of_documents["known_doc"] == DocumentAccess(Audience(frozenset()))


class TestBoth:
    @pytest.mark.parametrize("path", BODIES)
    async def test_are_not_there_for_who_does_not_see_it(self, gateway: Gateway, path: str) -> None:
        owner = (await gateway.new_tenant()).owner_key.key
        unknown = path.replace("known_", "hidden_")
        async with gateway.client(owner) as client:
            answers = [await client.get(unknown), await client.put(unknown, json=BODIES[path])]
        assert {answer.status_code for answer in answers} == {404}

    @pytest.mark.parametrize("path", BODIES)
    @pytest.mark.parametrize("role", [Role.EDITOR, Role.VIEWER, Role.AUDITOR])
    async def test_are_for_managers_only(self, gateway: Gateway, path: str, role: Role) -> None:
        tenant = await gateway.new_tenant()
        issued = await gateway.api_keys.create(owner_of(tenant), KeyWish(name="x", role=role))
        async with gateway.client(issued.key) as client:
            answers = [await client.get(path), await client.put(path, json=BODIES[path])]
        assert [answer.json()["code"] for answer in answers] == ["permission_denied"] * 2

    @pytest.mark.parametrize(
        "readers",
        [
            None,
            "everyone",
            {"everyone": False},
            {"everyone": True, "groups": ["hr"]},
            {"groups": [""]},
            {"groups": [" "]},
            {"groups": ["x" * 257]},
            {"groups": ["two\nlines"]},
            {"groups": [1]},
            {"principals": ["key"] * 51},
            {"users": ["ann"]},
        ],
    )
    async def test_take_an_audience_and_nothing_else(self, gateway: Gateway, readers: Any) -> None:
        owner = (await gateway.new_tenant()).owner_key.key
        async with gateway.client(owner) as client:
            answers = [
                await client.put(DOCUMENT, json={"readers": readers}),
                await client.put(DOCUMENT, json={}),
                await client.put(KNOWLEDGE_BASE, json={"readers": {"everyone": True}}),
            ]
        assert [answer.json()["code"] for answer in answers] == ["invalid_request"] * 3
        assert gateway.access.of_documents == {}


class TestUpload:
    async def test_takes_readers_before_the_file(self, gateway: Gateway) -> None:
        owner = (await gateway.new_tenant()).owner_key.key
        async with gateway.client(owner) as client:
            form = {"reader_group": ["hr", "sales"], "reader_principal": ["key_1"]}
            sent = await client.post(
                "/v1/documents", data=form, files={"file": ("a.txt", b"hello")}
            )
        assert sent.status_code == 202
        assert gateway.documents.readers == [audience(["hr", "sales"], ["key_1"])]
