"""Two methods of real services that count their calls: one that may be repeated, one that may not.

`Search` is marked in its .proto as free of side effects; `CreateKnowledgeBase` is not.
"""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import grpc

from clientsphere.ingestion.v1 import ingestion_service_pb2_grpc, knowledge_base_pb2
from clientsphere.retrieval.v1 import retrieval_service_pb2, retrieval_service_pb2_grpc
from clientsphere_common.errors import ServiceError
from clientsphere_common.modules import ServiceParts
from clientsphere_common.rpc.calls import OutgoingCalls

SERVICE = "counted"


class CountedCalls:
    """Answers at once, or when it is let go; with a failure when it has one."""

    def __init__(self) -> None:
        self.served: list[Literal["search", "create"]] = []
        self.failure: ServiceError | None = None
        self.started = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.parts = ServiceParts(SERVICE, self._register, modules=())

    @property
    def count(self) -> int:
        return len(self.served)

    async def serve(self, method: Literal["search", "create"]) -> None:
        self.served.append(method)
        self.started.set()
        await self.go_on.wait()
        if self.failure is not None:
            raise self.failure

    def _register(self, server: grpc.aio.Server) -> None:
        retrieval_service_pb2_grpc.add_RetrievalServiceServicer_to_server(_Search(self), server)
        create_only = _Create(self)  # type: ignore[abstract]  # the others answer UNIMPLEMENTED
        ingestion_service_pb2_grpc.add_IngestionServiceServicer_to_server(create_only, server)


class _Search(retrieval_service_pb2_grpc.RetrievalServiceServicer):
    def __init__(self, counted: CountedCalls) -> None:
        self._counted = counted

    async def Search(self, request: Any, context: Any) -> retrieval_service_pb2.SearchResponse:
        await self._counted.serve("search")
        return retrieval_service_pb2.SearchResponse()


class _Create(ingestion_service_pb2_grpc.IngestionServiceServicer):
    def __init__(self, counted: CountedCalls) -> None:
        self._counted = counted

    async def CreateKnowledgeBase(
        self, request: Any, context: Any
    ) -> knowledge_base_pb2.KnowledgeBase:
        await self._counted.serve("create")
        return knowledge_base_pb2.KnowledgeBase()


async def search(calls: OutgoingCalls, channel: grpc.aio.Channel, timeout_s: float = 10) -> None:
    stub = retrieval_service_pb2_grpc.RetrievalServiceStub(channel)
    await calls.unary(stub.Search, retrieval_service_pb2.SearchRequest(), timeout_s)


async def create(calls: OutgoingCalls, channel: grpc.aio.Channel, timeout_s: float = 10) -> None:
    stub = ingestion_service_pb2_grpc.IngestionServiceStub(channel)
    request = knowledge_base_pb2.CreateKnowledgeBaseRequest()
    await calls.unary(stub.CreateKnowledgeBase, request, timeout_s)
