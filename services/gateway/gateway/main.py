"""The gateway as a process of its own."""

from __future__ import annotations

from clientsphere_common.db.assembly import open_tables
from clientsphere_common.db.settings import DatabaseSettings
from clientsphere_common.events.assembly import open_event_log
from clientsphere_common.events.settings import EventLogSettings
from clientsphere_common.process.caller_keys import open_calls
from clientsphere_common.process.prepared import ProcessParts
from clientsphere_common.process.readiness_watch import ReadinessWatch
from clientsphere_common.process.resources import Resources
from clientsphere_common.process.run import run_service
from clientsphere_common.rate_limits.assembly import open_rate_limiter
from clientsphere_common.redis.settings import RedisSettings
from clientsphere_common.rpc.assembly import open_service_channel
from clientsphere_common.rpc.settings import RpcSettings
from gateway import wiring
from gateway.own_secrets import open_own_secrets
from gateway.settings import GatewaySettings
from gateway.webhooks.settings import WebhookSettings


async def build(resources: Resources) -> ProcessParts:
    """Only the tables are required: each other part is on the way of some requests alone."""
    settings, data_dir, secrets = GatewaySettings(), resources.data_dir, resources.secrets
    events = resources.take_optional(
        await open_event_log(EventLogSettings(), data_dir, secrets, resources.registry)
    )
    around = wiring.Surroundings(
        secrets=await open_own_secrets(secrets, settings.token_lifetime_s),
        secret_store=secrets,
        tables=await open_tables(
            DatabaseSettings(), "gateway", wiring.MIGRATIONS, data_dir, secrets
        ),
        calls=resources.take(await open_calls("gateway", secrets)),
        publisher=events,
        events=events,
        envelope_keys=resources.envelope_keys,
        rate_limiter=resources.take(
            await open_rate_limiter(RedisSettings(), secrets, resources.registry)
        ),
        channels=_channels(resources),
        registry=resources.registry,
        webhooks=WebhookSettings(),
        checks=resources.checks,
        serves_metrics=False,
    )
    parts = wiring.build(settings, around)
    watch = ReadinessWatch(resources.state)
    return ProcessParts([*resources.modules, *parts.modules, *parts.workers, watch], parts.checks)


def _channels(resources: Resources) -> wiring.ServiceChannels:
    rpc = RpcSettings()
    return wiring.ServiceChannels(
        ingestion=resources.take_optional(
            open_service_channel(rpc, "ingestion", rpc.ingestion_address)
        ),
        retrieval=resources.take_optional(
            open_service_channel(rpc, "retrieval", rpc.retrieval_address)
        ),
        llm_proxy=resources.take_optional(
            open_service_channel(rpc, "llm-proxy", rpc.llm_proxy_address)
        ),
        audit=resources.take_optional(open_service_channel(rpc, "audit", rpc.audit_address)),
    )


def main() -> None:
    run_service("gateway", build)


if __name__ == "__main__":
    main()
