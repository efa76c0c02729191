"""Which models the settings put behind the API."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest

from clientsphere.llm.v1 import llm_service_pb2 as pb
from clientsphere.llm.v1.llm_service_pb2_grpc import LlmServiceStub
from clientsphere_common.secrets.environment import EnvironmentSource
from clientsphere_common.secrets.polled import PolledSecrets
from llm_proxy.own_secrets import open_upstream_keys
from llm_proxy.settings import LlmProxySettings
from llm_proxy.wiring import Surroundings, build
from tests.harness.openai_server import ChatScript, OpenAiServer, chunk, openai_server, said
from tests.harness.rpc import RpcHost, as_caller, rpc_host

QUESTION = pb.CompleteRequest(messages=[pb.Message(role="user", text="How many days?")])


@pytest.fixture
async def server() -> AsyncIterator[OpenAiServer]:
    async with openai_server() as running_server:
        yield running_server


@pytest.fixture
def environment() -> dict[str, str]:
    return {"CLIENTSPHERE_LLM_PROXY_EMBEDDING_API_KEY": "key-2"}


@pytest.fixture
def secrets(environment: dict[str, str]) -> PolledSecrets:
    return PolledSecrets(EnvironmentSource(environment), 3600)


@pytest.fixture
async def host(server: OpenAiServer, secrets: PolledSecrets) -> AsyncIterator[RpcHost]:
    """The service with both of its models at `server`."""
    settings = LlmProxySettings.model_validate(
        {
            "completion_base_url": server.base_url,
            "completion_model": "writer",
            "embedding_base_url": server.base_url,
            "embedding_model": "embedder",
            "embedding_dimension": 2,
        }
    )
    keys = await open_upstream_keys(settings, secrets)
    async with rpc_host(build(settings, Surroundings(keys))) as serving:
        as_caller("tnt_a")
        yield serving


class TestConfiguredApis:
    async def test_answer_in_place_of_quoting(self, host: RpcHost, server: OpenAiServer) -> None:
        server.chat = said("28 ", "days [1]")
        stub = LlmServiceStub(host.channel)
        parts = [
            part async for part in host.calls.server_stream(stub.Complete, QUESTION, timeout_s=5)
        ]
        assert [part.text for part in parts[:-1]] == ["28 ", "days [1]"]
        assert parts[-1].finish.model == "served-model"

    async def test_embed_in_place_of_the_static_model(
        self, host: RpcHost, server: OpenAiServer
    ) -> None:
        server.embeddings = [(0, 5)]
        stub = LlmServiceStub(host.channel)
        response = await host.calls.unary(stub.Embed, pb.EmbedRequest(texts=["text"]), timeout_s=5)
        assert (response.model, response.dimension) == ("embedder", 2)
        assert server.authorization == "Bearer key-2"

    async def test_are_asked_with_the_newest_key(
        self,
        host: RpcHost,
        server: OpenAiServer,
        environment: dict[str, str],
        secrets: PolledSecrets,
    ) -> None:
        stub = LlmServiceStub(host.channel)
        for key in ("key-3", "key-4"):
            environment["CLIENTSPHERE_LLM_PROXY_EMBEDDING_API_KEY"] = key
            await secrets.refresh()
            server.embeddings = [(0, 5)]
            await host.calls.unary(stub.Embed, pb.EmbedRequest(texts=["text"]), timeout_s=5)
            assert server.authorization == f"Bearer {key}"

    async def test_leave_quoting_on_offer(self, host: RpcHost) -> None:
        stub = LlmServiceStub(host.channel)
        listed = await host.calls.unary(stub.ListModels, pb.ListModelsRequest(), timeout_s=5)
        assert [model.id for model in listed.models] == ["embedder", "writer", "extractive"]

    async def test_stop_writing_when_the_caller_leaves(
        self, host: RpcHost, server: OpenAiServer
    ) -> None:
        server.chat = ChatScript([chunk("28")], ends="hangs")
        first_piece = asyncio.Event()

        async def read_on() -> None:
            stub = LlmServiceStub(host.channel)
            async for _ in host.calls.server_stream(stub.Complete, QUESTION, timeout_s=5):
                first_piece.set()

        reading = asyncio.create_task(read_on())
        await first_piece.wait()
        reading.cancel()
        await server.reader_left.wait()


class TestWithoutApis:
    def test_the_openai_package_is_not_imported(self) -> None:
        program = (
            "import sys\n"
            "from llm_proxy.settings import LlmProxySettings\n"
            "from llm_proxy.wiring import Surroundings, build\n"
            "build(LlmProxySettings(), Surroundings())\n"
            "sys.exit('openai' in sys.modules)\n"
        )
        assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == 0
