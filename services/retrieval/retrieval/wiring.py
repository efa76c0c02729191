"""Builds the retrieval service from its settings and what the process gives it."""

from __future__ import annotations

from dataclasses import dataclass

import grpc

from clientsphere.retrieval.v1 import retrieval_service_pb2_grpc
from clientsphere_common.cache.ports import Cache
from clientsphere_common.modules import ServiceParts
from clientsphere_common.rpc.calls import OutgoingCalls
from clientsphere_common.vectors.ports import PassageIndex
from retrieval.adapters.llm_proxy import LlmProxyEmbeddingModel
from retrieval.question_vectors import CachedQuestionEmbedder
from retrieval.search import PassageSearch, Selection
from retrieval.servicer import RetrievalServicer
from retrieval.settings import RetrievalSettings


@dataclass(frozen=True)
class Surroundings:
    """What the process shares with this service."""

    index: PassageIndex
    llm_channel: grpc.aio.Channel
    calls: OutgoingCalls
    cache: Cache


def build(settings: RetrievalSettings, around: Surroundings) -> ServiceParts:
    model = LlmProxyEmbeddingModel(around.llm_channel, around.calls, settings.embed_timeout_s)
    embedder = CachedQuestionEmbedder(model, around.cache, settings.question_vector_ttl_s)
    selection = Selection(settings.candidates, settings.passages_per_document)
    search = PassageSearch(around.index, embedder, selection)
    servicer = RetrievalServicer(search)

    def register(server: grpc.aio.Server) -> None:
        retrieval_service_pb2_grpc.add_RetrievalServiceServicer_to_server(servicer, server)

    return ServiceParts(name="retrieval", register=register, modules=())
