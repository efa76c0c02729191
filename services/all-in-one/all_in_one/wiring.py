"""The five services in one process: what they share, and in which order they start."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import audit.wiring
import gateway.wiring
import ingestion.wiring
import llm_proxy.wiring
import retrieval.wiring
from all_in_one.channel import SharedChannel
from all_in_one.identities import Identities
from all_in_one.settings import AllSettings
from all_in_one.socket import PrivateSocket
from clientsphere_common.cache.assembly import open_cache
from clientsphere_common.cache.ports import Cache
from clientsphere_common.db.assembly import open_tables
from clientsphere_common.db.session import Database
from clientsphere_common.events.assembly import open_event_log
from clientsphere_common.events.ports import EventLog
from clientsphere_common.http_server import HttpServer
from clientsphere_common.modules import Module, Opened, ServiceParts
from clientsphere_common.objects.assembly import open_objects
from clientsphere_common.objects.ports import ObjectStore
from clientsphere_common.process.metrics import process_registry
from clientsphere_common.process.resources import Resources
from clientsphere_common.process.state import ProcessState
from clientsphere_common.rate_limits.assembly import open_rate_limiter
from clientsphere_common.resilience.metrics import CallMetrics
from clientsphere_common.rpc.frame import RequestFrame
from clientsphere_common.rpc.host import GrpcHost
from clientsphere_common.rpc.metrics import RpcMetrics
from clientsphere_common.secrets.assembly import open_secrets
from clientsphere_common.vectors.assembly import open_index
from clientsphere_common.vectors.ports import PassageIndex
from gateway.own_secrets import MAKERS, open_own_secrets
from llm_proxy.own_secrets import open_upstream_keys


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
    data_dir = settings.platform.data_dir
    secrets = open_secrets(data_dir, MAKERS)
    resources = Resources(data_dir, secrets, process_registry(), ProcessState())
    shared = await _Shared.open(settings, resources)
    services = await _services(settings, resources, shared)
    around = await _around_gateway(settings, resources, shared, services)
    front = gateway.wiring.build(settings.gateway, around)
    frame = RequestFrame(shared.identities.verifier(), RpcMetrics(resources.registry))
    modules: list[Module] = [*secrets.modules, shared.socket, *resources.modules]
    modules += [module for service in services for module in service.modules]
    modules += front.modules
    modules += [GrpcHost(shared.socket.address, services, frame), shared.channel]
    modules += [worker for service in services for worker in service.workers]
    modules += front.workers
    return Process(modules, front.http)


@dataclass(frozen=True)
class _Shared:
    """What more than one service uses."""

    socket: PrivateSocket
    channel: SharedChannel
    """On which the services call each other."""
    identities: Identities
    objects: ObjectStore
    index: PassageIndex
    events: EventLog
    cache: Cache
    call_metrics: CallMetrics

    @classmethod
    async def open(cls, settings: AllSettings, resources: Resources) -> _Shared:
        data_dir, secrets = resources.data_dir, resources.secrets
        socket = PrivateSocket(data_dir)
        call_metrics = CallMetrics(resources.registry)
        dimension = llm_proxy.wiring.embedding_dimension(settings.llm_proxy)
        return cls(
            socket=socket,
            channel=SharedChannel(socket.address),
            identities=Identities(data_dir / "keys"),
            objects=resources.take(
                await open_objects(settings.objects, data_dir, secrets, resources.envelope_keys)
            ),
            index=resources.take(
                await open_index(settings.index, dimension, data_dir, secrets, call_metrics)
            ),
            events=resources.take(
                await open_event_log(settings.events, data_dir, secrets, resources.registry)
            ),
            cache=resources.take(await open_cache(settings.redis, secrets, resources.registry)),
            call_metrics=call_metrics,
        )


async def _services(
    settings: AllSettings, resources: Resources, shared: _Shared
) -> list[ServiceParts]:
    """In order of dependency: each one calls only those before it."""
    channel, identities = shared.channel.channel, shared.identities
    return [
        audit.wiring.build(
            settings.audit,
            audit.wiring.Surroundings(
                tables=await _tables(settings, resources, "audit", audit.wiring.MIGRATIONS),
                event_log=shared.events,
            ),
        ),
        llm_proxy.wiring.build(
            settings.llm_proxy,
            llm_proxy.wiring.Surroundings(
                await open_upstream_keys(settings.llm_proxy, resources.secrets), shared.call_metrics
            ),
        ),
        ingestion.wiring.build(
            settings.ingestion,
            ingestion.wiring.Surroundings(
                tables=await _tables(settings, resources, "ingestion", ingestion.wiring.MIGRATIONS),
                scratch_dir=resources.data_dir / "scratch",
                objects=shared.objects,
                index=shared.index,
                event_log=shared.events,
                llm_channel=channel,
                calls=identities.calls_of("ingestion"),
            ),
        ),
        retrieval.wiring.build(
            settings.retrieval,
            retrieval.wiring.Surroundings(
                index=shared.index,
                llm_channel=channel,
                calls=identities.calls_of("retrieval"),
                cache=shared.cache,
            ),
        ),
    ]


async def _around_gateway(
    settings: AllSettings,
    resources: Resources,
    shared: _Shared,
    services: list[ServiceParts],
) -> gateway.wiring.Surroundings:
    channel, secrets = shared.channel.channel, resources.secrets
    return gateway.wiring.Surroundings(
        secrets=await open_own_secrets(secrets, settings.gateway.token_lifetime_s),
        secret_store=secrets,
        tables=await _tables(settings, resources, "gateway", gateway.wiring.MIGRATIONS),
        channels=gateway.wiring.ServiceChannels(channel, channel, channel, channel),
        calls=shared.identities.calls_of("gateway"),
        publisher=shared.events,
        events=shared.events,
        envelope_keys=resources.envelope_keys,
        rate_limiter=resources.take(
            await open_rate_limiter(settings.redis, secrets, resources.registry)
        ),
        registry=resources.registry,
        webhooks=settings.webhooks,
        checks=[*(check for service in services for check in service.checks), *resources.checks],
        credentials_file=resources.data_dir / "credentials.json",
    )


async def _tables(
    settings: AllSettings, resources: Resources, service: str, migrations: Path
) -> Opened[Database]:
    return await open_tables(
        settings.database, service, migrations, resources.data_dir, resources.secrets
    )
