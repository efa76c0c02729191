"""The `clientsphere` command: its groups and commands, in the order in which help shows them."""

from __future__ import annotations

import typer

from clientsphere_cli.command_groups import ReportingGroup
from clientsphere_cli.commands import (
    access,
    api_keys,
    audit,
    documents,
    events,
    knowledge_bases,
    limits,
    roles,
    tenants,
    webhooks,
)
from clientsphere_cli.commands.ask import ask, search
from clientsphere_cli.commands.demo import demo
from clientsphere_cli.commands.login import login, logout
from clientsphere_cli.commands.migrate import migrate
from clientsphere_cli.commands.run import run
from clientsphere_cli.commands.upload import upload

app = typer.Typer(
    cls=ReportingGroup,
    help="Ask your documents, and see where the answer stands.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (demo, run, migrate, login, logout, upload, ask, search):
    app.command()(command)
app.add_typer(documents.group, name="documents")
app.add_typer(knowledge_bases.group, name="knowledge-bases")
app.add_typer(access.group, name="access")
app.add_typer(api_keys.group, name="api-keys")
app.add_typer(roles.group, name="roles")
app.add_typer(webhooks.group, name="webhooks")
app.add_typer(audit.group, name="audit")
app.add_typer(tenants.group, name="tenants")
app.add_typer(limits.group, name="limits")
app.add_typer(events.group, name="events")
