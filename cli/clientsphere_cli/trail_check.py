"""Checks a tenant's audit trail from the events alone, without believing what the server says."""

from __future__ import annotations

from contextlib import aclosing

from clientsphere_cli.client import Client
from clientsphere_cli.failures import CliError
from clientsphere_cli.model.trail import TrailHead
from clientsphere_common.hash_chain import BrokenChainError, ChainLink, verify_chain


async def check_trail(client: Client) -> TrailHead:
    """The head of the trail as it is now, after all events up to it were found to lead there.

    Raises CliError that names the first bad event.
    """
    head = await client.trail_head()
    links: list[ChainLink] = []
    async with aclosing(client.trail()) as events:
        async for link in events:
            # Events may be added while we read; the head was read first.
            if len(links) == head.sequence:
                break
            links.append(link)
    try:
        verify_chain(links, head.sequence, head.hash)
    except BrokenChainError as error:
        raise CliError(f"The audit trail is not what was recorded: {error}.") from error
    return head
