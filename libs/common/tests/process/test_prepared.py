"""A process that lives before it can work, and starts to work by itself."""

from __future__ import annotations

import asyncio

import pytest

from clientsphere_common.errors import DependencyUnavailableError, NotFoundError, ServiceError
from clientsphere_common.modules import ModuleFailedError
from clientsphere_common.process.prepared import PreparedParts, ProcessParts
from clientsphere_common.process.state import ProcessState


class Recorder:
    """A module that writes down what happens to it."""

    def __init__(self, name: str, diary: list[str]) -> None:
        self.name = name
        self._diary = diary

    async def start(self) -> None:
        self._diary.append(f"{self.name} started")

    async def stop(self) -> None:
        self._diary.append(f"{self.name} stopped")


class Failing(Recorder):
    async def watch(self) -> None:
        raise RuntimeError("died")


class Preparation:
    """Fails as often as it is told to, then builds."""

    def __init__(self, diary: list[str], failures: list[ServiceError] | None = None) -> None:
        self._failures = failures or []
        self.parts = ProcessParts([Recorder("first", diary), Recorder("second", diary)], [])
        self.has_failed = asyncio.Event()

    async def __call__(self) -> ProcessParts:
        if self._failures:
            self.has_failed.set()
            raise self._failures.pop(0)
        return self.parts


MISSING = NotFoundError("secret_not_found", "There is no secret 'key'.")
AWAY = DependencyUnavailableError("vault_unavailable", "Vault does not answer.")


async def until_ready(state: ProcessState) -> None:
    async with asyncio.timeout(5):
        while (await state.report()).state != "ok":
            await asyncio.sleep(0.001)


class TestPreparedParts:
    async def test_run_in_order_and_stop_in_reverse(self) -> None:
        diary: list[str] = []
        state = ProcessState()
        parts = PreparedParts(Preparation(diary), state)
        await parts.start()
        await until_ready(state)
        await parts.stop()
        assert diary == ["first started", "second started", "second stopped", "first stopped"]
        assert (await state.report()).state == "failing"

    async def test_are_tried_again_until_nothing_is_missing(self) -> None:
        state = ProcessState()
        parts = PreparedParts(Preparation([], [MISSING, AWAY]), state, retry_s=0.001)
        await parts.start()
        await until_ready(state)
        await parts.stop()

    async def test_say_what_they_wait_for(self) -> None:
        state = ProcessState()
        preparation = Preparation([], [AWAY])
        parts = PreparedParts(preparation, state, retry_s=60)
        await parts.start()
        await preparation.has_failed.wait()
        (finding,) = (await state.report()).findings
        assert finding.error == "It waits to start: Vault does not answer."
        await parts.stop()

    async def test_stop_at_once_while_they_wait(self) -> None:
        diary: list[str] = []
        preparation = Preparation(diary, [AWAY])
        parts = PreparedParts(preparation, ProcessState(), retry_s=60)
        await parts.start()
        await preparation.has_failed.wait()
        await asyncio.wait_for(parts.stop(), 5)
        assert diary == []

    async def test_a_bug_while_preparing_ends_the_process(self) -> None:
        async def prepare() -> ProcessParts:
            raise ValueError("impossible")

        parts = PreparedParts(prepare, ProcessState())
        await parts.start()
        with pytest.raises(ValueError, match="impossible"):
            await parts.watch()
        await parts.stop()

    async def test_a_part_that_dies_ends_the_process(self) -> None:
        async def prepare() -> ProcessParts:
            return ProcessParts([Failing("third", [])], [])

        parts = PreparedParts(prepare, ProcessState())
        await parts.start()
        with pytest.raises(ModuleFailedError, match="third"):
            await parts.watch()
        await parts.stop()
