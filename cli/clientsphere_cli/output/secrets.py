"""A new key, shown the one time that it can be."""

from __future__ import annotations

from rich.text import Text

from clientsphere_cli.output.terminal import plain


def new_key(label: str, key: str) -> Text:
    return Text.assemble(
        f"{label}: ", plain(key, style="bold"), "\nKeep it now: it cannot be shown again."
    )
