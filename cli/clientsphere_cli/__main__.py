"""Makes `python -m clientsphere_cli` the same as the `clientsphere` command."""

from __future__ import annotations

from clientsphere_cli.main import app

app(prog_name="clientsphere")
