"""Who may read and edit what, in the ingestion service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clientsphere.ingestion.v1 import access_pb2 as wire
from clientsphere.ingestion.v1 import ingestion_service_pb2_grpc
from clientsphere_common.access.audience import EVERYONE, Audience, audience
from clientsphere_common.rpc.calls import OutgoingCalls
from clientsphere_common.versions import Precondition
from gateway.model.access import DocumentAccess, KnowledgeBaseAccess

if TYPE_CHECKING:
    import grpc


class IngestionAccess:
    def __init__(
        self, channel: grpc.aio.Channel, calls: OutgoingCalls, call_timeout_s: float
    ) -> None:
        self._stub = ingestion_service_pb2_grpc.IngestionServiceStub(channel)
        self._calls = calls
        self._timeout_s = call_timeout_s

    async def of_knowledge_base(self, knowledge_base_id: str) -> KnowledgeBaseAccess:
        request = wire.GetKnowledgeBaseAccessRequest(knowledge_base_id=knowledge_base_id)
        return _knowledge_base_access(
            await self._calls.unary(self._stub.GetKnowledgeBaseAccess, request, self._timeout_s)
        )

    async def set_of_knowledge_base(
        self, knowledge_base_id: str, access: KnowledgeBaseAccess, only_if: Precondition
    ) -> KnowledgeBaseAccess:
        request = wire.SetKnowledgeBaseAccessRequest(
            knowledge_base_id=knowledge_base_id,
            access=access_to_proto(access),
            only_if=_precondition(only_if),
        )
        return _knowledge_base_access(
            await self._calls.unary(self._stub.SetKnowledgeBaseAccess, request, self._timeout_s)
        )

    async def of_document(self, document_id: str) -> DocumentAccess:
        request = wire.GetDocumentAccessRequest(document_id=document_id)
        found = await self._calls.unary(self._stub.GetDocumentAccess, request, self._timeout_s)
        return DocumentAccess(_audience(found.readers))

    async def set_of_document(
        self, document_id: str, access: DocumentAccess, only_if: Precondition
    ) -> DocumentAccess:
        request = wire.SetDocumentAccessRequest(
            document_id=document_id,
            access=wire.DocumentAccess(readers=audience_to_proto(access.readers)),
            only_if=_precondition(only_if),
        )
        kept = await self._calls.unary(self._stub.SetDocumentAccess, request, self._timeout_s)
        return DocumentAccess(_audience(kept.readers))


def access_to_proto(access: KnowledgeBaseAccess) -> wire.KnowledgeBaseAccess:
    return wire.KnowledgeBaseAccess(
        readers=audience_to_proto(access.readers), editors=audience_to_proto(access.editors)
    )


def audience_to_proto(one: Audience) -> wire.Audience:
    return wire.Audience(everyone=one.is_everyone, groups=one.groups, principals=one.principals)


def _precondition(only_if: Precondition) -> wire.AccessPrecondition | None:
    if only_if.versions is None:
        return None
    return wire.AccessPrecondition(versions=sorted(only_if.versions))


def _knowledge_base_access(message: wire.KnowledgeBaseAccess) -> KnowledgeBaseAccess:
    return KnowledgeBaseAccess(_audience(message.readers), _audience(message.editors))


def _audience(message: wire.Audience) -> Audience:
    return EVERYONE if message.everyone else audience(message.groups, message.principals)
