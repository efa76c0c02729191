"""The five services in one process: what they share, and in which order they start."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import grpc
from prometheus_client import CollectorRegistry

import audit.wiring
import gateway.wiring
import ingestion.wiring
import llm_proxy.wiring
import retrieval.wiring
from all_in_one.channel import SharedChannel
from all_in_one.identities import Identities
from all_in_one.settings import AllSettings
from all_in_one.socket import PrivateSocket
from clientsphere_common.cache.in_process import InProcessCache
from clientsphere_common.cache.metrics import CacheMetrics
from clientsphere_common.db.assembly import sqlite_tables
from clientsphere_common.db.session import Database
from clientsphere_common.events.sqlite import SqliteEventLog
from clientsphere_common.events.sqlite_trimming import EventTrimming
from clientsphere_common.http_server import HttpServer
from clientsphere_common.modules import Module, Opened, ServiceParts
from clientsphere_common.objects.directory import DirectoryObjectStore
from clientsphere_common.process.metrics import process_registry
from clientsphere_common.rate_limits.in_process import InProcessRateLimiter
from clientsphere_common.readiness import Check
from clientsphere_common.rpc.frame import RequestFrame
from clientsphere_common.rpc.host import GrpcHost
from clientsphere_common.rpc.metrics import RpcMetrics
from clientsphere_common.secrets.assembly import open_secrets
from clientsphere_common.vectors.qdrant_edge import QdrantEdgeIndex
from gateway.own_secrets import MAKERS, OwnSecrets, open_own_secrets
from llm_proxy.api_keys import ApiKeys, open_api_keys

_CACHE_BYTES = 32 * 1024**2


@dataclass(frozen=True)
class Process:
    modules: list[Module]
    """In the order in which they start."""
    http: HttpServer
    """Knows the address of the API once it has started."""


async def build(settings: AllSettings) -> Process:
    """Build everything on the folder `settings.platform.data_dir`, which must exist.

    Raises DependencyUnavailableError for a secret that was given and cannot be used.
    """
    secret_parts = open_secrets(settings.platform.data_dir, MAKERS)
    secrets = secret_parts.secrets
    shared = _Shared.of(settings)
    services = _services(settings, shared, await open_api_keys(settings.llm_proxy, secrets))
    own = await open_own_secrets(secrets, settings.gateway.token_lifetime_s)
    front = gateway.wiring.build(settings.gateway, _around_gateway(shared, services, own))
    frame = RequestFrame(shared.identities.verifier(), RpcMetrics(shared.registry))
    modules: list[Module] = [*secret_parts.modules, shared.socket]
    modules += [shared.objects, shared.index, shared.events]
    modules += [module for service in services for module in service.modules]
    modules += front.modules
    modules += [GrpcHost(shared.socket.address, services, frame), shared.channel]
    modules += [worker for service in services for worker in service.workers]
    modules += [EventTrimming(shared.events)]
    modules += front.workers
    return Process(modules, front.http)


@dataclass(frozen=True)
class _Shared:
    """The embedded stores, and the channel on which the services call each other."""

    data_dir: Path
    socket: PrivateSocket
    channel: SharedChannel
    identities: Identities
    objects: DirectoryObjectStore
    index: QdrantEdgeIndex
    events: SqliteEventLog
    registry: CollectorRegistry

    @classmethod
    def of(cls, settings: AllSettings) -> _Shared:
        data_dir = settings.platform.data_dir
        socket = PrivateSocket(data_dir)
        return cls(
            data_dir=data_dir,
            socket=socket,
            channel=SharedChannel(socket.address),
            identities=Identities(data_dir / "keys"),
            objects=DirectoryObjectStore(data_dir / "objects"),
            index=QdrantEdgeIndex(
                data_dir / "vectors", llm_proxy.wiring.embedding_dimension(settings.llm_proxy)
            ),
            events=SqliteEventLog(data_dir / "events.db"),
            registry=process_registry(),
        )

    def tables(self, service: str, migrations: Path) -> Opened[Database]:
        return sqlite_tables(service, migrations, self.data_dir)


def _services(
    settings: AllSettings, shared: _Shared, api_keys: Opened[ApiKeys]
) -> list[ServiceParts]:
    """In order of dependency: each one calls only those before it."""
    channel: grpc.aio.Channel = shared.channel.channel
    return [
        audit.wiring.build(
            settings.audit,
            audit.wiring.Surroundings(
                shared.tables("audit", audit.wiring.MIGRATIONS), shared.events
            ),
        ),
        llm_proxy.wiring.build(settings.llm_proxy, llm_proxy.wiring.Surroundings(api_keys)),
        ingestion.wiring.build(
            settings.ingestion,
            ingestion.wiring.Surroundings(
                tables=shared.tables("ingestion", ingestion.wiring.MIGRATIONS),
                scratch_dir=shared.data_dir / "scratch",
                objects=shared.objects,
                index=shared.index,
                event_log=shared.events,
                llm_channel=channel,
                calls=shared.identities.calls_of("ingestion"),
            ),
        ),
        retrieval.wiring.build(
            settings.retrieval,
            retrieval.wiring.Surroundings(
                index=shared.index,
                llm_channel=channel,
                calls=shared.identities.calls_of("retrieval"),
                cache=InProcessCache(_CACHE_BYTES, CacheMetrics(shared.registry)),
            ),
        ),
    ]


def _around_gateway(
    shared: _Shared, services: list[ServiceParts], own: Opened[OwnSecrets]
) -> gateway.wiring.Surroundings:
    channel = shared.channel.channel
    return gateway.wiring.Surroundings(
        secrets=own,
        tables=shared.tables("gateway", gateway.wiring.MIGRATIONS),
        channels=gateway.wiring.ServiceChannels(channel, channel, channel, channel),
        calls=shared.identities.calls_of("gateway"),
        publisher=shared.events,
        rate_limiter=InProcessRateLimiter(),
        registry=shared.registry,
        checks=(
            Check("passage index", shared.index.check),
            *(check for service in services for check in service.checks),
        ),
        credentials_file=shared.data_dir / "credentials.json",
    )
