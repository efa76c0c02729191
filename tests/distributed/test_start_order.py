"""Processes that start in any order, and say what they miss until it is there."""

from __future__ import annotations

import random

import pytest

from tests.distributed.traffic import wait_for
from tests.stack.stack import Stack

NOTICED_S = 40.0
READY_AGAIN_S = 5.0
SEED = 20261123

FAILING = {
    "postgres": ("gateway", "ingestion", "audit"),
    "qdrant": ("retrieval",),
    "s3": ("ingestion",),
    "llm-proxy": ("retrieval",),
}
"""Without the first, the others can do none of their work."""
DEGRADED = {
    "kafka": ("gateway", "ingestion", "audit"),
    "redis": ("gateway", "retrieval"),
    "vault": ("gateway", "ingestion", "retrieval", "llm-proxy", "audit"),
    "qdrant": ("ingestion",),
    "llm-proxy": ("gateway", "ingestion"),
    "retrieval": ("gateway",),
    "ingestion": ("gateway",),
    "audit": ("gateway",),
}
"""Without the first, the others can do only a part of their work."""


@pytest.mark.parametrize("missing", sorted(FAILING.keys() | DEGRADED.keys()))
def test_whoever_misses_a_part_lives_and_says_so(stack: Stack, missing: str) -> None:
    stack.part(missing).stop()
    for service in FAILING.get(missing, ()):
        check_says(stack, service, "failing")
    for service in DEGRADED.get(missing, ()):
        check_says(stack, service, "degraded")
    stack.part(missing).start()
    wait_for(stack.is_ready, READY_AGAIN_S, f"being ready after {missing} came back")


def test_everything_starts_in_any_order(stack: Stack) -> None:
    stack.down()
    parts = list(stack.parts.values())
    random.Random(SEED).shuffle(parts)
    for part in parts:
        part.launch()
    for part in parts:
        part.wait()
    wait_for(stack.is_ready, 60, "being ready after a start in any order")


def check_says(stack: Stack, service: str, state: str) -> None:
    def says_so() -> bool:
        return stack.state_of(service) == state

    wait_for(says_so, NOTICED_S, f"{service} noticing")
    assert stack.is_alive(service)
    assert stack.missing_of(service)
