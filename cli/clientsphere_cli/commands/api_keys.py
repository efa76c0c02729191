"""`clientsphere api-keys`: who may act for the tenant."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from clientsphere_cli.client import open_client
from clientsphere_cli.command_groups import ListingGroup
from clientsphere_cli.connection import ApiKeyOption, Connection, UrlOption, connect
from clientsphere_cli.model.tenancy import KeyFilters, KeyRequest
from clientsphere_cli.output.listings import api_key_table
from clientsphere_cli.output.quantities import moment
from clientsphere_cli.output.secrets import new_key
from clientsphere_cli.output.terminal import is_wide, one_line, plain, show, stdout

group = typer.Typer(cls=ListingGroup, help="List, create, rotate and revoke API keys.")


@group.command("list")
def list_api_keys(
    state: Annotated[
        list[str] | None,
        typer.Option(help="Only active, expired or revoked ones; may be repeated."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="PIECE", help="Only those with this in their name.")
    ] = None,
    url: UrlOption = None,
    api_key: ApiKeyOption = None,
) -> None:
    """All API keys (this is what a bare `api-keys` does)."""
    asyncio.run(_list(connect(url, api_key), KeyFilters(tuple(state or ()), name)))


async def _list(connection: Connection, filters: KeyFilters) -> None:
    async with open_client(connection) as client:
        found = await client.api_keys(filters)
    show(api_key_table(found, wide=is_wide(stdout())))


@group.command("create")
def create_api_key(  # noqa: PLR0913 - the options of a command are its parameters
    name: Annotated[str, typer.Argument(help="Who or what will use it.", show_default=False)],
    role: Annotated[
        str, typer.Option(help="What it may do: one that `clientsphere roles` lists.")
    ] = "viewer",
    expires_in_days: Annotated[
        int | None, typer.Option(min=1, help="Unset: it never expires.")
    ] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(help="The only permission of its role that it gets; may be repeated."),
    ] = None,
    network: Annotated[
        list[str] | None,
        typer.Option(help="From where it may be used, as 192.0.2.0/24; may be repeated."),
    ] = None,
    url: UrlOption = None,
    api_key: ApiKeyOption = None,
) -> None:
    """Create an API key; it is shown this once."""
    wanted = KeyRequest(
        name, role, expires_in_days, tuple(scope) if scope else None, tuple(network or ())
    )
    asyncio.run(_create(connect(url, api_key), wanted))


async def _create(connection: Connection, wanted: KeyRequest) -> None:
    async with open_client(connection) as client:
        created = await client.create_api_key(wanted)
    show(plain(f"Created {one_line(created.name)}, {created.role} ({created.id})."))
    stdout().print(new_key("API key", created.key), soft_wrap=True)


@group.command("rotate")
def rotate_api_key(
    key_id: Annotated[str, typer.Argument(metavar="ID", show_default=False)],
    overlap_hours: Annotated[
        int, typer.Option(min=0, max=168, help="How much longer the old one works.")
    ] = 24,
    url: UrlOption = None,
    api_key: ApiKeyOption = None,
) -> None:
    """Replace an API key by a new one of the same id; it is shown this once."""
    asyncio.run(_rotate(connect(url, api_key), key_id, overlap_hours))


async def _rotate(connection: Connection, key_id: str, overlap_hours: int) -> None:
    async with open_client(connection) as client:
        rotated = await client.rotate_api_key(key_id, overlap_hours)
    until = moment(rotated.previous_secret_expires_at)
    show(plain(f"Rotated {one_line(rotated.name)}. The old key works until {until} UTC."))
    stdout().print(new_key("API key", rotated.key), soft_wrap=True)


@group.command("revoke")
def revoke_api_key(
    key_id: Annotated[str, typer.Argument(metavar="ID", show_default=False)],
    url: UrlOption = None,
    api_key: ApiKeyOption = None,
) -> None:
    """Revoke an API key: it stops working at once, for ever."""
    asyncio.run(_revoke(connect(url, api_key), key_id))


async def _revoke(connection: Connection, key_id: str) -> None:
    async with open_client(connection) as client:
        await client.revoke_api_key(key_id)
    show(plain(f"Revoked {one_line(key_id)}."))
