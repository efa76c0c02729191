"""`clientsphere events`: what happens between the services, and what got stuck there."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clientsphere_cli.command_groups import ListingGroup
from clientsphere_cli.event_log import open_operations
from clientsphere_cli.failures import CliError
from clientsphere_cli.output.events import (
    dead_letter_facts,
    dead_letter_table,
    standing_facts,
    standing_table,
)
from clientsphere_cli.output.quantities import count
from clientsphere_cli.output.terminal import command_name, is_wide, plain, show, stdout

if TYPE_CHECKING:
    from clientsphere_common.events.model import DeadLetter, Standing
    from clientsphere_common.events.ports import EventOperations

    Given = tuple[Standing, DeadLetter]

_ALL = 1_000_000

group = typer.Typer(
    cls=ListingGroup,
    help="See which events wait between the services, and try again those that failed. Works on"
    " this machine's data folder, or on Kafka, with the settings of the services.",
)

TopicOption = Annotated[
    str | None, typer.Option(help="Only this topic, such as documents.", show_default=False)
]
GroupOption = Annotated[
    str | None,
    typer.Option("--group", help="Only this group, such as ingestion-workers.", show_default=False),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print each as one line of JSON, for programs.")
]


@group.command("lag")
def show_lag(
    topic: TopicOption = None, reader: GroupOption = None, as_json: JsonOption = False
) -> None:
    """How many events wait for each group (this is what a bare `events` does)."""
    standings = asyncio.run(_standings(topic, reader))
    if as_json:
        _print_lines(standing_facts(standing) for standing in standings)
        return
    if not standings:
        show(plain("Nobody reads events yet."))
        return
    show(standing_table(standings))
    if any(standing.dead_letters for standing in standings):
        show(plain(f"\nSee what was given up: {command_name()} events dead-letters"))


async def _standings(topic: str | None, reader: str | None) -> list[Standing]:
    async with open_operations() as operations:
        return await _chosen(operations, topic, reader)


@group.command("dead-letters")
def list_dead_letters(
    topic: TopicOption = None,
    reader: GroupOption = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many of each group.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """Events that a group gave up after several attempts, and why; never what is in them."""
    given_up = asyncio.run(_dead_letters(topic, reader, limit))
    if as_json:
        _print_lines(dead_letter_facts(*one) for one in given_up)
        return
    if not given_up:
        show(plain("No event was given up."))
        return
    show(dead_letter_table(given_up, wide=is_wide(stdout())))
    shown = Counter(standing for standing, _ in given_up)
    left = sum(standing.dead_letters - number for standing, number in shown.items())
    if left > 0:
        show(plain(f"\nand {left:,} more: --limit shows them"))
    show(plain(f"\nTry again, once the cause is mended: {command_name()} events replay ID"))


async def _dead_letters(topic: str | None, reader: str | None, limit: int) -> list[Given]:
    async with open_operations() as operations:
        return [
            (standing, letter)
            for standing in await _chosen(operations, topic, reader)
            for letter in await operations.dead_letters(standing.topic, standing.group, limit)
        ]


@group.command("replay")
def replay(
    event_ids: Annotated[list[str] | None, typer.Argument(metavar="ID", show_default=False)] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All that were given up, instead of ids.")
    ] = False,
    topic: TopicOption = None,
    reader: GroupOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give events to the groups that gave them up once more, with all attempts.

    They come behind the events of the same document that were handled meanwhile.
    """
    if everything == bool(event_ids):
        raise typer.BadParameter("Name the ids of events, or --all.", param_hint="ID")
    replayed = asyncio.run(_replay(event_ids, topic, reader))
    if as_json:
        _print_lines({**_named(standing), "replayed": number} for standing, number in replayed)
    else:
        for standing, number in replayed:
            again = count(number, "event")
            show(plain(f"{standing.group} gets {again} of {standing.topic} again."))
    if not replayed:
        raise CliError("None of these events was given up: nothing was replayed.")


async def _replay(
    event_ids: Sequence[str] | None, topic: str | None, reader: str | None
) -> list[tuple[Standing, int]]:
    async with open_operations() as operations:
        replayed = [
            (standing, await _replay_in(operations, standing, event_ids))
            for standing in await _chosen(operations, topic, reader)
        ]
    return [(standing, number) for standing, number in replayed if number]


async def _replay_in(
    operations: EventOperations, standing: Standing, event_ids: Sequence[str] | None
) -> int:
    if event_ids is None:
        letters = await operations.dead_letters(standing.topic, standing.group, _ALL)
        event_ids = [letter.event.id for letter in letters]
    return await operations.replay(standing.topic, standing.group, event_ids)


async def _chosen(
    operations: EventOperations, topic: str | None, reader: str | None
) -> list[Standing]:
    """Raises CliError when something was asked for that there is not."""
    standings = await operations.standings()
    chosen = [
        one for one in standings if topic in (None, one.topic) and reader in (None, one.group)
    ]
    if (topic or reader) and not chosen:
        known = ", ".join(f"{one.topic}/{one.group}" for one in standings) or "none"
        raise CliError(f"There is no such topic and group. Known are: {known}.")
    return chosen


def _print_lines(facts: Any) -> None:
    for one in facts:
        typer.echo(json.dumps(one, ensure_ascii=False))


def _named(standing: Standing) -> dict[str, str]:
    return {"topic": standing.topic, "group": standing.group}
