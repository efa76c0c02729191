"""A program that writes to an embedded index until it is killed, and says what it has done."""

from __future__ import annotations

import asyncio
import sys
from itertools import count
from pathlib import Path

from clientsphere_common.vectors.edge.engine import ShardEngine
from clientsphere_common.vectors.edge.folder import IndexFolder
from clientsphere_common.vectors.edge.shard import PassageShard
from clientsphere_common.vectors.qdrant_edge import QdrantEdgeIndex
from clientsphere_common.vectors.tenant_filter import Tenant
from tests.contract.passage_chunks import DIMENSION, OPEN, chunks


async def write_each_kind(folder: Path) -> None:
    index = await _open(folder)
    await index.add("acme", chunks(200, document="added"))
    for version in (1, 2):
        await index.add("acme", chunks(3, document="activated", version=version))
        await index.activate("acme", "activated", version, OPEN)
    await index.add("acme", chunks(3, document="removed"))
    await index.activate("acme", "removed", 1, OPEN)
    await index.remove_document("acme", "removed")
    _say("done")
    await asyncio.Event().wait()


async def write_endlessly(folder: Path) -> None:
    index = await _open(folder)
    for number in count():
        document = f"document{number}"
        await index.add("acme", chunks(20, document=document))
        await index.activate("acme", document, 1, OPEN)
        _say(document)


async def optimise(folder: Path) -> None:
    engine = ShardEngine(IndexFolder(folder, lock_wait_s=5.0), DIMENSION)
    await engine.start()
    await engine.write(PassageShard.add, Tenant("acme"), chunks(2000))
    await engine.write(PassageShard.activate, Tenant("acme"), "handbook", 1, OPEN)
    optimising = asyncio.create_task(engine.optimise())
    while len(list(folder.glob("shard-*"))) == 1:
        await asyncio.sleep(0.001)
    _say("optimising")
    await optimising


async def _open(folder: Path) -> QdrantEdgeIndex:
    index = QdrantEdgeIndex(folder, DIMENSION)
    await index.start()
    return index


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


TASKS = {"each-kind": write_each_kind, "endless": write_endlessly, "optimise": optimise}

if __name__ == "__main__":
    asyncio.run(TASKS[sys.argv[2]](Path(sys.argv[1])))
