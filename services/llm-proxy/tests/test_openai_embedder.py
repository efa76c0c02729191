"""Vectors from an OpenAI-compatible server over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator

import numpy as np
import pytest

from clientsphere_common.errors import (
    DeadlineExceededError,
    DependencyUnavailableError,
    LimitExceededError,
)
from clientsphere_common.request import set_timeout
from llm_proxy.adapters.openai_api import ApiAccess, OpenAiConnection
from llm_proxy.adapters.openai_embedder import OpenAiEmbedder
from llm_proxy.model import Vectors
from tests.harness.modules import running
from tests.harness.openai_server import OpenAiServer, Refusal, openai_server


@pytest.fixture
async def server() -> AsyncIterator[OpenAiServer]:
    async with openai_server() as running_server:
        yield running_server


async def embed(server: OpenAiServer, *texts: str) -> Vectors:
    connection = OpenAiConnection(
        "embedding_api", ApiAccess(server.base_url, lambda: "key-1", 5, 10)
    )
    async with running(connection):
        return await OpenAiEmbedder(connection, "asked-model", 2, 10).embed(texts)


class TestEmbed:
    @pytest.mark.parametrize("speaks_base64", [True, False])
    async def test_gives_unit_rows_in_the_order_of_the_texts(
        self, server: OpenAiServer, speaks_base64: bool
    ) -> None:
        server.embeddings = [(3, 4), (0, 2)]
        server.speaks_base64 = speaks_base64
        vectors = await embed(server, "first", "second")
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(vectors, np.array([[0.6, 0.8], [0, 1]]), rtol=1e-6)

    async def test_sends_all_texts_in_one_request(self, server: OpenAiServer) -> None:
        server.embeddings = [(1, 0), (0, 1)]
        await embed(server, "first", "second")
        assert len(server.requests) == 1
        assert server.requests[0]["model"] == "asked-model"
        assert server.requests[0]["input"] == ["first", "second"]

    async def test_missing_vector_is_an_error(self, server: OpenAiServer) -> None:
        server.embeddings = [(1, 0)]
        with pytest.raises(DependencyUnavailableError) as failed:
            await embed(server, "first", "second")
        assert failed.value.code == "embedding_incomplete"

    async def test_vectors_of_different_lengths_are_an_error(self, server: OpenAiServer) -> None:
        server.embeddings = [(1, 0), (1, 0, 0)]
        with pytest.raises(DependencyUnavailableError) as failed:
            await embed(server, "first", "second")
        assert failed.value.code == "embedding_incomplete"

    async def test_refusal_is_told_as_one_of_our_errors(self, server: OpenAiServer) -> None:
        server.embeddings = Refusal(429)
        with pytest.raises(LimitExceededError):
            await embed(server, "first")

    async def test_request_whose_time_is_up_is_not_sent(self, server: OpenAiServer) -> None:
        set_timeout(0)
        with pytest.raises(DeadlineExceededError):
            await embed(server, "first")
        assert server.requests == []
