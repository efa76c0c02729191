"""Tests of clientsphere_common.vectors.qdrant_edge: its life, its failures, its durability."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import psutil
import pytest

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.vectors.edge.folder import IndexFolderError
from clientsphere_common.vectors.edge.upkeep import UpkeepSettings
from clientsphere_common.vectors.qdrant_edge import QdrantEdgeIndex
from tests.contract.passage_chunks import DIMENSION, OPEN, chunks, question
from tests.harness.children import OwnChildren

REPOSITORY = Path(__file__).parents[4]


@asynccontextmanager
async def opened(
    folder: Path, *, call_timeout_s: float = 30.0, upkeep: UpkeepSettings | None = None
) -> AsyncIterator[QdrantEdgeIndex]:
    index = QdrantEdgeIndex(folder, DIMENSION, call_timeout_s=call_timeout_s, upkeep=upkeep)
    await index.start()
    try:
        yield index
    finally:
        await index.stop()


@contextmanager
def suspended(children: list[psutil.Process]) -> Iterator[None]:
    """The engine's process stands still meanwhile."""
    (process,) = children
    process.suspend()
    yield
    process.resume()


class TestOpening:
    async def test_everything_is_there_after_a_restart(self, tmp_path: Path) -> None:
        async with opened(tmp_path) as index:
            await index.add("acme", chunks(3))
            await index.activate("acme", "handbook", 1, OPEN)
            answer = await index.search("acme", question())
        async with opened(tmp_path) as index:
            assert await index.search("acme", question()) == answer

    async def test_a_second_owner_is_refused(self, tmp_path: Path) -> None:
        async with opened(tmp_path):
            second = QdrantEdgeIndex(tmp_path, DIMENSION, lock_wait_s=0.05)
            with pytest.raises(IndexFolderError, match="in use by another process"):
                await second.start()

    async def test_another_dimension_is_refused(self, tmp_path: Path) -> None:
        async with opened(tmp_path):
            pass
        with pytest.raises(IndexFolderError, match=r"of 16 numbers.* gives 8"):
            await QdrantEdgeIndex(tmp_path, 8).start()


class TestFailures:
    async def test_an_engine_that_died_is_a_dependency_unavailable(
        self, tmp_path: Path, own_children: OwnChildren
    ) -> None:
        async with opened(tmp_path) as index:
            (process,) = own_children()
            process.kill()
            with pytest.raises(DependencyUnavailableError) as caught:
                await index.count("acme")
            assert caught.value.code == "index_unavailable"
            await index.check()

    async def test_an_engine_that_stands_still_is_a_dependency_unavailable(
        self, tmp_path: Path, own_children: OwnChildren
    ) -> None:
        async with opened(tmp_path, call_timeout_s=0.05) as index:
            with suspended(own_children()), pytest.raises(DependencyUnavailableError):
                await index.check()


class TestUpkeep:
    async def test_a_grown_index_is_optimised_in_the_background(self, tmp_path: Path) -> None:
        eager = UpkeepSettings(check_interval_s=0.01, min_backlog=10)
        async with opened(tmp_path, upkeep=eager) as index:
            before = set(tmp_path.glob("shard-*"))
            await index.add("acme", chunks(20))
            async with asyncio.timeout(20):
                while before & set(tmp_path.glob("shard-*")):
                    await asyncio.sleep(0.01)
            assert await index.count("acme") == 20

    async def test_watching_waits_while_all_is_well(self, tmp_path: Path) -> None:
        async with opened(tmp_path) as index:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await index.watch()


@contextmanager
def writer(folder: Path, task: str) -> Iterator[subprocess.Popen[str]]:
    """A process that writes to the index in `folder` and says what it has done, line by line."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.contract.passage_writer", str(folder), task],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def lines(process: subprocess.Popen[str], count: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline().strip() for _ in range(count)]


class TestKill:
    """The process gets no chance to close anything: SIGKILL."""

    def test_the_engine_goes_too(self, tmp_path: Path) -> None:
        with writer(tmp_path, "endless") as process:
            lines(process, 1)
            engine = psutil.Process(process.pid).children()
            process.kill()
            gone, alive = psutil.wait_procs(engine, timeout=5)
        assert (len(gone), alive) == (1, [])

    async def test_every_kind_of_write_survives(self, tmp_path: Path) -> None:
        with writer(tmp_path, "each-kind") as process:
            assert lines(process, 1) == ["done"]
        async with opened(tmp_path) as index:
            assert await index.count("acme", "added") == 200
            assert await index.count("acme", "added", active_only=True) == 0
            assert await index.count("acme", "activated", 2, active_only=True) == 3
            assert await index.count("acme", "activated") == 3
            assert await index.count("acme", "removed") == 0

    @pytest.mark.parametrize("acknowledged", [1, 4, 9, 15])
    async def test_whatever_was_acknowledged_survives_at_any_moment(
        self, tmp_path: Path, acknowledged: int
    ) -> None:
        with writer(tmp_path, "endless") as process:
            done = lines(process, acknowledged)
        async with opened(tmp_path) as index:
            for document in done:
                assert await index.count("acme", document, active_only=True) == 20
                assert await index.count("acme", document) == 20
            assert await index.search("acme", question())

    async def test_a_kill_while_it_is_optimised_loses_nothing(self, tmp_path: Path) -> None:
        with writer(tmp_path, "optimise") as process:
            assert lines(process, 1) == ["optimising"]
        async with opened(tmp_path) as index:
            assert await index.count("acme", active_only=True) == 2000
            assert len(list(tmp_path.glob("shard-*"))) == 1

    async def test_a_kill_while_it_is_made_leaves_a_folder_that_opens(self, tmp_path: Path) -> None:
        with writer(tmp_path, "endless"):
            while not list(tmp_path.glob("shard-*")):
                await asyncio.sleep(0.001)
        async with opened(tmp_path) as index:
            await index.add("acme", chunks(3, document="afterwards"))
            assert await index.count("acme", "afterwards") == 3
