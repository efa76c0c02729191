"""The commands behind `make up`, `make down`, `make stack-status` and the distributed demo.

python -m tests.stack up [--servers-only] | down | status | demo   [--folder FOLDER]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.stack.part import Part
from tests.stack.services import Service
from tests.stack.stack import DEFAULT_FOLDER, Stack, temporary_stack

_COLORS = {"running": "green", "ok": "green", "degraded": "yellow", "stopped": "dim"}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.stack", description=__doc__)
    parser.add_argument("command", choices=("up", "down", "status", "demo"))
    parser.add_argument("--folder", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--servers-only", action="store_true", help="no services (`up`)")
    chosen = parser.parse_args(arguments)
    console = Console(highlight=False)
    if chosen.command in {"down", "status"} and not (chosen.folder / "stack.json").exists():
        console.print(f"There is no stack in {chosen.folder}.")
        return 0
    if chosen.command == "demo":
        return _demo(console)
    stack = Stack(chosen.folder)
    if chosen.command == "down":
        stack.down()
    if chosen.command == "up":
        started = time.monotonic()
        with console.status("Starting the servers and services"):
            stack.up(servers_only=chosen.servers_only)
        console.print(f"Up after {time.monotonic() - started:.1f} s.\n")
    _print(console, stack)
    return 0


def _demo(console: Console) -> int:
    """On a stack of its own, which leaves nothing behind."""
    with temporary_stack() as stack:
        with console.status("Starting the servers and services"):
            stack.up()
        _print(console, stack)
        demo = subprocess.run(
            [Path(sys.executable).with_name("clientsphere"), "demo", "--url", stack.url],
            env={**os.environ, "CLIENTSPHERE_OPERATOR_KEY": stack.operator_key},
            check=False,
        )
        console.print("Stopping the servers and services.")
        return demo.returncode


def _print(console: Console, stack: Stack) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("part", "what it is", "address", "state"):
        table.add_column(heading, overflow="fold")
    for part in stack.parts.values():
        state = _state(part)
        color = _COLORS.get(state, "red")
        # What a browser opens keeps its scheme.
        address = part.url if part.url.startswith("http") else part.url.rpartition("://")[2]
        table.add_row(part.name, part.what, address, f"[{color}]{state}[/]")
    console.print(table)
    for service in stack.services.values():
        for name, reason in service.missing.items() if service.is_running else ():
            console.print(f"{service.name} misses {escape(name)}: {escape(reason)}")
    folder = stack.folder.path
    console.print(f"\nLogs: {folder}/logs\nOperator key: {folder}/secrets/gateway-operator-key")


def _state(part: Part) -> str:
    if not part.is_running:
        return "stopped"
    return part.state if isinstance(part, Service) else "running"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
