"""Work that nobody waits for any more is ended."""

from __future__ import annotations

import asyncio

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

from gateway.api.connection import while_connected


class Client:
    def __init__(self) -> None:
        self.messages: asyncio.Queue[Message] = asyncio.Queue()

    async def receive(self) -> Message:
        return await self.messages.get()


class Work:
    def __init__(self) -> None:
        self.has_begun = asyncio.Event()
        self.was_cancelled = False

    async def do(self) -> None:
        try:
            self.has_begun.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise


async def failing() -> None:
    raise ValueError("its own failure")


async def three() -> int:
    return 3


class TestWhileConnected:
    async def test_gives_what_the_work_returns(self) -> None:
        assert await while_connected(Client().receive, three()) == 3

    async def test_raises_what_the_work_raises(self) -> None:
        with pytest.raises(ValueError, match="its own failure"):
            await while_connected(Client().receive, failing())

    async def test_ends_the_work_when_the_client_goes(self) -> None:
        client, work = Client(), Work()
        await client.messages.put({"type": "http.request"})
        await client.messages.put({"type": "http.disconnect"})
        with pytest.raises(ClientDisconnect):
            await while_connected(client.receive, work.do())
        assert work.was_cancelled

    async def test_ends_the_work_when_it_is_cancelled_itself(self) -> None:
        work = Work()
        outer = asyncio.create_task(while_connected(Client().receive, work.do()))
        await work.has_begun.wait()
        outer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await outer
        assert work.was_cancelled
