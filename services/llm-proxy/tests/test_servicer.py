"""The service as others call it: over a real gRPC server on a unix socket."""

from __future__ import annotations

from collections.abc import AsyncIterator

import numpy as np
import pytest

from clientsphere.llm.v1 import llm_service_pb2 as pb
from clientsphere.llm.v1.llm_service_pb2_grpc import LlmServiceStub
from clientsphere_common.errors import InvalidInputError, NotFoundError
from llm_proxy.settings import LlmProxySettings
from llm_proxy.wiring import Surroundings, build
from tests.harness.rpc import RpcHost, as_caller, rpc_host

PASSAGE = pb.GroundingPassage(
    number=4, heading_path=["Handbook", "Annual leave"], text="Every employee receives 28 days."
)


@pytest.fixture
async def host() -> AsyncIterator[RpcHost]:
    async with rpc_host(build(LlmProxySettings(), Surroundings())) as serving:
        as_caller("tnt_a")
        yield serving


async def embed(host: RpcHost, *texts: str) -> pb.EmbedResponse:
    stub = LlmServiceStub(host.channel)
    return await host.calls.unary(stub.Embed, pb.EmbedRequest(texts=texts), timeout_s=5)


async def complete(host: RpcHost, question: str, model: str = "") -> list[pb.CompleteResponse]:
    stub = LlmServiceStub(host.channel)
    request = pb.CompleteRequest(
        messages=[
            pb.Message(role="system", text="Answer from the passages."),
            pb.Message(role="user", text=question),
        ],
        passages=[PASSAGE],
        model=model,
    )
    parts = host.calls.server_stream(stub.Complete, request, timeout_s=5)
    return [part async for part in parts]


class TestEmbed:
    async def test_sends_float32_rows_in_the_order_of_the_texts(self, host: RpcHost) -> None:
        response = await embed(host, "annual leave", "price list", "annual leave")
        rows = np.frombuffer(response.vectors, dtype="<f4").reshape(3, response.dimension)
        assert response.dimension == 256
        assert response.model == "wordllama-l2-supercat-256"
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-5)
        np.testing.assert_array_equal(rows[0], rows[2])

    async def test_refuses_an_empty_text(self, host: RpcHost) -> None:
        with pytest.raises(InvalidInputError) as refused:
            await embed(host, "")
        assert refused.value.code == "text_empty"


class TestComplete:
    async def test_streams_the_answer_and_then_the_finish(self, host: RpcHost) -> None:
        *texts, last = await complete(host, "How much annual leave do employees receive?")
        assert [part.text for part in texts] == ["Every employee receives 28 days. [4]"]
        assert last.finish.reason == pb.FINISH_REASON_STOP
        assert last.finish.model == "extractive"
        assert last.finish.usage.output_tokens == 6

    async def test_declines_with_only_a_finish(self, host: RpcHost) -> None:
        (last,) = await complete(host, "Who won the world cup?")
        assert last.finish.reason == pb.FINISH_REASON_DECLINED

    async def test_refuses_a_model_that_is_not_on_offer(self, host: RpcHost) -> None:
        with pytest.raises(NotFoundError) as refused:
            await complete(host, "How many days?", model="other")
        assert refused.value.code == "model_not_found"


class TestListModels:
    async def test_names_every_model_and_its_task(self, host: RpcHost) -> None:
        stub = LlmServiceStub(host.channel)
        listed = await host.calls.unary(stub.ListModels, pb.ListModelsRequest(), timeout_s=5)
        assert [(one.id, one.task, one.dimension) for one in listed.models] == [
            ("wordllama-l2-supercat-256", "embedding", 256),
            ("extractive", "completion", 0),
        ]
