"""Builds the models that the settings ask for and hands them to the domain."""

from __future__ import annotations

from dataclasses import dataclass, field

import grpc

from clientsphere.llm.v1.llm_service_pb2_grpc import add_LlmServiceServicer_to_server
from clientsphere_common.modules import Module, Opened, ServiceParts
from clientsphere_common.resilience.metrics import CallMetrics
from llm_proxy.adapters.wordllama import WordllamaModel
from llm_proxy.completion import Completions
from llm_proxy.embedding import EmbeddingLimits, TextEmbedding
from llm_proxy.extraction.answerer import ExtractionRules, ExtractiveAnswerer
from llm_proxy.own_secrets import UpstreamKeys
from llm_proxy.ports import CompletionModel, Embedder
from llm_proxy.servicer import LlmServicer
from llm_proxy.settings import LlmProxySettings


@dataclass(frozen=True)
class Surroundings:
    """What the process shares with this service."""

    api_keys: Opened[UpstreamKeys] = field(default_factory=lambda: Opened(UpstreamKeys()))
    metrics: CallMetrics | None = None


def build(settings: LlmProxySettings, around: Surroundings) -> ServiceParts:
    """Quoting stays on offer beside a model that writes; it is the default where there is none."""
    static = WordllamaModel()
    modules: list[Module] = [*around.api_keys.modules, static]
    embedder: Embedder = static
    answerers: list[CompletionModel] = [ExtractiveAnswerer(static, _extraction_rules(settings))]
    if settings.embedding_base_url:
        embedder = _openai_embedder(settings, around, modules)
    if settings.completion_base_url:
        answerers.insert(0, _openai_completion_model(settings, around, modules))
    limits = EmbeddingLimits(settings.max_texts, settings.max_embedding_chars)
    servicer = LlmServicer(
        TextEmbedding(embedder, limits), Completions(answerers, settings.max_prompt_chars)
    )

    def register(server: grpc.aio.Server) -> None:
        add_LlmServiceServicer_to_server(servicer, server)

    return ServiceParts("llm-proxy", register, modules)


def embedding_dimension(settings: LlmProxySettings) -> int:
    """Of the vectors that a service with these settings makes: what the index must be made for."""
    return settings.embedding_dimension or WordllamaModel.dimension


def _extraction_rules(settings: LlmProxySettings) -> ExtractionRules:
    return ExtractionRules(
        min_support=settings.extractive_min_support,
        further_share=settings.extractive_further_share,
        max_sentences=settings.extractive_max_sentences,
    )


# The adapters are imported where they are needed: the openai package costs a second of start time.
def _openai_embedder(
    settings: LlmProxySettings, around: Surroundings, modules: list[Module]
) -> Embedder:
    from llm_proxy.adapters.openai_api import ApiAccess, OpenAiConnection
    from llm_proxy.adapters.openai_embedder import OpenAiEmbedder

    access = ApiAccess(
        base_url=settings.embedding_base_url,
        api_key=around.api_keys.use.embedding,
        connect_timeout_s=settings.connect_timeout_s,
        silence_s=settings.embedding_timeout_s,
    )
    connection = OpenAiConnection("embedding_api", access, metrics=around.metrics)
    modules.append(connection)
    return OpenAiEmbedder(
        connection,
        settings.embedding_model,
        settings.embedding_dimension,
        settings.embedding_timeout_s,
    )


def _openai_completion_model(
    settings: LlmProxySettings, around: Surroundings, modules: list[Module]
) -> CompletionModel:
    from llm_proxy.adapters.openai_api import ApiAccess, OpenAiConnection
    from llm_proxy.adapters.openai_completion import OpenAiCompletionModel, Patience

    access = ApiAccess(
        base_url=settings.completion_base_url,
        api_key=around.api_keys.use.completion,
        connect_timeout_s=settings.connect_timeout_s,
        silence_s=settings.completion_silence_s,
    )
    connection = OpenAiConnection("completion_api", access, metrics=around.metrics)
    modules.append(connection)
    patience = Patience(settings.completion_timeout_s, settings.completion_silence_s)
    return OpenAiCompletionModel(connection, settings.completion_model, patience)
