"""Tests of clientsphere_common.vectors.edge.process: a shard in a child process."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from clientsphere_common.vectors.edge.process import ShardFailedError, ShardProcess
from clientsphere_common.vectors.edge.shard import PassageShard
from clientsphere_common.vectors.tenant_filter import Tenant, stored
from tests.contract.passage_chunks import DIMENSION, OPEN, chunk, chunks
from tests.harness.children import OwnChildren

ACME = Tenant("acme")


async def launch(folder: Path, dimension: int = DIMENSION) -> ShardProcess:
    descriptor = os.open(folder.parent, os.O_RDONLY)
    try:
        return await ShardProcess.launch(folder, dimension, keep_open=descriptor)
    finally:
        os.close(descriptor)


@pytest.fixture
async def process(own_children: OwnChildren, tmp_path: Path) -> AsyncIterator[ShardProcess]:
    launched = await launch(tmp_path / "shard")
    yield launched
    await launched.kill()


class TestCalls:
    async def test_a_call_returns_what_the_shard_returns(self, process: ShardProcess) -> None:
        await process.call(PassageShard.add, ACME, chunks(3))
        assert (
            await process.call(PassageShard.activate, ACME, "handbook", version=1, readers=OPEN)
            == 3
        )

    async def test_calls_made_together_take_effect_in_their_order(
        self, process: ShardProcess
    ) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(process.call(PassageShard.add, ACME, chunks(3)))
            first = group.create_task(process.call(PassageShard.count, stored(ACME)))
            group.create_task(process.call(PassageShard.remove, stored(ACME)))
            then = group.create_task(process.call(PassageShard.count, stored(ACME)))
        assert (first.result(), then.result()) == (3, 0)

    async def test_an_answer_nobody_waits_for_is_not_given_to_another(
        self, process: ShardProcess
    ) -> None:
        abandoned = asyncio.create_task(process.call(PassageShard.add, ACME, chunks(3)))
        await asyncio.sleep(0)
        abandoned.cancel()
        assert await process.call(PassageShard.count, stored(ACME)) == 3

    async def test_what_the_engine_refuses_is_told_and_the_next_call_works(
        self, process: ShardProcess
    ) -> None:
        half_a_pair = replace(chunk("text"), text="\ud800")
        with pytest.raises(ShardFailedError, match=r"add: .*surrogates not allowed"):
            await process.call(PassageShard.add, ACME, [half_a_pair])
        assert await process.call(PassageShard.count, stored(ACME)) == 0


class TestLife:
    async def test_a_shard_that_cannot_be_opened_is_told(
        self, tmp_path: Path, own_children: OwnChildren
    ) -> None:
        (tmp_path / "shard").mkdir()
        (tmp_path / "shard" / "edge_config.json").write_text("not JSON")
        with pytest.raises(ShardFailedError):
            await launch(tmp_path / "shard")
        assert own_children() == []

    async def test_a_process_that_cannot_be_started_is_told(self, tmp_path: Path) -> None:
        never_opened = 1_000_000
        with pytest.raises(ShardFailedError, match="could not be started"):
            await ShardProcess.launch(tmp_path / "shard", DIMENSION, keep_open=never_opened)

    async def test_it_leaves_with_its_parent_and_not_before(
        self, process: ShardProcess, own_children: OwnChildren
    ) -> None:
        (child,) = own_children()
        child.terminate()
        assert await process.call(PassageShard.count, stored(ACME)) == 0

    async def test_stopping_ends_the_process_after_the_calls_made_before(
        self, tmp_path: Path, own_children: OwnChildren
    ) -> None:
        process = await launch(tmp_path / "shard")
        counted = asyncio.create_task(process.call(PassageShard.count, stored(ACME)))
        await asyncio.sleep(0)
        await process.stop()
        assert await counted == 0
        assert not process.is_alive
        assert own_children() == []

    async def test_a_call_in_hand_fails_when_the_process_dies(
        self, process: ShardProcess, own_children: OwnChildren
    ) -> None:
        (child,) = own_children()
        child.suspend()
        waiting = asyncio.create_task(process.call(PassageShard.count, stored(ACME)))
        await asyncio.sleep(0)
        child.kill()
        with pytest.raises(ShardFailedError, match="died"):
            await waiting

    async def test_a_dead_process_takes_no_calls(self, process: ShardProcess) -> None:
        await process.kill()
        with pytest.raises(ShardFailedError, match="gone"):
            await process.call(PassageShard.count, stored(ACME))

    async def test_stopping_a_dead_process_does_nothing(
        self, process: ShardProcess, own_children: OwnChildren
    ) -> None:
        (child,) = own_children()
        child.kill()
        await process.stop()
        await process.stop()
        assert not process.is_alive
