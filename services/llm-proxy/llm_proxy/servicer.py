"""Translates between clientsphere.llm.v1 and the domain."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

import grpc

from clientsphere.llm.v1 import llm_service_pb2 as pb
from clientsphere.llm.v1 import llm_service_pb2_grpc as pb_grpc
from llm_proxy.completion import Completions
from llm_proxy.embedding import TextEmbedding
from llm_proxy.model import (
    CompletionRequest,
    Finish,
    FinishReason,
    GroundingPassage,
    Message,
)

_REASONS = {
    FinishReason.STOP: pb.FINISH_REASON_STOP,
    FinishReason.LENGTH: pb.FINISH_REASON_LENGTH,
    FinishReason.DECLINED: pb.FINISH_REASON_DECLINED,
}


class LlmServicer(pb_grpc.LlmServiceServicer):
    """Serves clientsphere.llm.v1.LlmService."""

    def __init__(self, embedding: TextEmbedding, completions: Completions) -> None:
        self._embedding = embedding
        self._completions = completions

    async def Embed(
        self,
        request: pb.EmbedRequest,
        context: grpc.aio.ServicerContext[pb.EmbedRequest, pb.EmbedResponse],
    ) -> pb.EmbedResponse:
        vectors = await self._embedding.embed(request.texts)
        card = self._embedding.card
        return pb.EmbedResponse(
            vectors=vectors.astype("<f4").tobytes(), dimension=card.dimension, model=card.id
        )

    async def Complete(
        self,
        request: pb.CompleteRequest,
        context: grpc.aio.ServicerContext[pb.CompleteRequest, pb.CompleteResponse],
    ) -> AsyncIterator[pb.CompleteResponse]:
        async with aclosing(self._completions.complete(_from_proto(request))) as parts:
            async for part in parts:
                yield _to_proto(part)

    async def ListModels(
        self,
        request: pb.ListModelsRequest,
        context: grpc.aio.ServicerContext[pb.ListModelsRequest, pb.ListModelsResponse],
    ) -> pb.ListModelsResponse:
        cards = [self._embedding.card, *self._completions.cards]
        return pb.ListModelsResponse(
            models=[
                pb.Model(id=card.id, task=card.task, dimension=card.dimension) for card in cards
            ]
        )


def _from_proto(request: pb.CompleteRequest) -> CompletionRequest:
    return CompletionRequest(
        messages=tuple(Message(one.role, one.text) for one in request.messages),
        passages=tuple(
            GroundingPassage(one.number, tuple(one.heading_path), one.text)
            for one in request.passages
        ),
        model=request.model,
        max_output_tokens=request.max_output_tokens,
    )


def _to_proto(part: str | Finish) -> pb.CompleteResponse:
    if isinstance(part, str):
        return pb.CompleteResponse(text=part)
    usage = pb.Usage(input_tokens=part.usage.input_tokens, output_tokens=part.usage.output_tokens)
    return pb.CompleteResponse(
        finish=pb.Finish(reason=_REASONS[part.reason], model=part.model, usage=usage)
    )
