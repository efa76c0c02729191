"""kill -9 of every part in turn, while documents come in and questions are asked.

The table at the end of the run says for each part how long it took until everything was ready
again, and whether questions were answered meanwhile.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest

from clientsphere_cli.client import open_client
from clientsphere_cli.connection import Connection
from clientsphere_cli.trail_check import check_trail
from tests.distributed.library import EXPECTED, HANDBOOK, QUESTION, manual
from tests.distributed.traffic import Library, Traffic, wait_for
from tests.harness.closing_words import tell_report
from tests.harness.product import upload, wait_until_settled
from tests.stack.stack import Stack

DOCUMENTS = 200
UPLOAD_PAUSE_S = 0.3
RESTART_AFTER_S = 1.0
RECOVERY_S = 30.0
TRAIL_S = 120.0

ON_THE_WAY_OF_QUESTIONS = frozenset({"gateway", "retrieval", "llm-proxy", "postgres", "qdrant"})
"""PostgreSQL keeps the API keys and takes each question down for the audit trail."""


@dataclass(frozen=True)
class Death:
    part: str
    recovery_s: float
    unanswered: Counter[str]


@pytest.mark.alone
# The stand-in for Qdrant has no TLS, and says its client so.
@pytest.mark.filterwarnings("ignore:Auth token provider:UserWarning")
def test_nothing_accepted_is_lost_or_doubled_whatever_is_killed(
    stack: Stack, pytestconfig: pytest.Config
) -> None:
    tenant = stack.create_tenant("chaos")
    with stack.client(tenant.api_key) as client:
        handbook = upload(client, "handbook.md", HANDBOOK.encode()).json()["id"]
        assert wait_until_settled(client, {handbook})[handbook]["state"] == "ready"
    library = Library(
        {f"manual-{number}.md": manual(number) for number in range(DOCUMENTS)}, UPLOAD_PAUSE_S
    )
    traffic = Traffic(stack.url, tenant.api_key, library, QUESTION, EXPECTED)
    traffic.begin()
    deaths = [_die(stack, traffic, part) for part in stack.restartable_parts()]
    traffic.end()
    tell_report(pytestconfig, "kill -9 under load", _table(deaths))

    for death in deaths:
        if death.part not in ON_THE_WAY_OF_QUESTIONS:
            assert not death.unanswered, f"{death.part} is not on the way of questions"
    with stack.client(tenant.api_key) as client:
        documents = wait_until_settled(client, set(library.ids.values()))
        assert len(documents) == DOCUMENTS
        assert Counter(one["state"] for one in documents.values()) == {"ready": DOCUMENTS}
    asyncio.run(_check_index(stack, tenant.id, documents))
    _check_trail(Connection(stack.url, tenant.api_key, 60.0), [handbook, *documents])


def _die(stack: Stack, traffic: Traffic, part: str) -> Death:
    """Kill one part, start it again a second later as a platform does, wait for the whole."""
    died_at_s = time.monotonic()
    stack.part(part).kill()
    time.sleep(RESTART_AFTER_S)
    stack.part(part).start()
    restarted_at_s = time.monotonic()
    wait_for(
        lambda: stack.is_ready() and traffic.has_been_answered_since(restarted_at_s),
        RECOVERY_S,
        f"recovery from the death of {part}",
    )
    recovery_s = time.monotonic() - died_at_s
    return Death(
        part, recovery_s, Counter(one.problem for one in traffic.problems_since(died_at_s))
    )


def _check_trail(connection: Connection, document_ids: Sequence[str]) -> None:
    """Soon, what was done to each document stands in the trail, each thing once."""
    actions = ("document.uploaded", "document.indexed")
    expected = Counter(product(actions, document_ids))

    def told() -> Counter[tuple[str, str]]:
        events = asyncio.run(_audited(connection))
        return Counter(event for event in events if event[0] in actions)

    # Which events are missing says more than that it took too long.
    with suppress(AssertionError):
        wait_for(lambda: told().keys() == expected.keys(), TRAIL_S, "the trail being complete")
    assert _differences(told(), expected) == {}


def _differences(
    told: Counter[tuple[str, str]], expected: Counter[tuple[str, str]]
) -> dict[tuple[str, str], str]:
    return {
        event: f"told {told[event]} times, done {expected[event]} times"
        for event in told.keys() | expected.keys()
        if told[event] != expected[event]
    }


async def _audited(connection: Connection) -> list[tuple[str, str]]:
    """Action and target of every event, after the chain was found to be unbroken."""
    async with open_client(connection) as client:
        await check_trail(client)
        events = [link.event async for link in client.trail()]
    return [(str(event["action"]), str(event["target_id"])) for event in events]


async def _check_index(stack: Stack, tenant_id: str, documents: dict[str, dict[str, Any]]) -> None:
    """The index holds each chunk of each document once, visible, and nothing else."""
    async with stack.passage_index() as index:
        for document_id, document in documents.items():
            for active_only in (False, True):
                held = await index.count(tenant_id, document_id, active_only=active_only)
                assert held == document["chunk_count"]


def _table(deaths: list[Death]) -> str:
    lines = [f"{'killed':<12} {'all well again':>14}  questions meanwhile"]
    for death in deaths:
        missed = ", ".join(f"{count} x {problem}" for problem, count in death.unanswered.items())
        lines.append(f"{death.part:<12} {death.recovery_s:>12.1f} s  {missed or 'all answered'}")
    return "\n".join(lines)
