"""The passage indexes under test: the adapters of the port, and what each needs around it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from clientsphere_common.vectors.ports import PassageIndex
from clientsphere_common.vectors.qdrant_edge import QdrantEdgeIndex
from clientsphere_common.vectors.qdrant_server import QdrantServerIndex
from clientsphere_common.vectors.settings import QdrantSettings
from tests.contract.passage_chunks import DIMENSION
from tests.harness.modules import running
from tests.harness.qdrant_server import qdrant_server

EMBEDDED = "embedded"
STAND_IN = "server-stand-in"
REMOTE = (STAND_IN, pytest.param("server-image", marks=pytest.mark.container("qdrant")))


@asynccontextmanager
async def opened_index(
    kind: str, folder: Path, request: pytest.FixtureRequest
) -> AsyncIterator[PassageIndex]:
    """A new, empty index."""
    if kind == EMBEDDED:
        embedded = QdrantEdgeIndex(folder / "index", DIMENSION)
        async with running(embedded):
            yield embedded
    elif kind == STAND_IN:
        async with qdrant_server(folder / "server") as server, _remote(server.url) as index:
            yield index
    else:
        async with _remote(request.getfixturevalue("qdrant_image_url")) as index:
            yield index


@asynccontextmanager
async def _remote(url: str) -> AsyncIterator[PassageIndex]:
    own_collection = f"passages-{secrets.token_hex(4)}"
    index = QdrantServerIndex(QdrantSettings(url=url, collection=own_collection), DIMENSION)
    async with running(index):
        yield index
