"""A request's time, from the client's header down to the model's API, and what ends when it leaves.

The gateway on a socket, the llm-proxy behind gRPC, and an API of a model on a socket behind that.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import pytest

import llm_proxy.wiring
from clientsphere_common.http_server import HttpAddress, HttpServer
from clientsphere_common.secrets.environment import EnvironmentSource
from clientsphere_common.secrets.polled import PolledSecrets
from gateway.answering import Answering
from gateway.clients.llm_proxy import LlmProxyAnswers
from gateway.http_protocol import BoundedHttpProtocol, ConnectionBounds
from gateway.prompt import PromptWriter
from llm_proxy.own_secrets import open_upstream_keys
from llm_proxy.settings import LlmProxySettings
from tests.fakes.gateway_ports import FakePassageSearch, new_passage
from tests.harness.databases import sqlite_database
from tests.harness.gateway import Gateway, gateway_tables
from tests.harness.modules import running
from tests.harness.openai_server import ChatScript, OpenAiServer, chunk, openai_server
from tests.harness.rpc import RpcHost, rpc_host

ASKED = {"question": "How many days of leave?"}
HANGS = ChatScript([], ends="hangs")
HANGS_HALFWAY = ChatScript([chunk("Leave is ")], ends="hangs")
SLACK_S = 2.0
"""For a machine that has other things to do; far below every timeout that could end it instead."""


@dataclass(frozen=True)
class World:
    client: httpx.AsyncClient
    api: OpenAiServer


@pytest.fixture
async def api() -> AsyncIterator[OpenAiServer]:
    async with openai_server() as server:
        yield server


@pytest.fixture
async def host(api: OpenAiServer) -> AsyncIterator[RpcHost]:
    settings = LlmProxySettings(completion_base_url=api.base_url, completion_model="writer")
    keys = await open_upstream_keys(settings, PolledSecrets(EnvironmentSource({}), 3600))
    parts = llm_proxy.wiring.build(settings, llm_proxy.wiring.Surroundings(keys))
    async with rpc_host(parts) as serving:
        yield serving


@pytest.fixture
async def world(tmp_path: Path, api: OpenAiServer, host: RpcHost) -> AsyncIterator[World]:
    async with gateway_tables(sqlite_database(tmp_path / "gateway.db")) as tables:
        model = LlmProxyAnswers(host.channel, host.calls, "", 60)
        search = FakePassageSearch([new_passage(1)])
        answering = Answering(search, model, tables.journal, PromptWriter(), 8)
        gateway = Gateway(tables, answering=answering)
        owner = await gateway.new_tenant()
        server = HttpServer(
            gateway.app,
            HttpAddress("127.0.0.1", 0, "CLIENTSPHERE_TEST_"),
            protocol=partial(BoundedHttpProtocol, ConnectionBounds()),
        )
        headers = {"Authorization": f"Bearer {owner.owner_key.key}"}
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(running(server))
            client = httpx.AsyncClient(base_url=server.url, headers=headers)
            await stack.enter_async_context(client)
            # The first call connects, which can take longer than these tests give a request.
            assert (await client.post("/v1/chat", json=ASKED)).status_code == 200
            api.requests.clear()
            api.reader_left.clear()
            yield World(client, api)


class TestTheTimeOfARequest:
    @pytest.mark.parametrize("script", [HANGS, HANGS_HALFWAY], ids=["at once", "halfway"])
    async def test_ends_the_request_to_the_models_api(
        self, world: World, script: ChatScript
    ) -> None:
        world.api.chat = script
        started = time.monotonic()
        response = await world.client.post(
            "/v1/chat", json=ASKED, headers={"X-Request-Timeout-S": "0.4"}
        )
        elapsed_s = time.monotonic() - started
        assert (response.status_code, response.json()["code"]) == (504, "deadline_exceeded")
        assert 0.4 <= elapsed_s < 0.4 + SLACK_S
        await asyncio.wait_for(world.api.reader_left.wait(), SLACK_S)
        assert len(world.api.requests) == 1

    async def test_ends_a_stream_with_an_error_event(self, world: World) -> None:
        world.api.chat = HANGS_HALFWAY
        response = await world.client.post(
            "/v1/chat", json={**ASKED, "stream": True}, headers={"X-Request-Timeout-S": "0.6"}
        )
        assert response.status_code == 200
        assert response.text.rpartition("event: ")[2].startswith("error\n")
        assert '"code": "deadline_exceeded"' in response.text
        await asyncio.wait_for(world.api.reader_left.wait(), SLACK_S)

    async def test_leaves_enough_to_those_who_are_quick(self, world: World) -> None:
        response = await world.client.post(
            "/v1/chat", json=ASKED, headers={"X-Request-Timeout-S": "30"}
        )
        assert response.status_code == 200


class TestAClientThatLeaves:
    @pytest.mark.parametrize("stream", [False, True], ids=["whole answer", "stream"])
    async def test_ends_the_request_to_the_models_api(self, world: World, stream: bool) -> None:
        world.api.chat = HANGS_HALFWAY
        asking = asyncio.create_task(
            world.client.post("/v1/chat", json={**ASKED, "stream": stream})
        )
        async with asyncio.timeout(10):
            while not world.api.requests:
                await asyncio.sleep(0.01)
        asking.cancel()
        await asyncio.wait_for(world.api.reader_left.wait(), SLACK_S)
