"""`clientsphere limits`: what differs of one tenant's limits, for the operator of the platform."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated

import typer

from clientsphere_cli.client import open_client
from clientsphere_cli.connection import (
    Connection,
    OperatorKeyOption,
    UrlOption,
    connect_as_operator,
)
from clientsphere_cli.model.tenancy import Limit
from clientsphere_cli.output.listings import limit_table
from clientsphere_cli.output.terminal import one_line, plain, show

group = typer.Typer(help="Show and change the limits of one tenant.", no_args_is_help=True)

TenantArgument = Annotated[str, typer.Argument(metavar="TENANT", show_default=False)]
NameArgument = Annotated[
    str, typer.Argument(metavar="LIMIT", help="As docs/limits.md names it.", show_default=False)
]
_PLACES = "concurrent"
"""The limit that has no rate."""


@group.command("show")
def show_limits(
    tenant_id: TenantArgument, url: UrlOption = None, operator_key: OperatorKeyOption = None
) -> None:
    """The limits that differ; all others are those of every tenant."""
    asyncio.run(_show(connect_as_operator(url, operator_key), tenant_id))


async def _show(connection: Connection, tenant_id: str) -> None:
    async with open_client(connection) as client:
        changed = await client.changed_limits(tenant_id)
    show(limit_table(changed) if changed else plain("All limits are those of every tenant."))


@group.command("set")
def set_limit(  # noqa: PLR0913 - the options of a command are its parameters
    tenant_id: TenantArgument,
    name: NameArgument,
    burst: Annotated[int, typer.Option(min=1, help="At once.", show_default=False)],
    per_minute: Annotated[int | None, typer.Option(min=1, help="Sustained.")] = None,
    shadow: Annotated[
        bool, typer.Option("--shadow", help="Count, and refuse nothing for it.")
    ] = False,
    url: UrlOption = None,
    operator_key: OperatorKeyOption = None,
) -> None:
    """Have one limit differ for the tenant; the others stay as they are."""
    if per_minute is None and name != _PLACES:
        raise typer.BadParameter(f"{name} needs --per-minute.")
    limit = Limit(per_minute or 1, burst, shadow)
    asyncio.run(_set(connect_as_operator(url, operator_key), tenant_id, {name: limit}))


async def _set(connection: Connection, tenant_id: str, limits: Mapping[str, Limit]) -> None:
    async with open_client(connection) as client:
        changed = {**await client.changed_limits(tenant_id), **limits}
        await client.change_limits(tenant_id, changed)
    show(limit_table(changed))


@group.command("clear")
def clear_limits(
    tenant_id: TenantArgument,
    name: Annotated[str, typer.Argument(metavar="[LIMIT]", show_default=False)] = "",
    url: UrlOption = None,
    operator_key: OperatorKeyOption = None,
) -> None:
    """Take one change back, or all of them: the limit is again that of every tenant."""
    asyncio.run(_clear(connect_as_operator(url, operator_key), tenant_id, name))


async def _clear(connection: Connection, tenant_id: str, name: str) -> None:
    async with open_client(connection) as client:
        changed = await client.changed_limits(tenant_id) if name else {}
        left = {other: limit for other, limit in changed.items() if other != name}
        await client.change_limits(tenant_id, left)
    show(plain(f"Cleared {one_line(name) or 'all limits'} of {one_line(tenant_id)}."))
