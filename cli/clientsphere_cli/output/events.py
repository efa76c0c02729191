"""How far groups of readers are with their events, and what they gave up."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.table import Table

from clientsphere_cli.output.quantities import age, moment
from clientsphere_cli.output.terminal import listing, one_line, plain

if TYPE_CHECKING:
    from clientsphere_common.events.model import DeadLetter, Standing


def standing_table(standings: Iterable[Standing]) -> Table:
    table = listing(
        "Topic", "Group", "Waiting", "Oldest", "Given up", numbers=("Waiting", "Oldest", "Given up")
    )
    for standing in standings:
        table.add_row(
            plain(standing.topic),
            plain(standing.group),
            f"{standing.lag:,}",
            _age_of_oldest(standing),
            plain(f"{standing.dead_letters:,}", style="red" if standing.dead_letters else ""),
        )
    return table


def standing_facts(standing: Standing) -> dict[str, Any]:
    return {
        "topic": standing.topic,
        "group": standing.group,
        "lag": standing.lag,
        "oldest_published_at_ms": standing.oldest_published_at_ms,
        "dead_letters": standing.dead_letters,
    }


def dead_letter_table(given_up: Iterable[tuple[Standing, DeadLetter]], *, wide: bool) -> Table:
    """The narrow one leaves out what the id leads to: `--json` has it all."""
    if not wide:
        table = listing("Group", "Id", "Cause")
        for standing, letter in given_up:
            cause = plain(one_line(letter.cause))
            table.add_row(plain(standing.group), plain(letter.event.id), cause)
        return table
    columns = ("Group", "Id", "Event", "Tenant", "Tries", "At (UTC)", "Cause")
    table = listing(*columns, numbers=("Tries",))
    for standing, letter in given_up:
        table.add_row(
            plain(standing.group),
            plain(letter.event.id),
            plain(letter.event.type),
            plain(letter.event.tenant_id),
            f"{letter.attempts:,}",
            moment(datetime.fromtimestamp(letter.failed_at_ms / 1000, UTC)),
            plain(one_line(letter.cause)),
        )
    return table


def dead_letter_facts(standing: Standing, letter: DeadLetter) -> dict[str, Any]:
    return {
        "topic": standing.topic,
        "group": standing.group,
        "id": letter.event.id,
        "type": letter.event.type,
        "tenant": letter.event.tenant_id,
        "key": letter.event.key,
        "occurred_at_ms": letter.event.occurred_at_ms,
        "attempts": letter.attempts,
        "cause": letter.cause,
        "failed_at_ms": letter.failed_at_ms,
        "request_id": letter.event.headers.get("request_id", ""),
    }


def _age_of_oldest(standing: Standing) -> str:
    if standing.oldest_published_at_ms is None:
        return ""
    return age(time.time() - standing.oldest_published_at_ms / 1000)
