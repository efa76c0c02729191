"""The settings of everything that runs in one process."""

from __future__ import annotations

from dataclasses import dataclass, field

from audit.settings import AuditSettings
from clientsphere_common.settings import PlatformSettings
from gateway.settings import GatewaySettings
from ingestion.settings import IngestionSettings
from llm_proxy.settings import LlmProxySettings
from retrieval.settings import RetrievalSettings


@dataclass(frozen=True)
class AllSettings:
    """Read from the environment where not given."""

    platform: PlatformSettings = field(default_factory=PlatformSettings)
    gateway: GatewaySettings = field(default_factory=GatewaySettings)
    ingestion: IngestionSettings = field(default_factory=IngestionSettings)
    retrieval: RetrievalSettings = field(default_factory=RetrievalSettings)
    llm_proxy: LlmProxySettings = field(default_factory=LlmProxySettings)
    audit: AuditSettings = field(default_factory=AuditSettings)
