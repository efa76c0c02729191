"""The settings of everything that runs in one process."""

from __future__ import annotations

from dataclasses import dataclass, field

from audit.settings import AuditSettings
from clientsphere_common.db.settings import DatabaseSettings
from clientsphere_common.events.settings import EventLogSettings
from clientsphere_common.objects.settings import S3Settings
from clientsphere_common.redis.settings import RedisSettings
from clientsphere_common.settings import PlatformSettings
from clientsphere_common.vectors.settings import QdrantSettings
from gateway.settings import GatewaySettings
from gateway.webhooks.settings import WebhookSettings
from ingestion.settings import IngestionSettings
from llm_proxy.settings import LlmProxySettings
from retrieval.settings import RetrievalSettings


@dataclass(frozen=True)
class AllSettings:
    """Read from the environment where not given; a store that no setting names is embedded."""

    platform: PlatformSettings = field(default_factory=PlatformSettings)
    gateway: GatewaySettings = field(default_factory=GatewaySettings)
    webhooks: WebhookSettings = field(default_factory=WebhookSettings)
    ingestion: IngestionSettings = field(default_factory=IngestionSettings)
    retrieval: RetrievalSettings = field(default_factory=RetrievalSettings)
    llm_proxy: LlmProxySettings = field(default_factory=LlmProxySettings)
    audit: AuditSettings = field(default_factory=AuditSettings)
    database: DatabaseSettings = field(default_factory=DatabaseSettings)
    events: EventLogSettings = field(default_factory=EventLogSettings)
    objects: S3Settings = field(default_factory=S3Settings)
    index: QdrantSettings = field(default_factory=QdrantSettings)
    redis: RedisSettings = field(default_factory=RedisSettings)
