"""No byte of one tenant's words reaches another, whatever three of them do."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvloop
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.isolation.programs import Programs
from tests.isolation.world import World, running_world

FULL = os.environ.get("CLIENTSPHERE_TEST_PROFILE") == "full"
PROGRAMS = 100 if FULL else 12
PARTS = 20 if FULL else 1
STEPS = 50 if FULL else 25
SETTINGS = settings(
    max_examples=PROGRAMS,
    stateful_step_count=STEPS,
    deadline=None,
    database=None,
    # A program is not run again: what a product has stored and remembered cannot be taken back.
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        yield runner


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(PARTS))
def test_no_program_lets_a_word_out(part: int, runner: asyncio.Runner, tmp_path: Path) -> None:
    world = running_world(tmp_path / "world")
    entered: World = runner.run(world.__aenter__())
    try:
        machine = type("ProgramsHere", (Programs,), {"runner": runner, "world": entered})
        seed(part)(machine)
        run_state_machine_as_test(machine, settings=SETTINGS)
        # Everything, not only what the tenants of a program were seen to have.
        assert entered.channels.leaks() == []
    finally:
        runner.run(world.__aexit__(*sys.exc_info()))
