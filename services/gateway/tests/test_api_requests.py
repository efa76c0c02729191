"""What surrounds every request: ids, headers, limits, logs; no 500 for a client's mistake."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import Response
from prometheus_client import CollectorRegistry, generate_latest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from clientsphere_common.paging import PageWish
from clientsphere_common.request import current_caller
from gateway.model.tenancy import NewTenant
from gateway.model.trail import TrailChoice
from gateway.problems import plain_problems
from gateway.settings import GatewaySettings
from tests.harness.gateway import Gateway, Tables

JSON = {"content-type": "application/json"}


def broken(request: Any) -> Response:
    raise RuntimeError("the words of a secret document")


class TestMistakesOfClients:
    @pytest.mark.parametrize(
        "content",
        [
            b"{",
            b"",
            b"\xff\xfe",
            b'{"question": "\xff"}',
            b'{"question": NaN}',
            b"[]",
            b'"text"',
            b"null",
            b"true",
            b"[" * 100_000,
            b'{"a":' * 50_000,
            b'{"question": ' + b"9" * 10_000 + b"}",
            b'{"question": "x", "question": "y"}',
            b'{"question": "\\ud800"}',
            b'{"question": "x", "knowledge_base_ids": ' + b"[" * 8 + b"]" * 8 + b"}",
            b"x" * 500_000,
        ],
        ids=lambda content: repr(content[:20]),
    )
    async def test_with_json_are_bad_requests(
        self, owner: httpx.AsyncClient, content: bytes
    ) -> None:
        response = await owner.post("/v1/search", content=content, headers=JSON)
        assert response.status_code == 400
        assert response.json()["code"] in {"invalid_json", "invalid_request"}

    @pytest.mark.parametrize(
        "content_type", ["text/plain", "application/x-www-form-urlencoded", "\u00e9", "", ";;;"]
    )
    async def test_with_the_content_type_are_told_what_to_send(
        self, owner: httpx.AsyncClient, content_type: str
    ) -> None:
        headers = {b"content-type": content_type.encode("latin-1")}
        response = await owner.post("/v1/search", content=b'{"question": "x"}', headers=headers)
        assert response.status_code == 400
        assert "application/json" in response.json()["detail"]

    async def test_in_several_fields_are_all_named(self, owner: httpx.AsyncClient) -> None:
        response = await owner.post("/v1/search", json={"question": "", "top_k": 99, "x": 1})
        errors = response.json()["errors"]
        assert {one["field"] for one in errors} == {"question", "top_k", "x"}

    async def test_are_not_repeated_to_them(self, owner: httpx.AsyncClient) -> None:
        response = await owner.post("/v1/search", json={"question": {"secret": "word-4711"}})
        assert "word-4711" not in response.text

    @pytest.mark.parametrize(
        "path", ["/", "/v1", "/v1/", "/v1/documents/", "/v2/me", "/%00", "/docs/"]
    )
    async def test_with_the_path_are_not_found(self, owner: httpx.AsyncClient, path: str) -> None:
        response = await owner.get(path)
        assert (response.status_code, response.json()["code"]) == (404, "not_found")

    @pytest.mark.parametrize("method", ["PUT", "PATCH", "HEAD", "OPTIONS", "TRACE", "BREW"])
    async def test_with_the_method_are_told_what_is_allowed(
        self, owner: httpx.AsyncClient, method: str
    ) -> None:
        response = await owner.request(method, "/v1/me")
        assert response.status_code == 405
        assert response.headers["allow"] == "GET"

    async def test_with_the_method_are_told_all_that_are_allowed(
        self, owner: httpx.AsyncClient
    ) -> None:
        response = await owner.patch("/v1/documents/doc_1")
        assert response.headers["allow"] == "DELETE, GET"

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("/v1/search", {"question": "x", "top_k": "8"}),
            ("/v1/search", {"question": "x", "top_k": True}),
            ("/v1/search", {"question": "x", "top_k": 1.5}),
            ("/v1/chat", {"question": "x", "stream": 0}),
            ("/v1/api-keys", {"name": "x", "role": "viewer", "expires_in_days": "9"}),
        ],
    )
    async def test_with_the_kind_of_a_value_are_not_guessed_at(
        self, owner: httpx.AsyncClient, path: str, body: dict[str, object]
    ) -> None:
        assert (await owner.post(path, json=body)).status_code == 400

    @pytest.mark.parametrize(
        "query",
        [
            "after=-1",
            f"after={2**63}",
            "after=x",
            "page_size=0",
            "page_size=1001",
            "action=" + "x" * 65,
        ],
    )
    async def test_with_the_query_are_bad_requests(
        self, owner: httpx.AsyncClient, query: str
    ) -> None:
        response = await owner.get(f"/v1/audit/events?{query}")
        assert (response.status_code, response.json()["code"]) == (400, "invalid_request")

    @pytest.mark.parametrize("query", ["%ff=%fe", "&&&", "=", "page_size=1&page_size=2", "%00"])
    async def test_that_change_nothing_are_overlooked(
        self, owner: httpx.AsyncClient, query: str
    ) -> None:
        assert (await owner.get(f"/v1/audit/events?{query}")).status_code == 200


class TestTheAuditTrail:
    async def test_is_read_from_where_one_was(
        self, gateway: Gateway, owner: httpx.AsyncClient
    ) -> None:
        gateway.trail.next_page_token = "more"
        response = await owner.get(
            "/v1/audit/events?after=40&page_size=7&action=question.asked&page_token=t"
        )
        assert gateway.trail.asked == [(TrailChoice(40, "question.asked"), PageWish(7, "t"))]
        page = response.json()
        assert page["head"] == {"sequence": 1, "hash": "1" * 64}
        assert page["next_page_token"] == "more"
        assert set(page["items"][0]) == {"sequence", "event_id", "event", "previous_hash", "hash"}
        assert page["items"][0]["event"]["details"] == {"a": "b"}


class TestBodies:
    async def test_above_a_mebibyte_are_refused_by_their_declared_length(
        self, owner: httpx.AsyncClient
    ) -> None:
        response = await owner.post("/v1/search", content=b"x" * (1024 * 1024 + 1), headers=JSON)
        assert (response.status_code, response.json()["code"]) == (413, "request_too_large")

    async def test_and_while_they_come_without_one(self, owner: httpx.AsyncClient) -> None:
        async def endless() -> AsyncIterator[bytes]:
            while True:
                yield b"x" * 65536

        response = await owner.post("/v1/search", content=endless(), headers=JSON)
        assert (response.status_code, response.json()["code"]) == (413, "request_too_large")

    async def test_are_not_looked_at_for_strangers(self, nobody: httpx.AsyncClient) -> None:
        response = await nobody.post("/v1/search", content=b"x" * (1024 * 1024 + 1), headers=JSON)
        assert response.status_code == 401


class TestRequestIds:
    async def test_are_kept_when_they_are_well_formed(self, nobody: httpx.AsyncClient) -> None:
        response = await nobody.get("/health/live", headers={"x-request-id": "my-request.1"})
        assert response.headers["x-request-id"] == "my-request.1"

    @pytest.mark.parametrize(
        "sent", ["short", "x" * 65, "with space in it", "line\tbreak", "<b>bold</b>"]
    )
    async def test_are_made_when_they_are_not(self, nobody: httpx.AsyncClient, sent: str) -> None:
        response = await nobody.get("/health/live", headers={"x-request-id": sent})
        assert response.headers["x-request-id"].startswith("req_")

    async def test_of_two_requests_differ(self, nobody: httpx.AsyncClient) -> None:
        ids = {(await nobody.get("/health/live")).headers["x-request-id"] for _ in range(10)}
        assert len(ids) == 10


class TestHeaders:
    @pytest.mark.parametrize(
        "path", ["/v1/me", "/health/live", "/docs", "/openapi.json", "/nothing"]
    )
    async def test_of_security_are_on_every_response(
        self, owner: httpx.AsyncClient, path: str
    ) -> None:
        headers = (await owner.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["x-request-id"]

    async def test_keep_answers_out_of_caches(
        self, owner: httpx.AsyncClient, nobody: httpx.AsyncClient
    ) -> None:
        assert (await owner.get("/v1/me")).headers["cache-control"] == "no-store"
        assert "cache-control" not in (await nobody.get("/.well-known/jwks.json")).headers


class TestOriginsOfPages:
    async def test_are_refused_unless_they_are_set(self, nobody: httpx.AsyncClient) -> None:
        headers = {"origin": "https://app.example", "access-control-request-method": "POST"}
        response = await nobody.options("/v1/chat", headers=headers)
        assert response.status_code == 405
        assert "access-control-allow-origin" not in response.headers

    async def test_that_are_set_may_call(self, tables: Tables) -> None:
        settings = GatewaySettings(cors_origins=("https://app.example",))
        async with Gateway(tables, settings).client() as client:
            headers = {"origin": "https://app.example", "access-control-request-method": "POST"}
            preflight = await client.options("/v1/chat", headers=headers)
            call = await client.get("/v1/me", headers={"origin": "https://app.example"})
            stranger = await client.get("/v1/me", headers={"origin": "https://other.example"})
        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == "https://app.example"
        assert call.headers["access-control-allow-origin"] == "https://app.example"
        assert "access-control-allow-credentials" not in call.headers
        assert "X-Request-Id" in call.headers["access-control-expose-headers"]
        assert "access-control-allow-origin" not in stranger.headers


class TestBugs:
    async def test_are_told_without_details(self, gateway: Gateway) -> None:
        gateway.app.add_route("/broken", broken)
        async with gateway.client() as client:
            with capture_logs() as logs:
                response = await client.get("/broken")
        assert response.status_code == 500
        problem = response.json()
        assert (problem["code"], problem["detail"]) == (
            "internal",
            "Something went wrong on our side.",
        )
        assert response.headers["x-content-type-options"] == "nosniff"
        assert "secret" not in response.text
        (failure,) = [line for line in logs if line["event"] == "request_failed"]
        assert failure["error"] == "RuntimeError"

    async def test_in_mid_response_cut_it_off(self, gateway: Gateway) -> None:
        async def half(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"half", "more_body": True})
            raise RuntimeError("half")

        gateway.app.mount("/half", half)
        transport = httpx.ASGITransport(gateway.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            with pytest.raises(RuntimeError, match="half"):
                await client.get("/half/x")


def samples(registry: CollectorRegistry) -> str:
    return generate_latest(registry).decode()


class TestLogsAndMetrics:
    async def test_count_by_template_and_never_by_path(
        self, gateway: Gateway, owner: httpx.AsyncClient
    ) -> None:
        await owner.get("/v1/documents/doc_of_somebody")
        await owner.get("/scan/wp-admin.php")
        await owner.request("BREW", "/v1/me")
        told = samples(gateway.registry)
        assert 'count{method="GET",route="/v1/documents/{document_id}",status="404"} 1.0' in told
        assert 'count{method="GET",route="other",status="404"} 1.0' in told
        assert 'count{method="OTHER",route="/v1/me",status="405"} 1.0' in told
        assert "doc_of_somebody" not in told
        assert "wp-admin" not in told

    async def test_are_served(self, nobody: httpx.AsyncClient) -> None:
        response = await nobody.get("/metrics")
        assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
        assert "clientsphere_http_requests_in_flight 1.0" in response.text

    async def test_tell_one_line_for_each_request(self, owner: httpx.AsyncClient) -> None:
        with capture_logs() as logs:
            await owner.get("/v1/me")
            await owner.get("/health/live")
        told = [(line["log_level"], line["route"], line["status"]) for line in logs]
        assert told == [("info", "/v1/me", 200), ("debug", "/health/live", 200)]

    async def test_tell_who_was_refused(self, gateway: Gateway, owner: httpx.AsyncClient) -> None:
        wish = {"name": "reader", "role": "viewer"}
        viewer = (await owner.post("/v1/api-keys", json=wish)).json()
        with capture_logs([merge_contextvars]) as logs:
            async with gateway.client(viewer["key"]) as client:
                await client.get("/v1/audit/events")
        (line,) = logs
        assert (line["route"], line["status"]) == ("/v1/audit/events", 403)
        assert line["principal"] == viewer["id"]
        assert line["tenant"]

    async def test_tell_who_was_given_a_token(
        self, nobody: httpx.AsyncClient, tenant: NewTenant
    ) -> None:
        asked = {"grant_type": "api_key", "api_key": tenant.owner_key.key}
        with capture_logs([merge_contextvars]) as logs:
            await nobody.post("/v1/tokens", json=asked)
        (line,) = logs
        assert (line["tenant"], line["principal"]) == (
            tenant.tenant.id,
            tenant.owner_key.record.id,
        )

    async def test_never_tell_what_was_asked_or_with_which_key(
        self, gateway: Gateway, owner: httpx.AsyncClient
    ) -> None:
        with capture_logs() as logs:
            await owner.post("/v1/chat", json={"question": "word-4711"})
            await owner.get("/v1/me?word-4711")
        assert "word-4711" not in json.dumps(logs)
        assert owner.headers["authorization"].split("_")[3] not in json.dumps(logs)


class TestScopesThatAreNoRequests:
    async def test_pass_through(self, gateway: Gateway) -> None:
        sent: list[str] = []

        async def receive() -> dict[str, str]:
            return {"type": "lifespan.shutdown" if sent else "lifespan.startup"}

        async def send(message: Any) -> None:
            sent.append(message["type"])

        await gateway.app({"type": "lifespan"}, receive, send)
        assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


class TestTheCaller:
    async def test_of_one_request_is_not_the_caller_of_the_next(
        self, gateway: Gateway, owner: httpx.AsyncClient
    ) -> None:
        seen = []
        search = gateway.documents.get

        async def spying(document_id: str) -> Any:
            seen.append(current_caller())
            return await search(document_id)

        gateway.documents.get = spying  # type: ignore[method-assign] # a spy on the fake
        other = await gateway.new_tenant("Quaymere")
        async with gateway.client(other.owner_key.key) as stranger:
            await owner.get("/v1/documents/doc_1")
            await stranger.get("/v1/documents/doc_1")
        assert seen[1].tenant_id == other.tenant.id != seen[0].tenant_id


class TestPlainProblems:
    def test_have_a_status_and_words_for_a_person(self) -> None:
        for code, (status, detail) in plain_problems().items():
            assert code.islower()
            assert status in {400, 404, 405, 408, 413, 414, 431, 503}
            assert detail.endswith(".")
