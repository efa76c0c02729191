"""Who may no longer see what a request made is not told of it when the request comes again."""

from __future__ import annotations

import httpx
import pytest

from gateway.model.tenancy import NewTenant
from tests.fakes.gateway_ports import new_document, new_passage
from tests.harness.gateway import Gateway

KEY = {"Idempotency-Key": "k"}
FORM = {"file": ("a.txt", b"hello")}


def code_of(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


async def upload(client: httpx.AsyncClient) -> httpx.Response:
    return await client.post("/v1/documents", files=FORM, headers=KEY)


@pytest.fixture
async def uploaded(owner: httpx.AsyncClient) -> httpx.Response:
    return await upload(owner)


class TestAnUploadThatComesAgain:
    async def test_says_nothing_of_a_document_that_is_hidden_by_now(
        self,
        gateway: Gateway,
        owner: httpx.AsyncClient,
        tenant: NewTenant,
        uploaded: httpx.Response,
    ) -> None:
        del gateway.documents.of_tenants[tenant.tenant.id][uploaded.json()["id"]]
        assert code_of(await upload(owner)) == (404, "document_not_found")

    async def test_is_refused_where_the_caller_may_no_longer_edit(
        self, gateway: Gateway, owner: httpx.AsyncClient, uploaded: httpx.Response
    ) -> None:
        gateway.knowledge_bases.read_only.add(uploaded.json()["knowledge_base_id"])
        assert code_of(await upload(owner)) == (403, "not_an_editor")

    async def test_is_answered_again_once_access_is_back(
        self, gateway: Gateway, owner: httpx.AsyncClient, uploaded: httpx.Response
    ) -> None:
        gateway.knowledge_bases.read_only.add(uploaded.json()["knowledge_base_id"])
        await upload(owner)
        gateway.knowledge_bases.read_only.clear()
        assert (await upload(owner)).content == uploaded.content

    async def test_is_another_upload_when_it_names_other_readers(
        self, owner: httpx.AsyncClient
    ) -> None:
        async def upload_for(*groups: str) -> httpx.Response:
            fields = {"reader_group": list(groups), "reader_principal": "key_1"}
            return await owner.post("/v1/documents", data=fields, files=FORM, headers=KEY)

        first = await upload_for("hr", "legal")
        assert (await upload_for("legal", "hr")).content == first.content
        assert code_of(await upload_for("hr")) == (422, "idempotency_key_reused")
        assert code_of(await upload(owner)) == (422, "idempotency_key_reused")


class TestAQuestionThatComesAgain:
    @pytest.mark.parametrize(
        ("path", "stream"), [("/v1/search", {}), ("/v1/chat", {}), ("/v1/chat", {"stream": True})]
    )
    async def test_is_answered_only_while_all_that_it_cites_can_be_read(
        self,
        gateway: Gateway,
        owner: httpx.AsyncClient,
        tenant: NewTenant,
        path: str,
        stream: dict[str, bool],
    ) -> None:
        gateway.search.passages = [new_passage()]
        gateway.model.pieces = ("Leave is 25 days. [1]",)
        documents = gateway.documents.of_tenants.setdefault(tenant.tenant.id, {})
        documents["doc_1"] = new_document("doc_1")

        async def ask() -> httpx.Response:
            body = {"question": "How much leave?", **stream}
            return await owner.post(path, json=body, headers=KEY)

        first = await ask()
        assert first.status_code == 200
        assert b"doc_1" in first.content
        assert (await ask()).content == first.content
        del documents["doc_1"]
        assert code_of(await ask()) == (404, "document_not_found")


class TestAKnowledgeBaseThatIsAskedForAgain:
    async def test_is_unknown_to_who_may_no_longer_see_it(
        self, gateway: Gateway, owner: httpx.AsyncClient, tenant: NewTenant
    ) -> None:
        async def create() -> httpx.Response:
            return await owner.post("/v1/knowledge-bases", json={"name": "x"}, headers=KEY)

        assert (await create()).status_code == 201
        gateway.knowledge_bases.of_tenants[tenant.tenant.id].clear()
        assert code_of(await create()) == (404, "knowledge_base_not_found")

    async def test_is_told_again_that_its_name_was_taken(
        self, gateway: Gateway, owner: httpx.AsyncClient, tenant: NewTenant
    ) -> None:
        await owner.post("/v1/knowledge-bases", json={"name": "x"})
        refused = [
            await owner.post("/v1/knowledge-bases", json={"name": "x"}, headers=KEY)
            for _ in range(2)
        ]
        assert [code_of(one) for one in refused] == [(409, "knowledge_base_exists")] * 2
