"""Opens the passage index that the settings choose."""

from __future__ import annotations

from pathlib import Path

from clientsphere_common.modules import Opened
from clientsphere_common.readiness import Check
from clientsphere_common.resilience.metrics import CallMetrics
from clientsphere_common.secrets.following import FollowedSecret, optional_secret
from clientsphere_common.secrets.ports import Secrets
from clientsphere_common.vectors.ports import PassageIndex
from clientsphere_common.vectors.qdrant_edge import QdrantEdgeIndex
from clientsphere_common.vectors.qdrant_server import QdrantServerIndex
from clientsphere_common.vectors.settings import QdrantSettings

_API_KEY = "qdrant-api-key"


async def open_index(
    settings: QdrantSettings,
    dimension: int,
    data_dir: Path,
    secrets: Secrets,
    metrics: CallMetrics | None = None,
) -> Opened[PassageIndex]:
    """A server's where one is named, else the engine in `data_dir`, of one process.

    The server's key is a secret, `qdrant-api-key`, and may change while the process runs; a server
    without one asks for none. Raises DependencyUnavailableError when secrets cannot be had.
    """
    if not settings.url:
        edge = QdrantEdgeIndex(data_dir / "vectors", dimension)
        return Opened(edge, [edge], [Check(edge.name, edge.check)])
    if await optional_secret(secrets, _API_KEY) is None:
        server = QdrantServerIndex(settings, dimension, metrics=metrics)
        return Opened(server, [server], [Check(server.name, server.check)])
    key = FollowedSecret(secrets, _API_KEY)
    server = QdrantServerIndex(settings, dimension, api_key=lambda: key.value, metrics=metrics)
    return Opened(server, [key, server], [Check(server.name, server.check)])
