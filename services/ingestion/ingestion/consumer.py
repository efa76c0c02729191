"""Document events ⇄ the work of the pipeline."""

from __future__ import annotations

from clientsphere.events.v1 import documents_pb2
from clientsphere_common.access.model import Permission
from clientsphere_common.events.model import Event
from clientsphere_common.request import Caller, new_trace, set_caller, set_trace
from ingestion.access.care import AccessCare
from ingestion.model import VersionKey
from ingestion.pipeline import DocumentPipeline
from ingestion.removal import DocumentRemoval

WORKER_GROUP = "ingestion-workers"
_PERMISSIONS = frozenset({Permission.DOCUMENTS_WRITE})
"""Those of whoever uploaded the document: the worker finishes that work, and nothing else."""


class DocumentEventsConsumer:
    """Handles topic `documents` for the workers; events that mean no work to them are passed."""

    def __init__(
        self,
        worker_id: str,
        pipeline: DocumentPipeline,
        removal: DocumentRemoval,
        access: AccessCare,
    ) -> None:
        self._worker_id = worker_id
        self._pipeline = pipeline
        self._removal = removal
        self._access = access

    async def handle(self, event: Event) -> None:
        """Act for the tenant of the event, under the trace of the request that caused it."""
        set_caller(Caller(event.tenant_id, self._worker_id, permissions=_PERMISSIONS))
        set_trace(new_trace(event.headers.get("request_id"), event.headers.get("traceparent")))
        if event.type == documents_pb2.DocumentUploaded.DESCRIPTOR.name:
            uploaded = documents_pb2.DocumentUploaded.FromString(event.payload)
            key = VersionKey(event.tenant_id, uploaded.document_id, uploaded.version)
            await self._pipeline.process(key)
        elif event.type == documents_pb2.DocumentDeleted.DESCRIPTOR.name:
            deleted = documents_pb2.DocumentDeleted.FromString(event.payload)
            await self._removal.remove(event.tenant_id, deleted.document_id)
        elif event.type == documents_pb2.KnowledgeBaseReadersChanged.DESCRIPTOR.name:
            around = documents_pb2.KnowledgeBaseReadersChanged.FromString(event.payload)
            await self._access.tell_of_knowledge_base(event.tenant_id, around.knowledge_base_id)
        elif event.type == documents_pb2.DocumentReadersChanged.DESCRIPTOR.name:
            changed = documents_pb2.DocumentReadersChanged.FromString(event.payload)
            await self._access.tell_of_document(event.tenant_id, changed.document_id)
