"""Embeds questions through llm-proxy."""

from __future__ import annotations

import grpc

from clientsphere.llm.v1 import llm_service_pb2, llm_service_pb2_grpc
from clientsphere_common.rpc.calls import OutgoingCalls
from clientsphere_common.vectors.wire import decode_vectors
from retrieval.ports import EmbeddedQuestion


class LlmProxyEmbeddingModel:
    def __init__(self, channel: grpc.aio.Channel, calls: OutgoingCalls, timeout_s: float) -> None:
        self._stub: llm_service_pb2_grpc.LlmServiceAsyncStub = llm_service_pb2_grpc.LlmServiceStub(
            channel
        )
        self._calls = calls
        self._timeout_s = timeout_s

    async def embed(self, question: str) -> EmbeddedQuestion:
        request = llm_service_pb2.EmbedRequest(texts=[question])
        response = await self._calls.unary(self._stub.Embed, request, self._timeout_s)
        vector = decode_vectors(response.vectors, response.dimension)[0]
        return EmbeddedQuestion(vector, response.model)
