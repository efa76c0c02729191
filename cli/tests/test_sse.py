"""Server-sent events, cut into chunks wherever a network likes to."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from clientsphere_cli.sse import ServerEvent, read_events

STREAM = (
    ": keep-alive\n\n"
    "event: delta\r\ndata: one\r\n\r\n"
    "data:two\ndata:  lines\n\n"
    "event: line\ndata: a\u2028b\n\n"
    "event: nothing\n\n"
    "id: 7\nevent: unfinished\ndata: x\n"
)
EVENTS = [
    ServerEvent("delta", "one"),
    ServerEvent("message", "two\n lines"),
    ServerEvent("line", "a\u2028b"),
]


async def chunks(text: str, size: int) -> AsyncIterator[str]:
    for start in range(0, len(text), size):
        yield text[start : start + size]


class TestReadEvents:
    @pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
    async def test_complete_events_come_out_whatever_the_chunks(self, size: int) -> None:
        assert [event async for event in read_events(chunks(STREAM, size))] == EVENTS
