"""Search and chat over HTTP: bodies, answers, event streams, clients that leave."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest
from starlette.types import Message

from clientsphere_common.errors import DependencyUnavailableError
from gateway.answering import DECLINED
from gateway.api.answer_stream import AnswerStream
from gateway.model.answers import Answer, Delta, Question
from gateway.model.tenancy import NewTenant
from tests.fakes.gateway_ports import new_passage
from tests.harness.gateway import Gateway, Tables

ASKED = {"question": "How many days of leave?"}
AWAY = DependencyUnavailableError("service_unavailable", "A part of the system is not answering.")


@pytest.fixture
def answering_gateway(gateway: Gateway) -> Gateway:
    gateway.search.passages = [new_passage(1), new_passage(2, "Tea is free.", page=None)]
    gateway.model.pieces = ("Leave is ", "25 days. [1]")
    return gateway


Event = tuple[str, dict[str, Any]]


def events(body: str) -> list[Event]:
    blocks = [block for block in body.split("\n\n") if block.startswith("event: ")]
    parsed = [block.removeprefix("event: ").split("\ndata: ", 1) for block in blocks]
    return [(name, json.loads(data)) for name, data in parsed]


class TestSearch:
    async def test_gives_passages_without_scores(
        self, answering_gateway: Gateway, owner: httpx.AsyncClient
    ) -> None:
        body = {**ASKED, "knowledge_base_ids": ["kb_1", "not an id!"], "top_k": 2}
        response = await owner.post("/v1/search", json=body)
        assert response.json()["passages"][0] == {
            "rank": 1,
            "document_id": "doc_1",
            "document_name": "handbook.pdf",
            "knowledge_base_id": "kb_1",
            "page": 7,
            "heading_path": ["Time off"],
            "start": 100,
            "end": 117,
            "text": "Leave is 25 days.",
        }
        assert response.json()["passages"][1]["page"] is None
        question = Question(ASKED["question"], ("kb_1", "-"))
        assert answering_gateway.search.asked == [(question, 2)]

    async def test_is_recorded(
        self, answering_gateway: Gateway, owner: httpx.AsyncClient, tables: Tables
    ) -> None:
        await owner.post("/v1/search", json=ASKED)
        searched = (await tables.audit_trail())[-1]
        assert searched.action == "passages.searched"
        assert searched.details["documents"] == "doc_1,doc_2"

    @pytest.mark.parametrize(
        "change",
        [
            {"question": ""},
            {"question": " \n"},
            {"question": "x" * 4001},
            {"question": 7},
            {"question": None},
            {"question": ["x"]},
            {"top_k": 0},
            {"top_k": 51},
            {"top_k": "many"},
            {"top_k": 1.5},
            {"knowledge_base_ids": "kb_1"},
            {"knowledge_base_ids": [1]},
            {"knowledge_base_ids": ["x" * 65]},
            {"knowledge_base_ids": ["kb_1"] * 101},
            {"tenant_id": "tnt_other"},
        ],
        ids=str,
    )
    async def test_refuses_what_makes_no_sense(
        self, owner: httpx.AsyncClient, change: dict[str, Any]
    ) -> None:
        content = json.dumps({**ASKED, **change})
        headers = {"content-type": "application/json"}
        response = await owner.post("/v1/search", content=content, headers=headers)
        problem = response.json()
        assert (response.status_code, problem["code"]) == (400, "invalid_request")
        assert problem["errors"][0]["field"].split(".")[0] == next(iter(change))


class TestChat:
    async def test_gives_an_answer_with_citations(
        self, answering_gateway: Gateway, owner: httpx.AsyncClient
    ) -> None:
        response = await owner.post("/v1/chat", json=ASKED)
        answer = response.json()
        assert answer.pop("id").startswith("ans_")
        assert answer.pop("request_id") == response.headers["x-request-id"]
        assert answer == {
            "answered": True,
            "answer": "Leave is 25 days. [1]",
            "citations": [
                {
                    "number": 1,
                    "document_id": "doc_1",
                    "document_name": "handbook.pdf",
                    "page": 7,
                    "heading_path": ["Time off"],
                    "quote": "Leave is 25 days.",
                    "start": 100,
                    "end": 117,
                }
            ],
            "groundedness": 1.0,
            "model": "fake",
            "usage": {"input_tokens": 10, "output_tokens": 3},
        }

    async def test_declines_when_nothing_is_found(self, owner: httpx.AsyncClient) -> None:
        answer = (await owner.post("/v1/chat", json=ASKED)).json()
        assert (answer["answered"], answer["answer"], answer["citations"]) == (False, DECLINED, [])

    async def test_a_failure_is_a_problem(
        self, answering_gateway: Gateway, owner: httpx.AsyncClient
    ) -> None:
        answering_gateway.search.failure = AWAY
        for body in (ASKED, {**ASKED, "stream": True}):
            response = await owner.post("/v1/chat", json=body)
            assert response.status_code == 503
            assert response.headers["content-type"] == "application/problem+json"
            assert response.json()["code"] == "service_unavailable"


class TestAStreamedChat:
    async def test_gives_deltas_citations_and_the_whole_answer(
        self, answering_gateway: Gateway, owner: httpx.AsyncClient
    ) -> None:
        response = await owner.post("/v1/chat", json={**ASKED, "stream": True})
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert response.headers["cache-control"] == "no-store"
        told = events(response.text)
        assert told[:2] == [("delta", {"text": "Leave is "}), ("delta", {"text": "25 days. [1]"})]
        (citations, cited), (done, answer) = told[2:]
        assert (citations, done) == ("citations", "done")
        assert cited["citations"] == answer["citations"]
        assert answer["answer"] == "Leave is 25 days. [1]"
        assert set(answer) == set((await owner.post("/v1/chat", json=ASKED)).json())

    @pytest.mark.parametrize(
        ("accept", "stream", "is_stream"),
        [
            ("text/event-stream", None, True),
            ("application/json, text/event-stream", None, True),
            ("text/event-stream", False, False),
            ("application/json", True, True),
            ("*/*", None, False),
        ],
    )
    async def test_is_asked_for_in_the_body_or_by_accept(
        self, owner: httpx.AsyncClient, accept: str, stream: bool | None, is_stream: bool
    ) -> None:
        body = {**ASKED, "stream": stream}
        response = await owner.post("/v1/chat", json=body, headers={"accept": accept})
        assert response.headers["content-type"].startswith("text/event-stream") is is_stream

    async def test_that_breaks_off_says_so(
        self, answering_gateway: Gateway, owner: httpx.AsyncClient
    ) -> None:
        answering_gateway.model.failure = AWAY
        response = await owner.post("/v1/chat", json={**ASKED, "stream": True})
        assert response.status_code == 200
        (name, problem) = events(response.text)[-1]
        assert (name, problem["code"], problem["status"]) == ("error", "service_unavailable", 503)
        assert problem["request_id"] == response.headers["x-request-id"]

    async def test_line_breaks_do_not_break_the_events(
        self, answering_gateway: Gateway, owner: httpx.AsyncClient
    ) -> None:
        answering_gateway.model.pieces = ("one\r\n\ntwo\n\nevent: done\ndata: {}\n\n",)
        response = await owner.post("/v1/chat", json={**ASKED, "stream": True})
        assert [name for name, _ in events(response.text)] == ["delta", "citations", "done"]

    async def test_keeps_the_connection_alive_while_the_model_thinks(self) -> None:
        thinking = asyncio.Event()

        async def parts() -> AsyncGenerator[Delta | Answer, None]:
            yield Delta("a")
            await thinking.wait()

        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)
            if message.get("body") == b": keep-alive\n\n":
                thinking.set()

        async def receive() -> Message:
            await asyncio.Event().wait()
            raise AssertionError

        stream = AnswerStream(parts(), keep_alive_s=0.001)
        await asyncio.wait_for(stream({}, receive, send), 5)
        assert b": keep-alive\n\n" in [message.get("body") for message in sent]


class Connection:
    """One request whose client can hang up."""

    def __init__(self, gateway: Gateway, key: str, body: dict[str, Any]) -> None:
        self._gateway = gateway
        self._body = json.dumps(body).encode()
        self._was_read = False
        self._has_gone = asyncio.Event()
        self.sent: list[Message] = []
        self._scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "path": "/v1/chat",
            "raw_path": b"/v1/chat",
            "query_string": b"",
            "headers": [
                (b"authorization", f"Bearer {key}".encode()),
                (b"content-type", b"application/json"),
            ],
        }

    def hang_up(self) -> None:
        self._has_gone.set()

    async def run(self) -> None:
        await self._gateway.app(self._scope, self._receive, self._send)

    async def _receive(self) -> Message:
        if self._was_read:
            await self._has_gone.wait()
            return {"type": "http.disconnect"}
        self._was_read = True
        return {"type": "http.request", "body": self._body}

    async def _send(self, message: Message) -> None:
        self.sent.append(message)


class TestAClientThatLeaves:
    @pytest.mark.parametrize("is_stream", [True, False])
    async def test_stops_the_model_and_is_recorded(
        self,
        answering_gateway: Gateway,
        tenant: NewTenant,
        tables: Tables,
        is_stream: bool,
    ) -> None:
        model = answering_gateway.model
        model.waits = asyncio.Event()
        body = {**ASKED, "stream": is_stream}
        connection = Connection(answering_gateway, tenant.owner_key.key, body)
        running = asyncio.create_task(connection.run())
        while not model.instructions:
            await asyncio.sleep(0.001)
        connection.hang_up()
        await asyncio.wait_for(running, 5)
        assert model.was_cancelled.is_set()
        asked = (await tables.audit_trail())[-1]
        assert (asked.action, asked.outcome) == ("question.asked", "failed")

    async def test_a_process_that_stops_tells_those_who_still_listen(
        self, answering_gateway: Gateway, tenant: NewTenant
    ) -> None:
        answering_gateway.model.waits = asyncio.Event()
        body = {**ASKED, "stream": True}
        connection = Connection(answering_gateway, tenant.owner_key.key, body)
        running = asyncio.create_task(connection.run())
        while len(connection.sent) < 2:
            await asyncio.sleep(0.001)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        told = events(b"".join(message.get("body", b"") for message in connection.sent).decode())
        assert (told[-1][0], told[-1][1]["code"]) == ("error", "service_stopping")
        assert connection.sent[-1].get("more_body", False) is False
