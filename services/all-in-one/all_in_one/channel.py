"""The channel on which the services of this process call each other."""

from __future__ import annotations

from clientsphere_common.rpc.channels import open_channel


class SharedChannel:
    """A module: closed after everything that calls has stopped."""

    name = "channel"

    def __init__(self, address: str) -> None:
        self.channel = open_channel(address)

    async def start(self) -> None:
        """Wait until the other end answers."""
        await self.channel.channel_ready()

    async def stop(self) -> None:
        await self.channel.close()
