"""What a person needs to know when the server is ready."""

from __future__ import annotations

import shlex
from pathlib import Path

from rich.console import Console
from rich.text import Text

from clientsphere_cli.data_folder import CREDENTIALS_FILE
from clientsphere_cli.output.terminal import command_name, plain
from clientsphere_common.settings import PlatformSettings


def print_banner(console: Console, url: str, data_dir: Path) -> None:
    """Paths and commands stay in one piece, so that they can be copied."""
    facts = {
        "API": url,
        "Docs": f"{url}/docs",
        "Data": str(data_dir),
        "API key": f"{data_dir / CREDENTIALS_FILE} (this command finds it)",
    }
    lines = [
        Text(),
        Text("  ClientSphere is ready. Ctrl-C stops it.", style="bold green"),
        Text(),
        *(Text(f"  {name:<9}", style="dim").append(plain(fact)) for name, fact in facts.items()),
        Text(),
        Text("  Try, in another terminal:", style="dim"),
        *(plain(f"    {command}") for command in _suggestions(data_dir)),
        Text(),
    ]
    for line in lines:
        console.print(line, soft_wrap=True)


def _suggestions(data_dir: Path) -> list[str]:
    command = command_name()
    suggestions = [f"{command} upload FILE", f'{command} ask "What does it say about ...?"']
    if data_dir != PlatformSettings().data_dir:
        suggestions.insert(0, f"export CLIENTSPHERE_DATA_DIR={shlex.quote(str(data_dir))}")
    return suggestions
