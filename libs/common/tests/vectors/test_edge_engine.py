"""Tests of clientsphere_common.vectors.edge.engine: a process that is replaced while it serves."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from clientsphere_common.vectors.edge.engine import ShardEngine
from clientsphere_common.vectors.edge.folder import IndexFolder
from clientsphere_common.vectors.edge.process import ShardFailedError
from clientsphere_common.vectors.edge.shard import PassageShard
from clientsphere_common.vectors.tenant_filter import Tenant, stored
from tests.contract.passage_chunks import DIMENSION, OPEN, chunk, chunks, question
from tests.harness.children import OwnChildren

ACME = Tenant("acme")


def engine_at(root: Path) -> ShardEngine:
    return ShardEngine(IndexFolder(root, lock_wait_s=0.05), DIMENSION)


@pytest.fixture
async def engine(own_children: OwnChildren, tmp_path: Path) -> AsyncIterator[ShardEngine]:
    started = engine_at(tmp_path)
    await started.start()
    yield started
    await started.stop()


async def add(engine: ShardEngine, document: str, count: int = 3) -> None:
    await engine.write(PassageShard.add, ACME, chunks(count, document=document))
    await engine.write(PassageShard.activate, ACME, document, 1, OPEN)


async def count(engine: ShardEngine, document: str | None = None) -> int:
    return await engine.read(PassageShard.count, stored(ACME, document, visible_only=True))


def shards(root: Path) -> set[Path]:
    return {entry for entry in root.iterdir() if entry.is_dir()}


class TestOptimising:
    async def test_everything_is_there_afterwards(
        self, engine: ShardEngine, tmp_path: Path
    ) -> None:
        await add(engine, "handbook", 1500)
        before = shards(tmp_path)
        await engine.optimise()
        assert await count(engine) == 1500
        assert len(shards(tmp_path)) == 1
        assert shards(tmp_path) != before

    async def test_reads_and_writes_go_on_and_no_write_is_lost(
        self, engine: ShardEngine, tmp_path: Path
    ) -> None:
        await add(engine, "handbook", 1500)
        optimising = asyncio.create_task(engine.optimise())
        written = 0
        while not optimising.done():
            await add(engine, f"document{written}")
            if written % 2:
                await engine.write(PassageShard.remove, stored(ACME, f"document{written}"))
            assert await engine.read(PassageShard.search, ACME, question())
            written += 1
        await optimising
        assert written > 1
        for number in range(written):
            assert await count(engine, f"document{number}") == (0 if number % 2 else 3)

    async def test_what_was_written_meanwhile_survives_a_restart(self, tmp_path: Path) -> None:
        engine = engine_at(tmp_path)
        await engine.start()
        optimising = asyncio.create_task(engine.optimise())
        await add(engine, "handbook")
        await optimising
        await add(engine, "prices")
        await engine.stop()
        again = engine_at(tmp_path)
        await again.start()
        assert await count(again) == 6
        await again.stop()

    async def test_a_copy_that_dies_leaves_the_shard_in_use(
        self, engine: ShardEngine, tmp_path: Path, own_children: OwnChildren
    ) -> None:
        await add(engine, "handbook")
        serving = own_children()
        optimising = asyncio.create_task(engine.optimise())
        while not (launched := set(own_children()) - set(serving)):
            await asyncio.sleep(0.001)
        for process in launched:
            process.kill()
        with pytest.raises(ShardFailedError):
            await optimising
        await add(engine, "prices")
        assert await count(engine) == 6
        assert own_children() == serving
        assert len(shards(tmp_path)) == 1

    async def test_a_copy_that_cannot_catch_up_leaves_the_shard_in_use(
        self, engine: ShardEngine, tmp_path: Path, own_children: OwnChildren
    ) -> None:
        half_a_pair = replace(chunk("text"), text="\ud800")
        optimising = asyncio.create_task(engine.optimise())
        while len(own_children()) == 1:
            await asyncio.sleep(0.001)
        with pytest.raises(ShardFailedError, match="surrogates"):
            await engine.write(PassageShard.add, ACME, [half_a_pair])
        with pytest.raises(ShardFailedError, match="surrogates"):
            await optimising
        await add(engine, "handbook")
        assert await count(engine) == 3
        assert len(own_children()) == 1
        assert len(shards(tmp_path)) == 1

    async def test_cancelling_leaves_the_shard_in_use(
        self, engine: ShardEngine, tmp_path: Path, own_children: OwnChildren
    ) -> None:
        await add(engine, "handbook")
        serving = own_children()
        optimising = asyncio.create_task(engine.optimise())
        while len(own_children()) == 1:
            await asyncio.sleep(0.001)
        optimising.cancel()
        with pytest.raises(asyncio.CancelledError):
            await optimising
        assert await count(engine) == 3
        assert own_children() == serving
        assert len(shards(tmp_path)) == 1

    async def test_it_can_be_done_again(self, engine: ShardEngine) -> None:
        await add(engine, "handbook")
        for _ in range(2):
            await engine.optimise()
        assert await count(engine) == 3


class TestLife:
    async def test_a_process_that_died_is_replaced_at_the_next_call(
        self, engine: ShardEngine, own_children: OwnChildren
    ) -> None:
        await add(engine, "handbook")
        await self._kill_the_process(engine, own_children())
        counts = await asyncio.gather(*(count(engine) for _ in range(3)))
        assert counts == [3, 3, 3]
        assert len(own_children()) == 1

    async def test_writes_go_on_after_that(
        self, engine: ShardEngine, own_children: OwnChildren
    ) -> None:
        await self._kill_the_process(engine, own_children())
        await add(engine, "handbook")
        assert await count(engine) == 3

    async def test_a_failed_start_leaves_nothing_open(self, tmp_path: Path) -> None:
        engine = engine_at(tmp_path)
        await engine.start()
        await engine.stop()
        (shard,) = shards(tmp_path)
        config = shard / "edge_config.json"
        kept = shutil.copy(config, tmp_path / "kept")
        config.write_text("not JSON")
        with pytest.raises(ShardFailedError):
            await engine_at(tmp_path).start()
        shutil.copy(kept, config)
        again = engine_at(tmp_path)
        await again.start()
        await again.stop()

    async def _kill_the_process(self, engine: ShardEngine, children: list[psutil.Process]) -> None:
        (process,) = children
        process.kill()
        with pytest.raises(ShardFailedError):
            await count(engine)
