"""What a migration has changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from clientsphere_cli.output.quantities import count
from clientsphere_cli.output.terminal import listing, plain

if TYPE_CHECKING:
    from clientsphere_common.db.migrations import Upgrade


@dataclass(frozen=True)
class Migrated:
    service: str
    upgrade: Upgrade

    @property
    def is_changed(self) -> bool:
        return self.upgrade.before != self.upgrade.after


def migration_report(migrated: Sequence[Migrated], place: str) -> RenderableType:
    """One line a service, and one that says where that was."""
    table = listing("Service", "Before", "Now", "")
    for one in migrated:
        table.add_row(
            plain(one.service),
            plain(one.upgrade.before or "no tables"),
            plain(one.upgrade.after or ""),
            Text("migrated", style="green") if one.is_changed else Text("unchanged", style="dim"),
        )
    return Group(table, Text(), plain(f"The tables of {_services(migrated)} are ready: {place}."))


def _services(migrated: Sequence[Migrated]) -> str:
    return count(len(migrated), "service")
