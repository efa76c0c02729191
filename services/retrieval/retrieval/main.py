"""The retrieval service as a process of its own."""

from __future__ import annotations

from clientsphere_common.cache.assembly import open_cache
from clientsphere_common.process.caller_keys import open_calls
from clientsphere_common.process.prepared import ProcessParts
from clientsphere_common.process.resources import Resources
from clientsphere_common.process.run import run_service
from clientsphere_common.process.serving import over_grpc
from clientsphere_common.redis.settings import RedisSettings
from clientsphere_common.resilience.metrics import CallMetrics
from clientsphere_common.rpc.assembly import open_service_channel
from clientsphere_common.rpc.settings import RpcSettings
from clientsphere_common.vectors.assembly import open_index
from clientsphere_common.vectors.settings import QdrantSettings
from retrieval import wiring
from retrieval.settings import RetrievalSettings


async def build(resources: Resources) -> ProcessParts:
    qdrant, rpc = QdrantSettings(), RpcSettings()
    secrets, registry = resources.secrets, resources.registry
    around = wiring.Surroundings(
        index=resources.take(
            await open_index(
                qdrant, qdrant.dimension, resources.data_dir, secrets, CallMetrics(registry)
            )
        ),
        cache=resources.take(await open_cache(RedisSettings(), secrets, registry)),
        calls=resources.take(await open_calls("retrieval", secrets)),
        llm_channel=resources.take(open_service_channel(rpc, "llm-proxy", rpc.llm_proxy_address)),
    )
    return await over_grpc(resources, wiring.build(RetrievalSettings(), around))


def main() -> None:
    run_service("retrieval", build)


if __name__ == "__main__":
    main()
