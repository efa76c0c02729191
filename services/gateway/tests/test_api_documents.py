"""Knowledge bases and documents over HTTP: uploads, pages, downloads, unknown ids."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from starlette.types import Message

from clientsphere_common.paging import PageWish
from gateway.model.library import DocumentChoice, Failure
from gateway.model.tenancy import NewTenant
from tests.fakes.gateway_ports import new_document
from tests.harness.gateway import Gateway

MIB = 1024 * 1024
FORM = {"content-type": "multipart/form-data; boundary=frontier"}
BEGINNING = b'--frontier\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
MALFORMED_IDS = ["doc_%00", "doc_1%2f..", "doc%20x", "%ff%fe", "d" * 65, "doc_1'--", "\u00e9"]


async def upload(
    client: httpx.AsyncClient, content: bytes = b"hello", name: str = "a.txt"
) -> httpx.Response:
    return await client.post("/v1/documents", files={"file": (name, content)})


async def streamed(content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield BEGINNING
    async for piece in content:
        yield piece
    yield b"\r\n--frontier--\r\n"


async def letters(count: int) -> AsyncIterator[bytes]:
    for _ in range(count // 1024):
        yield b"x" * 1024


async def never() -> AsyncIterator[bytes]:
    yield b"x"
    await asyncio.Event().wait()


class TestUpload:
    async def test_a_new_version_is_accepted(
        self, gateway: Gateway, owner: httpx.AsyncClient
    ) -> None:
        response = await upload(owner)
        assert response.status_code == 202
        document = response.json()
        assert (document["name"], document["state"]) == ("a.txt", "queued")
        assert response.headers["location"] == f"/v1/documents/{document['id']}"
        assert gateway.documents.bytes_of[document["id"]] == b"hello"

    async def test_the_same_bytes_again_are_already_there(self, owner: httpx.AsyncClient) -> None:
        await upload(owner)
        assert (await upload(owner)).status_code == 200

    async def test_the_knowledge_base_may_come_in_the_form_or_the_query(
        self, gateway: Gateway, owner: httpx.AsyncClient
    ) -> None:
        files, query = {"file": ("a.txt", b"x")}, {"knowledge_base_id": "kb_q"}
        await owner.post("/v1/documents", files=files, data={"knowledge_base_id": "kb_f"})
        await owner.post("/v1/documents", files=files, params=query)
        await owner.post(
            "/v1/documents", files=files, params=query, data={"knowledge_base_id": "kb_f"}
        )
        await owner.post("/v1/documents", files=files)
        assert [kb for kb, _ in gateway.documents.uploads] == ["kb_f", "kb_q", "kb_f", ""]

    async def test_a_malformed_knowledge_base_is_looked_up_as_one_that_cannot_be(
        self, gateway: Gateway, owner: httpx.AsyncClient
    ) -> None:
        files = {"file": ("a.txt", b"x")}
        await owner.post("/v1/documents", files=files, data={"knowledge_base_id": "../x"})
        assert gateway.documents.uploads == [("-", "a.txt")]

    async def test_two_files_leave_nothing_behind(
        self, gateway: Gateway, owner: httpx.AsyncClient
    ) -> None:
        files = [("file", ("a.txt", b"x")), ("file", ("b.txt", b"y"))]
        response = await owner.post("/v1/documents", files=files)
        assert (response.status_code, response.json()["code"]) == (400, "too_many_files")
        assert gateway.documents.uploads == []

    async def test_a_file_above_the_limit_is_refused_before_it_is_read(
        self, owner: httpx.AsyncClient
    ) -> None:
        response = await upload(owner, b"x" * (2 * MIB))
        assert (response.status_code, response.json()["code"]) == (413, "file_too_large")

    async def test_and_while_it_is_read_when_it_does_not_say_how_large_it_is(
        self, gateway: Gateway, owner: httpx.AsyncClient
    ) -> None:
        body = streamed(letters(2 * MIB))
        response = await owner.post("/v1/documents", content=body, headers=FORM)
        assert (response.status_code, response.json()["code"]) == (413, "file_too_large")
        assert gateway.documents.uploads == []

    async def test_a_file_that_says_nothing_of_its_length_is_taken(
        self, gateway: Gateway, owner: httpx.AsyncClient
    ) -> None:
        body = streamed(letters(MIB))
        response = await owner.post("/v1/documents", content=body, headers=FORM)
        assert response.json()["size_bytes"] == MIB

    @pytest.mark.parametrize("content_type", ["application/json", "text/plain", ""])
    async def test_anything_but_a_form_is_refused(
        self, owner: httpx.AsyncClient, content_type: str
    ) -> None:
        headers = {"content-type": content_type}
        response = await owner.post("/v1/documents", content=b"{}", headers=headers)
        assert (response.status_code, response.json()["code"]) == (400, "multipart_expected")

    async def test_a_client_that_dawdles_is_cut_off(
        self, gateway: Gateway, owner: httpx.AsyncClient
    ) -> None:
        gateway.app.state.services = replace(gateway.app.state.services, transfer_timeout_s=0.01)
        body = streamed(never())
        response = await owner.post("/v1/documents", content=body, headers=FORM)
        assert (response.status_code, response.json()["code"]) == (504, "deadline_exceeded")


class TestAClientThatLeavesInMidUpload:
    async def test_leaves_nothing_behind(self, gateway: Gateway, tenant: NewTenant) -> None:
        messages: list[Message] = [
            {"type": "http.request", "body": BEGINNING, "more_body": True},
            {"type": "http.disconnect"},
        ]

        async def receive() -> Message:
            return messages.pop(0)

        async def send(message: Message) -> None:
            raise AssertionError("nobody is there to be told")

        authorization = f"Bearer {tenant.owner_key.key}".encode()
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "POST",
            "path": "/v1/documents",
            "query_string": b"",
            "headers": [
                (b"authorization", authorization),
                (b"content-type", FORM["content-type"].encode()),
            ],
        }
        await gateway.app(scope, receive, send)
        assert gateway.documents.uploads == []


class TestDocuments:
    async def test_are_read_as_they_are(self, gateway: Gateway, owner: httpx.AsyncClient) -> None:
        stored = (await upload(owner)).json()
        assert (await owner.get(f"/v1/documents/{stored['id']}")).json() == stored

    async def test_that_failed_say_why(
        self, gateway: Gateway, owner: httpx.AsyncClient, tenant: NewTenant
    ) -> None:
        failure = Failure("pdf_encrypted", "The file is locked.")
        gateway.documents.of_tenants[tenant.tenant.id] = {
            "doc_1": new_document(state="failed", failure=failure)
        }
        document = (await owner.get("/v1/documents/doc_1")).json()
        assert document["failure"] == {"code": "pdf_encrypted", "message": "The file is locked."}
        assert document["created_at"] == "2026-11-22T09:30:00Z"

    async def test_are_listed_in_pages(self, gateway: Gateway, owner: httpx.AsyncClient) -> None:
        await upload(owner)
        gateway.documents.next_page_token = "more"
        query = {"knowledge_base_id": "kb_1", "page_size": "7", "page_token": "t"}
        page = (await owner.get("/v1/documents", params=query)).json()
        assert ([one["name"] for one in page["items"]], page["next_page_token"]) == (
            ["a.txt"],
            "more",
        )
        await owner.get("/v1/documents")
        assert gateway.documents.pages_asked == [
            (DocumentChoice("kb_1"), PageWish(7, "t")),
            (DocumentChoice(), PageWish()),
        ]

    @pytest.mark.parametrize(
        "query",
        ["page_size=0", "page_size=201", "page_size=x", "page_size=1e3", f"page_token={'x' * 513}"],
    )
    async def test_pages_that_make_no_sense_are_refused(
        self, owner: httpx.AsyncClient, query: str
    ) -> None:
        response = await owner.get(f"/v1/documents?{query}")
        assert (response.status_code, response.json()["code"]) == (400, "invalid_request")

    async def test_are_downloaded_as_they_were_uploaded(self, owner: httpx.AsyncClient) -> None:
        stored = (await upload(owner, b"hello", "Übersicht.txt")).json()
        response = await owner.get(f"/v1/documents/{stored['id']}/content")
        assert response.content == b"hello"
        assert response.headers["content-type"].startswith("text/plain")
        assert response.headers["content-length"] == "5"
        assert response.headers["content-disposition"] == (
            "attachment; filename*=UTF-8''%C3%9Cbersicht.txt"
        )

    async def test_a_name_cannot_write_headers(
        self, gateway: Gateway, owner: httpx.AsyncClient, tenant: NewTenant
    ) -> None:
        name = 'a"\r\nX-Evil: 1\r\n\r\n<script>.txt'
        gateway.documents.of_tenants[tenant.tenant.id] = {"doc_1": new_document(name=name)}
        gateway.documents.bytes_of["doc_1"] = b"hello"
        response = await owner.get("/v1/documents/doc_1/content")
        assert "x-evil" not in response.headers
        assert response.headers["content-disposition"].startswith("attachment; filename*=")
        assert response.headers["x-content-type-options"] == "nosniff"

    async def test_are_read_as_text(self, owner: httpx.AsyncClient) -> None:
        stored = (await upload(owner, b"hello")).json()
        response = await owner.get(f"/v1/documents/{stored['id']}/text")
        assert response.text == "HELLO"
        assert response.headers["content-type"] == "text/plain; charset=utf-8"

    async def test_are_deleted(self, owner: httpx.AsyncClient) -> None:
        await upload(owner, name="doc")
        stored = (await owner.get("/v1/documents")).json()["items"][0]
        assert (await owner.delete(f"/v1/documents/{stored['id']}")).status_code == 204
        assert (await owner.get(f"/v1/documents/{stored['id']}")).status_code == 404


class TestIdsOfNothing:
    @pytest.mark.parametrize("written", MALFORMED_IDS)
    @pytest.mark.parametrize(
        "path",
        [
            "/v1/documents/{}",
            "/v1/documents/{}/content",
            "/v1/documents/{}/text",
            "/v1/knowledge-bases/{}",
        ],
    )
    async def test_get_the_same_answer_whether_malformed_or_random(
        self, owner: httpx.AsyncClient, path: str, written: str
    ) -> None:
        malformed = await owner.get(path.format(written))
        random = await owner.get(path.format("doc_0123456789abcdef"))
        assert malformed.status_code == random.status_code == 404
        if "%2f" not in written:
            assert {**malformed.json(), "request_id": ""} == {**random.json(), "request_id": ""}

    async def test_get_it_for_deletions_too(self, owner: httpx.AsyncClient) -> None:
        for kind in ("documents", "knowledge-bases", "api-keys"):
            malformed = await owner.delete(f"/v1/{kind}/%00")
            random = await owner.delete(f"/v1/{kind}/doc_0123456789abcdef")
            assert malformed.status_code == random.status_code == 404
            assert malformed.json()["detail"] == random.json()["detail"]


class TestKnowledgeBases:
    async def test_are_created_read_listed_and_deleted(self, owner: httpx.AsyncClient) -> None:
        response = await owner.post("/v1/knowledge-bases", json={"name": "handbooks"})
        assert response.status_code == 201
        created = response.json()
        assert set(created) == {"id", "name", "created_at", "document_count"}
        path = f"/v1/knowledge-bases/{created['id']}"
        assert (await owner.get(path)).json() == created
        listed = (await owner.get("/v1/knowledge-bases")).json()
        assert listed == {"items": [created], "next_page_token": None}
        assert (await owner.delete(path)).status_code == 204
        assert (await owner.get(path)).status_code == 404

    async def test_one_name_is_given_once(self, owner: httpx.AsyncClient) -> None:
        await owner.post("/v1/knowledge-bases", json={"name": "handbooks"})
        response = await owner.post("/v1/knowledge-bases", json={"name": "handbooks"})
        assert (response.status_code, response.json()["code"]) == (409, "knowledge_base_exists")
