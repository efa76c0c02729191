"""What a person needs to know when the server is ready."""

from __future__ import annotations

from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from clientsphere_cli.data_folder import CREDENTIALS_FILE
from clientsphere_cli.output.block import Block
from clientsphere_cli.output.terminal import command_name, plain
from clientsphere_common.settings import PlatformSettings


def ready_banner(url: str, data_dir: Path) -> RenderableType:
    facts = Table.grid(padding=(0, 2, 0, 0))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    facts.add_row("API", plain(url, style="bold"))
    facts.add_row("Docs", plain(f"{url}/docs"))
    facts.add_row("Data", plain(str(data_dir)))
    facts.add_row("API key", plain(f"{data_dir / CREDENTIALS_FILE} (this command finds it)"))
    return Block(
        Group(
            Text(),
            Text("ClientSphere is ready. Ctrl-C stops it.", style="bold green"),
            Text(),
            facts,
            Text(),
            Text("Try, in another terminal:", style="dim"),
            *(plain(f"  {line}") for line in _suggestions(data_dir)),
            Text(),
        ),
        indent=2,
    )


def _suggestions(data_dir: Path) -> list[str]:
    command = command_name()
    suggestions = [
        f"{command} upload FILE",
        f'{command} ask "What does it say about ...?"',
    ]
    if data_dir != PlatformSettings().data_dir:
        suggestions.insert(0, f"export CLIENTSPHERE_DATA_DIR={data_dir}")
    return suggestions
