"""Answers through OpenAI's chat completions endpoint, streamed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass
from typing import cast

import openai
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam

from clientsphere_common.errors import InvalidInputError
from clientsphere_common.request import remaining_s
from llm_proxy.adapters.openai_api import OpenAiConnection, one_call
from llm_proxy.model import CompletionRequest, Finish, FinishReason, Usage


@dataclass(frozen=True)
class Patience:
    timeout_s: float
    """For a whole answer."""
    silence_s: float
    """For its first and each next piece."""


class OpenAiCompletionModel:
    """The API's finish reason ends an answer; a stream that ends without one was cut off."""

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
        clock = asyncio.get_running_loop().time
        ends_at = clock() + remaining_s(self._patience.timeout_s)
        async with self._one_step(ends_at - clock()):
            stream = await self._open(request)
        async with stream:
            # Each step has a timeout of its own: none may strike while the caller has the turn.
            while True:
                async with self._one_step(ends_at - clock()):
                    chunk = await anext(stream, None)
                if chunk is None:
                    return
                yield chunk

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


def _usage(chunk: ChatCompletionChunk) -> Usage | None:
    if chunk.usage is None:
        return None
    return Usage(chunk.usage.prompt_tokens, chunk.usage.completion_tokens)


def _finish_reason(reason: str) -> FinishReason:
    if reason == "content_filter":
        raise InvalidInputError("answer_filtered", "The model's provider withheld the answer.")
    return FinishReason.LENGTH if reason == "length" else FinishReason.STOP
