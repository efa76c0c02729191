"""Passages from the retrieval service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clientsphere.retrieval.v1 import retrieval_service_pb2 as retrieval
from clientsphere.retrieval.v1 import retrieval_service_pb2_grpc
from clientsphere_common.rpc.calls import OutgoingCalls
from gateway.model.answers import Passage, Question

if TYPE_CHECKING:
    import grpc


class RetrievalPassageSearch:
    def __init__(
        self, channel: grpc.aio.Channel, calls: OutgoingCalls, call_timeout_s: float
    ) -> None:
        self._stub = retrieval_service_pb2_grpc.RetrievalServiceStub(channel)
        self._calls = calls
        self._timeout_s = call_timeout_s

    async def search(self, question: Question, top_k: int) -> list[Passage]:
        request = retrieval.SearchRequest(
            question=question.text, knowledge_base_ids=question.knowledge_base_ids, top_k=top_k
        )
        found = await self._calls.unary(self._stub.Search, request, self._timeout_s)
        return [_passage(rank, one) for rank, one in enumerate(found.passages, start=1)]


def _passage(rank: int, one: retrieval.Passage) -> Passage:
    return Passage(
        rank=rank,
        document_id=one.document_id,
        document_name=one.document_name,
        knowledge_base_id=one.knowledge_base_id,
        page=one.page or None,
        heading_path=tuple(one.heading_path),
        start=one.start,
        end=one.end,
        text=one.text,
    )
