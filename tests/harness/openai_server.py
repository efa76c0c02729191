"""A local HTTP server that speaks OpenAI's wire format and says what a test tells it to say."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse


@dataclass(frozen=True)
class Refusal:
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ChatScript:
    """The events of one streamed answer, and how it ends."""

    events: Sequence[str]
    ends: str = "done"
    """"done" with the closing event, "silent" without it, "torn" mid-transfer, "hangs" for ever."""


@dataclass
class OpenAiServer:
    """Set `chat`, `embeddings` before a call; read `requests` after it."""

    chat: ChatScript | Refusal | Callable[[dict[str, Any]], ChatScript] = field(
        default_factory=lambda: said("Hello.")
    )
    """Or what makes the answer of the request's body."""
    chats_before: list[ChatScript | Refusal] = field(default_factory=list)
    """Given first, one for each request."""
    embeddings: (
        Sequence[Sequence[float]] | Refusal | Callable[[Sequence[str]], Sequence[Sequence[float]]]
    ) = ()
    """Or what makes a vector of each text."""
    speaks_base64: bool = True
    """As OpenAI does when asked to; many other servers send plain numbers all the same."""
    base_url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    authorization: str = ""
    reader_left: asyncio.Event = field(default_factory=asyncio.Event)


def chunk(text: str | None = None, finish_reason: str | None = None) -> str:
    delta = {} if text is None else {"content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return _event({"choices": [choice]})


def usage(input_tokens: int, output_tokens: int) -> str:
    counted = {
        "prompt_tokens": input_tokens,
        "completion_tokens": output_tokens,
        "total_tokens": input_tokens + output_tokens,
    }
    return _event({"choices": [], "usage": counted})


def said(*pieces: str, finish_reason: str = "stop") -> ChatScript:
    """A whole answer of `pieces`, 12 tokens read and 3 written."""
    events = [*map(chunk, pieces), chunk(finish_reason=finish_reason), usage(12, 3)]
    return ChatScript(events)


def _event(fields: Mapping[str, object]) -> str:
    return json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "served-model",
            **fields,
        }
    )


@asynccontextmanager
async def openai_server() -> AsyncIterator[OpenAiServer]:
    state = OpenAiServer()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        state.base_url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        config = uvicorn.Config(
            _app(state), lifespan="off", ws="none", log_config=None, timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield state
        finally:
            server.should_exit = True
            await serving


def _app(state: OpenAiServer) -> FastAPI:
    app = FastAPI()

    @app.post("/v1/chat/completions")
    async def chat(request: Request) -> Response:
        sent = await _note(state, request)
        answer = state.chats_before.pop(0) if state.chats_before else state.chat
        if isinstance(answer, Refusal):
            return _refuse(answer)
        if callable(answer):
            answer = answer(sent)
        return StreamingResponse(_stream(state, answer), media_type="text/event-stream")

    @app.post("/v1/embeddings")
    async def embeddings(request: Request) -> Response:
        sent = await _note(state, request)
        rows = state.embeddings
        if isinstance(rows, Refusal):
            return _refuse(rows)
        if callable(rows):
            rows = rows(sent["input"])
        return JSONResponse(_embeddings(rows, state.speaks_base64))

    return app


async def _note(state: OpenAiServer, request: Request) -> dict[str, Any]:
    sent: dict[str, Any] = await request.json()
    state.requests.append(sent)
    state.authorization = request.headers.get("authorization", "")
    return sent


def _refuse(refusal: Refusal) -> Response:
    error = {"message": "secret details", "type": "refused", "code": "refused"}
    return JSONResponse({"error": error}, refusal.status, dict(refusal.headers))


async def _stream(state: OpenAiServer, script: ChatScript) -> AsyncIterator[str]:
    try:
        for event in script.events:
            yield f"data: {event}\n\n"
        if script.ends == "done":
            yield "data: [DONE]\n\n"
        elif script.ends == "torn":
            raise ConnectionAbortedError
        elif script.ends == "hangs":
            await asyncio.Event().wait()
    except asyncio.CancelledError:
        state.reader_left.set()
        raise


def _embeddings(rows: Sequence[Sequence[float]], speaks_base64: bool) -> dict[str, object]:
    """In reverse order: only `index` tells which text a vector belongs to."""
    entries = [
        {"object": "embedding", "index": index, "embedding": _numbers(row, speaks_base64)}
        for index, row in enumerate(rows)
    ]
    return {"object": "list", "model": "served-model", "data": entries[::-1]}


def _numbers(row: Sequence[float], speaks_base64: bool) -> object:
    if not speaks_base64:
        return list(row)
    return base64.b64encode(np.asarray(row, dtype="<f4").tobytes()).decode()
