"""Builds the ingestion service from its settings and what the process gives it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import grpc

from clientsphere.ingestion.v1 import ingestion_service_pb2_grpc
from clientsphere_common.db.outbox import OutboxRelay
from clientsphere_common.db.session import Database
from clientsphere_common.events.model import Handler, Subscription
from clientsphere_common.events.ports import EventLog
from clientsphere_common.modules import Opened, ServiceParts
from clientsphere_common.objects.ports import ObjectStore
from clientsphere_common.rpc.calls import OutgoingCalls
from clientsphere_common.vectors.ports import PassageIndex
from ingestion.access.care import AccessCare
from ingestion.adapters.child_process import ChildProcessParser
from ingestion.adapters.llm_proxy import LlmProxyEmbedder
from ingestion.adapters.sql_access import SqlAccessRules
from ingestion.adapters.sql_documents import SqlDocuments
from ingestion.adapters.sql_jobs import WORKER, SqlJobLedger
from ingestion.adapters.sql_knowledge_bases import SqlKnowledgeBases
from ingestion.adapters.tables import OutboxRow
from ingestion.chunking import ChunkingSettings
from ingestion.consumer import WORKER_GROUP, DocumentEventsConsumer
from ingestion.documents import DocumentCare
from ingestion.events import DOCUMENTS_TOPIC
from ingestion.extraction import TextExtraction
from ingestion.indexing import ChunkIndexing
from ingestion.knowledge_bases import KnowledgeBaseCare
from ingestion.parsing.model import ParseLimits
from ingestion.pipeline import DocumentPipeline
from ingestion.removal import DocumentRemoval, OrphanSweep
from ingestion.servicer import IngestionServicer
from ingestion.settings import IngestionSettings
from ingestion.upload import DocumentUpload

MIGRATIONS = Path(__file__).parent / "migrations"
_MIB = 1024 * 1024


@dataclass(frozen=True)
class Surroundings:
    """What the process shares with this service."""

    tables: Opened[Database]
    """At the schema of `MIGRATIONS`."""
    scratch_dir: Path
    """For copies of files that are being read; this service alone uses it."""
    objects: ObjectStore
    index: PassageIndex
    event_log: EventLog
    llm_channel: grpc.aio.Channel
    calls: OutgoingCalls


def build(settings: IngestionSettings, around: Surroundings) -> ServiceParts:
    """The gRPC service and its workers in one; they share nothing but the tables."""
    database = around.tables.use
    relay = OutboxRelay(database, OutboxRow, around.event_log)
    ledger = SqlJobLedger(database, relay)
    knowledge_bases = SqlKnowledgeBases(database, relay)
    documents = SqlDocuments(database, relay)
    upload = DocumentUpload(
        knowledge_bases, documents, around.objects, settings.max_file_mib * _MIB
    )
    access = AccessCare(SqlAccessRules(database, relay), around.index)
    servicer = IngestionServicer(
        KnowledgeBaseCare(knowledge_bases, around.index),
        DocumentCare(documents, around.objects, around.index),
        upload,
        access,
    )
    extraction = TextExtraction(
        around.objects, ChildProcessParser(_parse_limits(settings)), around.scratch_dir
    )
    handler = DocumentEventsConsumer(
        WORKER,
        DocumentPipeline(ledger, extraction, _indexing(settings, around), around.index),
        DocumentRemoval(ledger, around.objects, around.index),
        access,
    ).handle
    worker = around.event_log.consumer(_subscription(settings, handler))

    def register(server: grpc.aio.Server) -> None:
        ingestion_service_pb2_grpc.add_IngestionServiceServicer_to_server(servicer, server)

    return ServiceParts(
        name="ingestion",
        register=register,
        modules=(
            *around.tables.modules,
            OrphanSweep(ledger, around.objects, settings.orphan_age_s),
            extraction,
            relay,
        ),
        workers=(worker,),
        checks=around.tables.checks,
    )


def _indexing(settings: IngestionSettings, around: Surroundings) -> ChunkIndexing:
    embedder = LlmProxyEmbedder(around.llm_channel, around.calls, settings.embed_timeout_s)
    chunking = ChunkingSettings(settings.chunk_chars, int(settings.chunk_chars * 1.6))
    return ChunkIndexing(embedder, around.index, chunking, settings.chunks_per_batch)


def _subscription(settings: IngestionSettings, handler: Handler) -> Subscription:
    return Subscription(
        topic=DOCUMENTS_TOPIC,
        group=WORKER_GROUP,
        handler=handler,
        concurrency=settings.workers,
        max_attempts=settings.job_attempts,
        handler_timeout_s=settings.job_timeout_s,
        retry_delay_s=settings.retry_delay_s,
    )


def _parse_limits(settings: IngestionSettings) -> ParseLimits:
    return ParseLimits(
        memory_bytes=settings.parse_memory_mib * _MIB, wall_s=settings.parse_timeout_s
    )
