"""Modules start in order, stop in reverse, and one that dies takes all with it."""

from __future__ import annotations

import asyncio

import pytest

from clientsphere_common.modules import ModuleFailedError, run_modules


class Recorder:
    """A module that writes down what happens to it."""

    def __init__(self, name: str, journal: list[str]) -> None:
        self.name = name
        self.journal = journal

    async def start(self) -> None:
        self.journal.append(f"start {self.name}")

    async def stop(self) -> None:
        self.journal.append(f"stop {self.name}")


class FailsToStart(Recorder):
    async def start(self) -> None:
        raise OSError("port in use")


class FailsToStop(Recorder):
    async def stop(self) -> None:
        await super().stop()
        raise OSError("disk gone")


class Dies(Recorder):
    async def watch(self) -> None:
        raise OSError("worker died")


class Works(Recorder):
    async def watch(self) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.journal.append(f"unwatched {self.name}")
            raise


class LeavesQuietly(Recorder):
    async def watch(self) -> None:
        self.journal.append(f"left {self.name}")


@pytest.fixture
def journal() -> list[str]:
    return []


@pytest.fixture
def stop() -> asyncio.Event:
    return asyncio.Event()


class TestRunModules:
    async def test_starts_in_order_tells_when_ready_and_stops_in_reverse(
        self, journal: list[str], stop: asyncio.Event
    ) -> None:
        modules = [Recorder("tables", journal), Recorder("server", journal)]

        def on_ready() -> None:
            journal.append("ready")
            stop.set()

        await run_modules(modules, stop, on_ready)

        assert journal == ["start tables", "start server", "ready", "stop server", "stop tables"]

    async def test_keeps_running_until_it_is_told_to_stop(
        self, journal: list[str], stop: asyncio.Event
    ) -> None:
        ready = asyncio.Event()
        running = asyncio.create_task(run_modules([Works("worker", journal)], stop, ready.set))
        await ready.wait()
        assert journal == ["start worker"]
        stop.set()
        await running
        assert journal == ["start worker", "unwatched worker", "stop worker"]

    async def test_a_module_that_cannot_start_stops_those_before_it(
        self, journal: list[str], stop: asyncio.Event
    ) -> None:
        modules = [
            Recorder("tables", journal),
            FailsToStart("server", journal),
            Recorder("worker", journal),
        ]
        with pytest.raises(OSError, match="port in use"):
            await run_modules(modules, stop, lambda: journal.append("ready"))
        assert journal == ["start tables", "stop tables"]

    async def test_a_module_that_dies_stops_all_and_is_named(
        self, journal: list[str], stop: asyncio.Event
    ) -> None:
        modules = [Recorder("tables", journal), Dies("worker", journal), Works("relay", journal)]
        with pytest.raises(ModuleFailedError, match="'worker'") as failed:
            await run_modules(modules, stop, lambda: None)
        assert isinstance(failed.value.__cause__, OSError)
        assert journal[-3:] == ["stop relay", "stop worker", "stop tables"]

    async def test_a_module_whose_work_ends_unasked_has_failed_too(
        self, journal: list[str], stop: asyncio.Event
    ) -> None:
        with pytest.raises(ModuleFailedError, match="'worker' stopped by itself"):
            await run_modules([LeavesQuietly("worker", journal)], stop, lambda: None)
        assert journal == ["start worker", "left worker", "stop worker"]

    async def test_a_module_that_cannot_stop_does_not_keep_the_others_from_stopping(
        self, journal: list[str], stop: asyncio.Event
    ) -> None:
        stop.set()
        modules = [Recorder("tables", journal), FailsToStop("server", journal)]
        with pytest.raises(OSError, match="disk gone"):
            await run_modules(modules, stop, lambda: None)
        assert journal[-2:] == ["stop server", "stop tables"]
