"""kill -9 at random moments: nothing acknowledged is lost and every key keeps its order."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import pytest

from clientsphere_common.events.sqlite.event_log import SqliteEventLog

PROGRAM = Path(__file__).with_name("crash_program.py")
KILLS = 30 if os.environ.get("CLIENTSPHERE_TEST_PROFILE") == "full" else 5
PATIENCE_S = 60.0
KILLED = -signal.SIGKILL


@dataclass(frozen=True)
class Attempt:
    life: str
    group: str
    step: str
    event_id: str


async def start(directory: Path, life: int, mode: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        str(PROGRAM),
        str(directory),
        str(life),
        mode,
        stdout=asyncio.subprocess.DEVNULL,
    )


async def exit_code(process: asyncio.subprocess.Process) -> int:
    try:
        return await asyncio.wait_for(process.wait(), PATIENCE_S)
    except TimeoutError:
        process.kill()
        raise


def lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


def attempts(directory: Path) -> list[Attempt]:
    return [Attempt(*line.split()) for line in lines(directory / "attempts.txt")]


async def has_begun(directory: Path, attempts_before: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while len(lines(directory / "attempts.txt")) == attempts_before:
            await asyncio.sleep(0.01)


class TestKilledAtRandomMoments:
    @pytest.fixture
    async def directory(self, tmp_path: Path) -> Path:
        """What `KILLS` killed lives and a last, quiet one have left."""
        moment = random.Random(KILLS)
        for life in range(KILLS):
            attempts_before = len(attempts(tmp_path))
            process = await start(tmp_path, life, "work")
            await has_begun(tmp_path, attempts_before)
            await asyncio.sleep(moment.uniform(0, 0.3))
            process.kill()
            assert await exit_code(process) == KILLED
        assert await exit_code(await start(tmp_path, KILLS, "drain")) == 0
        return tmp_path

    async def test_at_least_once_and_in_order(self, directory: Path) -> None:
        acknowledged = set(lines(directory / "acknowledged.txt"))
        assert len(acknowledged) > KILLS
        for group in ("indexing", "auditing"):
            steps = [attempt for attempt in attempts(directory) if attempt.group == group]
            handled = {attempt.event_id for attempt in steps if attempt.step == "handled"}
            assert acknowledged <= handled, "lost write"
            assert_handled_once_per_life(steps)
            assert_every_key_kept_its_order(steps)


class TestEventThatKillsItsProcess:
    async def test_is_given_up_on_the_start_after_the_last_attempt(self, tmp_path: Path) -> None:
        codes = [await exit_code(await start(tmp_path, life, "poison")) for life in range(7)]
        assert codes[-1] == 0, "each of two groups may try three times"
        log = SqliteEventLog(tmp_path / "events.sqlite")
        await log.start()
        for group in ("indexing", "auditing"):
            (letter,) = await log.dead_letters("documents", group)
            assert (letter.event.id, letter.attempts) == ("poison-0", 3)
        await log.stop()
        handled = {step.event_id for step in attempts(tmp_path) if step.step == "handled"}
        assert handled == {"a-0", "poison-next-0"}


def assert_handled_once_per_life(steps: list[Attempt]) -> None:
    handled = [(step.life, step.event_id) for step in steps if step.step == "handled"]
    assert len(handled) == len(set(handled)), "duplicate within one life"


def assert_every_key_kept_its_order(steps: list[Attempt]) -> None:
    """An event begins for the first time only when the one before it has been handled."""
    handled_up_to: dict[str, int] = defaultdict(lambda: -1)
    for step in steps:
        key, number = step.event_id.rsplit("-", 1)
        assert int(number) <= handled_up_to[key] + 1, "skipped or out of order"
        if step.step == "handled":
            handled_up_to[key] = max(handled_up_to[key], int(number))
