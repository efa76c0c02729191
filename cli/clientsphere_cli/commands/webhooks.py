"""`clientsphere webhooks`: which of the tenant's own systems are told of events."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from clientsphere_cli.client import Client, open_client
from clientsphere_cli.command_groups import ListingGroup
from clientsphere_cli.connection import ApiKeyOption, Connection, UrlOption, connect
from clientsphere_cli.failures import CliError
from clientsphere_cli.model.webhooks import Delivery
from clientsphere_cli.output.listings import delivery_table, webhook_table
from clientsphere_cli.output.secrets import new_key
from clientsphere_cli.output.terminal import one_line, plain, show, stdout

group = typer.Typer(
    cls=ListingGroup, help="List, create, test and delete webhooks; see their deliveries."
)

IdArgument = Annotated[str, typer.Argument(metavar="ID", show_default=False)]
_LOOKS = 60
_PAUSE_S = 0.25


@group.command("list")
def list_webhooks(url: UrlOption = None, api_key: ApiKeyOption = None) -> None:
    """All webhooks (this is what a bare `webhooks` does)."""
    asyncio.run(_list(connect(url, api_key)))


async def _list(connection: Connection) -> None:
    async with open_client(connection) as client:
        found = await client.webhooks()
    show(webhook_table(found) if found else plain("No webhooks yet."))


@group.command("create")
def create_webhook(
    receiver: Annotated[
        str, typer.Argument(metavar="RECEIVER", help="Its https URL.", show_default=False)
    ],
    event_types: Annotated[
        list[str], typer.Argument(help="As docs/webhooks.md names them.", show_default=False)
    ],
    url: UrlOption = None,
    api_key: ApiKeyOption = None,
) -> None:
    """Have a receiver told of events of these types; its secret is shown this once."""
    asyncio.run(_create(connect(url, api_key), receiver, event_types))


async def _create(connection: Connection, receiver: str, event_types: list[str]) -> None:
    async with open_client(connection) as client:
        created = await client.create_webhook(receiver, event_types)
    show(plain(f"Created {created.id}."))
    stdout().print(new_key("Secret", created.secret), soft_wrap=True)


@group.command("delete")
def delete_webhook(
    webhook_id: IdArgument, url: UrlOption = None, api_key: ApiKeyOption = None
) -> None:
    """Delete a webhook; nothing that waits is sent."""
    asyncio.run(_delete(connect(url, api_key), webhook_id))


async def _delete(connection: Connection, webhook_id: str) -> None:
    async with open_client(connection) as client:
        await client.delete_webhook(webhook_id)
    show(plain(f"Deleted {one_line(webhook_id)}."))


@group.command("deliveries")
def list_deliveries(
    webhook_id: IdArgument, url: UrlOption = None, api_key: ApiKeyOption = None
) -> None:
    """The newest deliveries to a webhook, and how they went."""
    asyncio.run(_deliveries(connect(url, api_key), webhook_id))


async def _deliveries(connection: Connection, webhook_id: str) -> None:
    async with open_client(connection) as client:
        found = await client.webhook_deliveries(webhook_id)
    show(delivery_table(found) if found else plain("No deliveries yet."))


@group.command("test")
def send_test(webhook_id: IdArgument, url: UrlOption = None, api_key: ApiKeyOption = None) -> None:
    """Send a test to a receiver, and tell how it went."""
    asyncio.run(_test(connect(url, api_key), webhook_id))


async def _test(connection: Connection, webhook_id: str) -> None:
    async with open_client(connection) as client:
        sent = await client.test_webhook(webhook_id)
        settled = await _settled(client, webhook_id, sent)
    if settled.state != "delivered":
        status = "" if settled.response_status is None else f" ({settled.response_status})"
        raise CliError(f"The receiver did not accept the test: {settled.reason}{status}.")
    show(plain(f"The receiver accepted the test ({settled.response_status})."))


async def _settled(client: Client, webhook_id: str, sent: Delivery) -> Delivery:
    for _ in range(_LOOKS):
        newest = await client.webhook_deliveries(webhook_id)
        for delivery in newest:
            if delivery.id == sent.id and delivery.is_settled:
                return delivery
        await asyncio.sleep(_PAUSE_S)
    raise CliError("The test is still on its way: see `clientsphere webhooks deliveries`.")
