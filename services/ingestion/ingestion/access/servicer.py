"""The part of clientsphere.ingestion.v1.IngestionService that is about access ⇄ the domain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clientsphere.ingestion.v1 import access_pb2 as wire
from clientsphere.ingestion.v1 import ingestion_service_pb2_grpc
from clientsphere_common.access.audience import EVERYONE, Audience, audience
from clientsphere_common.errors import InvalidInputError
from clientsphere_common.request import current_caller
from clientsphere_common.versions import UNCONDITIONAL, Precondition
from ingestion.access.care import AccessCare
from ingestion.model import KnowledgeBaseAccess

if TYPE_CHECKING:
    import grpc

    Context = grpc.aio.ServicerContext[Any, Any]


class AccessServicer(ingestion_service_pb2_grpc.IngestionServiceServicer):
    """Every call is for the tenant of its verified caller."""

    def __init__(self, access: AccessCare) -> None:
        self._access = access

    async def GetKnowledgeBaseAccess(
        self, request: wire.GetKnowledgeBaseAccessRequest, context: Context
    ) -> wire.KnowledgeBaseAccess:
        found = await self._access.of_knowledge_base(current_caller(), request.knowledge_base_id)
        return _access_to_proto(found)

    async def SetKnowledgeBaseAccess(
        self, request: wire.SetKnowledgeBaseAccessRequest, context: Context
    ) -> wire.KnowledgeBaseAccess:
        access = KnowledgeBaseAccess(
            readers=_required(request.access, "readers"),
            editors=_required(request.access, "editors"),
        )
        await self._access.set_of_knowledge_base(
            current_caller(), request.knowledge_base_id, access, _precondition(request)
        )
        return _access_to_proto(access)

    async def GetDocumentAccess(
        self, request: wire.GetDocumentAccessRequest, context: Context
    ) -> wire.DocumentAccess:
        readers = await self._access.of_document(current_caller(), request.document_id)
        return wire.DocumentAccess(readers=_audience_to_proto(readers))

    async def SetDocumentAccess(
        self, request: wire.SetDocumentAccessRequest, context: Context
    ) -> wire.DocumentAccess:
        readers = _required(request.access, "readers")
        await self._access.set_of_document(
            current_caller(), request.document_id, readers, _precondition(request)
        )
        return wire.DocumentAccess(readers=_audience_to_proto(readers))


def access_from_proto(message: wire.KnowledgeBaseAccess) -> KnowledgeBaseAccess:
    """What is missing is everyone."""
    return KnowledgeBaseAccess(
        readers=audience_from_proto(message.readers) if message.HasField("readers") else EVERYONE,
        editors=audience_from_proto(message.editors) if message.HasField("editors") else EVERYONE,
    )


def audience_from_proto(message: wire.Audience) -> Audience:
    named = audience(message.groups, message.principals)
    return Audience(named.identities | EVERYONE.identities) if message.everyone else named


def _precondition(
    request: wire.SetKnowledgeBaseAccessRequest | wire.SetDocumentAccessRequest,
) -> Precondition:
    if not request.HasField("only_if"):
        return UNCONDITIONAL
    return Precondition(frozenset(request.only_if.versions))


def _required(message: wire.KnowledgeBaseAccess | wire.DocumentAccess, field: str) -> Audience:
    # Not taken for everyone: a change must say what it opens.
    if not message.HasField(field):  # type: ignore[arg-type] # the stubs know literal names only
        raise InvalidInputError("invalid_audience", f"It is not said who the {field} are.")
    return audience_from_proto(getattr(message, field))


def _access_to_proto(access: KnowledgeBaseAccess) -> wire.KnowledgeBaseAccess:
    return wire.KnowledgeBaseAccess(
        readers=_audience_to_proto(access.readers), editors=_audience_to_proto(access.editors)
    )


def _audience_to_proto(one: Audience) -> wire.Audience:
    return wire.Audience(everyone=one.is_everyone, groups=one.groups, principals=one.principals)
