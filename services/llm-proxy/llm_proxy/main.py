"""llm-proxy as a process of its own."""

from __future__ import annotations

from clientsphere_common.process.prepared import ProcessParts
from clientsphere_common.process.resources import Resources
from clientsphere_common.process.run import run_service
from clientsphere_common.process.serving import over_grpc
from clientsphere_common.resilience.metrics import CallMetrics
from llm_proxy import wiring
from llm_proxy.own_secrets import open_upstream_keys
from llm_proxy.settings import LlmProxySettings


async def build(resources: Resources) -> ProcessParts:
    settings = LlmProxySettings()
    around = wiring.Surroundings(
        await open_upstream_keys(settings, resources.secrets), CallMetrics(resources.registry)
    )
    return await over_grpc(resources, wiring.build(settings, around))


def main() -> None:
    run_service("llm-proxy", build)


if __name__ == "__main__":
    main()
