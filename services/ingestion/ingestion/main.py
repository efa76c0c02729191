"""The ingestion service, with its workers, as a process of its own."""

from __future__ import annotations

from clientsphere_common.db.assembly import open_tables
from clientsphere_common.db.settings import DatabaseSettings
from clientsphere_common.events.assembly import open_event_log
from clientsphere_common.events.settings import EventLogSettings
from clientsphere_common.objects.assembly import open_objects
from clientsphere_common.objects.settings import S3Settings
from clientsphere_common.process.caller_keys import open_calls
from clientsphere_common.process.prepared import ProcessParts
from clientsphere_common.process.resources import Resources
from clientsphere_common.process.run import run_service
from clientsphere_common.process.serving import over_grpc
from clientsphere_common.resilience.metrics import CallMetrics
from clientsphere_common.rpc.assembly import open_service_channel
from clientsphere_common.rpc.settings import RpcSettings
from clientsphere_common.vectors.assembly import open_index
from clientsphere_common.vectors.settings import QdrantSettings
from ingestion import wiring
from ingestion.settings import IngestionSettings


async def build(resources: Resources) -> ProcessParts:
    """Uploads need tables and objects only; what the workers miss, they wait for."""
    qdrant, rpc = QdrantSettings(), RpcSettings()
    data_dir, secrets = resources.data_dir, resources.secrets
    call_metrics = CallMetrics(resources.registry)
    around = wiring.Surroundings(
        tables=await open_tables(
            DatabaseSettings(), "ingestion", wiring.MIGRATIONS, data_dir, secrets
        ),
        scratch_dir=data_dir / "scratch",
        objects=resources.take(
            await open_objects(S3Settings(), data_dir, secrets, resources.envelope_keys)
        ),
        index=resources.take_optional(
            await open_index(qdrant, qdrant.dimension, data_dir, secrets, call_metrics)
        ),
        event_log=resources.take_optional(
            await open_event_log(EventLogSettings(), data_dir, secrets, resources.registry)
        ),
        calls=resources.take(await open_calls("ingestion", secrets)),
        llm_channel=resources.take_optional(
            open_service_channel(rpc, "llm-proxy", rpc.llm_proxy_address)
        ),
    )
    return await over_grpc(resources, wiring.build(IngestionSettings(), around))


def main() -> None:
    run_service("ingestion", build)


if __name__ == "__main__":
    main()
