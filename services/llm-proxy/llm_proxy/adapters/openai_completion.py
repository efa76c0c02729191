"""Answers through OpenAI's chat completions endpoint, streamed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing
from dataclasses import dataclass
from typing import cast

import openai
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam

from clientsphere_common.errors import InvalidInputError
from clientsphere_common.resilience.timeouts import within_request_time
from llm_proxy.adapters.openai_api import OpenAiConnection, one_call
from llm_proxy.model import CompletionRequest, Finish, FinishReason, Usage


@dataclass(frozen=True)
class Patience:
    timeout_s: float
    """For a whole answer."""
    silence_s: float
    """For its first and each next piece."""


class OpenAiCompletionModel:
    """The API's finish reason ends an answer; a stream that ends without one was cut off.

    A request is made again when the API fails before the first piece of the answer.
    """

    def __init__(self, connection: OpenAiConnection, model: str, patience: Patience) -> None:
        self._connection = connection
        self.model = model
        self._patience = patience

    async def stream(self, request: CompletionRequest) -> AsyncGenerator[str | Finish, None]:
        reason: str | None = None
        model, usage = self.model, Usage()
        async with aclosing(self._chunks(request)) as chunks:
            async for chunk in chunks:
                model = chunk.model or model
                usage = _usage(chunk) or usage
                for choice in chunk.choices:
                    reason = choice.finish_reason or reason
                    if choice.delta.content:
                        yield choice.delta.content
        if reason is not None:
            yield Finish(_finish_reason(reason), model, usage)

    async def _chunks(
        self, request: CompletionRequest
    ) -> AsyncGenerator[ChatCompletionChunk, None]:
        """Closing it closes the connection, on which the API stops writing."""
        ends_at = _now() + self._patience.timeout_s
        calls = self._connection.calls
        async with calls.place():
            stream, begun = await calls.attempt(lambda: self._begin(request, ends_at))
            async with stream:
                for first in begun:
                    yield first
                # Each step has a timeout of its own: none may strike while the caller has the turn.
                while chunk := await self._in_time(stream, ends_at):
                    yield chunk

    async def _begin(
        self, request: CompletionRequest, ends_at: float
    ) -> tuple[openai.AsyncStream[ChatCompletionChunk], list[ChatCompletionChunk]]:
        """The open stream, and what came on it until there was something to pass on."""
        async with self._one_step(ends_at - _now()):
            stream = await self._open(request)
        async with AsyncExitStack() as unless_begun:
            await unless_begun.enter_async_context(stream)
            begun: list[ChatCompletionChunk] = []
            while not any(map(_says_something, begun)):
                chunk = await self._next(stream, ends_at - _now())
                if chunk is None:
                    break
                begun.append(chunk)
            unless_begun.pop_all()
        return stream, begun

    async def _in_time(
        self, stream: openai.AsyncStream[ChatCompletionChunk], ends_at: float
    ) -> ChatCompletionChunk | None:
        async with within_request_time():
            return await self._next(stream, ends_at - _now())

    async def _next(
        self, stream: openai.AsyncStream[ChatCompletionChunk], left_s: float
    ) -> ChatCompletionChunk | None:
        async with self._one_step(left_s):
            return await anext(stream, None)

    def _one_step(self, left_s: float) -> AbstractAsyncContextManager[None]:
        return one_call(self.model, min(left_s, self._patience.silence_s))

    async def _open(self, request: CompletionRequest) -> openai.AsyncStream[ChatCompletionChunk]:
        messages = [{"role": one.role, "content": one.text} for one in request.messages]
        return await self._connection.client.chat.completions.create(
            model=self.model,
            # The domain has checked the roles; the package's types want one class per role.
            messages=cast("list[ChatCompletionMessageParam]", messages),
            max_completion_tokens=request.max_output_tokens or openai.omit,
            stream=True,
            stream_options={"include_usage": True},
        )


def _now() -> float:
    return asyncio.get_running_loop().time()


def _says_something(chunk: ChatCompletionChunk) -> bool:
    return any(choice.delta.content or choice.finish_reason for choice in chunk.choices)


def _usage(chunk: ChatCompletionChunk) -> Usage | None:
    if chunk.usage is None:
        return None
    return Usage(chunk.usage.prompt_tokens, chunk.usage.completion_tokens)


def _finish_reason(reason: str) -> FinishReason:
    if reason == "content_filter":
        raise InvalidInputError("answer_filtered", "The model's provider withheld the answer.")
    return FinishReason.LENGTH if reason == "length" else FinishReason.STOP
