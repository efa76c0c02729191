"""No byte of one tenant's words reaches another, whatever three of them do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.isolation.programs import programs_on
from tests.isolation.world import stage

FULL = os.environ.get("CLIENTSPHERE_TEST_PROFILE") == "full"
PROGRAMS = 100 if FULL else 8
PARTS = 20 if FULL else 1
STEPS = 50 if FULL else 20
SETTINGS = settings(
    max_examples=PROGRAMS,
    stateful_step_count=STEPS,
    deadline=None,
    database=None,
    report_multiple_bugs=False,
    # A program is not run again: what a product has stored and remembered cannot be taken back.
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(PARTS), ids="part {}".format)
def test_no_program_lets_a_word_out(part: int, tmp_path: Path) -> None:
    with stage(tmp_path / "world") as here:
        machine = programs_on(here)
        seed(part)(machine)
        run_state_machine_as_test(machine, settings=SETTINGS)
        # Everything, not only what the tenants of a program were seen to have.
        assert here.world.channels.leaks() == []
