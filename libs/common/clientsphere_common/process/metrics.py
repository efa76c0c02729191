"""What every process counts about itself."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector


def process_registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


class ProcessMetrics:
    """The registry of the process as it is built now: a part can register only once in each."""

    def __init__(self) -> None:
        self.registry = process_registry()

    def renew(self) -> CollectorRegistry:
        """Forget what an attempt to build the process has registered."""
        self.registry = process_registry()
        return self.registry
