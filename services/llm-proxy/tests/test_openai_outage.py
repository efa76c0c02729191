"""What an outage of a model's API costs, those who ask as well as the API."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.resilience.breaker import BreakerPolicy
from clientsphere_common.resilience.calls import CallPolicy
from llm_proxy.adapters.openai_api import CALL_POLICY, ApiAccess, OpenAiConnection
from llm_proxy.adapters.openai_embedder import OpenAiEmbedder
from llm_proxy.own_secrets import no_key
from tests.harness.modules import running
from tests.harness.openai_server import OpenAiServer, Refusal, openai_server

CALLS = 100
NEVER_OPEN = replace(CALL_POLICY, breaker=BreakerPolicy(failures=1_000_000))


@pytest.fixture
async def server() -> AsyncIterator[OpenAiServer]:
    async with openai_server() as running_server:
        running_server.embeddings = Refusal(500)
        yield running_server


@asynccontextmanager
async def embedder_on(
    server: OpenAiServer, policy: CallPolicy = CALL_POLICY
) -> AsyncIterator[OpenAiEmbedder]:
    access = ApiAccess(server.base_url, no_key, connect_timeout_s=5, silence_s=10)
    connection = OpenAiConnection("embedding_api", access, policy)
    async with running(connection):
        yield OpenAiEmbedder(connection, "asked-model", 2, timeout_s=10)


async def code_of(embedder: OpenAiEmbedder) -> str:
    """Of the failure that one caller is told; empty when it has its vectors."""
    try:
        await embedder.embed(["text"])
    except DependencyUnavailableError as error:
        return error.code
    return ""


class TestOutage:
    async def test_retries_add_a_tenth_to_the_load_and_no_more(self, server: OpenAiServer) -> None:
        began_s = time.monotonic()
        async with embedder_on(server, NEVER_OPEN) as embedder:
            for _ in range(CALLS):
                assert await code_of(embedder) == "model_unavailable"
        budget = CALL_POLICY.budget
        floor = budget.reserve + budget.per_s * (time.monotonic() - began_s)
        assert CALLS < len(server.requests) <= 1.1 * CALLS + floor

    async def test_callers_are_refused_at_once_and_the_api_is_left_alone(
        self, server: OpenAiServer
    ) -> None:
        async with embedder_on(server) as embedder:
            while await code_of(embedder) != "circuit_open":
                pass
            reached, began_s = len(server.requests), time.monotonic()
            assert {await code_of(embedder) for _ in range(CALLS)} == {"circuit_open"}
            assert time.monotonic() - began_s < 0.5
        assert len(server.requests) == reached == CALL_POLICY.breaker.failures

    async def test_ends_for_callers_soon_after_it_ended(self, server: OpenAiServer) -> None:
        async with embedder_on(server) as embedder:
            while await code_of(embedder) != "circuit_open":
                pass
            server.embeddings = [(3, 4)]
            async with asyncio.timeout(5):
                while await code_of(embedder):
                    await asyncio.sleep(0.02)
            assert [await code_of(embedder) for _ in range(20)] == [""] * 20
