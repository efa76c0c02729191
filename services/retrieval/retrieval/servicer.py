"""clientsphere.retrieval.v1.RetrievalService on the wire ⇄ the domain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clientsphere.retrieval.v1 import retrieval_service_pb2 as wire
from clientsphere.retrieval.v1 import retrieval_service_pb2_grpc
from clientsphere_common.request import current_caller
from clientsphere_common.vectors.model import FoundPassage
from retrieval.search import PassageSearch

if TYPE_CHECKING:
    import grpc

    Context = grpc.aio.ServicerContext[Any, Any]


class RetrievalServicer(retrieval_service_pb2_grpc.RetrievalServiceServicer):
    """Every call is for the tenant of its verified caller."""

    def __init__(self, search: PassageSearch) -> None:
        self._search = search

    async def Search(self, request: wire.SearchRequest, context: Context) -> wire.SearchResponse:
        passages = await self._search.search(
            current_caller(), request.question, request.knowledge_base_ids, request.top_k
        )
        return wire.SearchResponse(passages=[_to_proto(passage) for passage in passages])


def _to_proto(passage: FoundPassage) -> wire.Passage:
    return wire.Passage(
        document_id=passage.document_id,
        document_name=passage.document_name,
        knowledge_base_id=passage.knowledge_base_id,
        version=passage.version,
        page=passage.page,
        heading_path=passage.heading_path,
        start=passage.start,
        end=passage.end,
        text=passage.text,
    )
