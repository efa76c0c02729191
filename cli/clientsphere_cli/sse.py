"""Reads server-sent events (WHATWG HTML, section 9.2) off a response."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass


@dataclass(frozen=True)
class ServerEvent:
    name: str
    data: str


async def read_events(chunks: AsyncIterator[str]) -> AsyncGenerator[ServerEvent]:
    """The complete events of a stream that arrives in `chunks`, cut anywhere."""
    name, data = "message", list[str]()
    async for line in _lines(chunks):
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)
        elif not line:
            if data:
                yield ServerEvent(name, "\n".join(data))
            name, data = "message", []


async def _lines(chunks: AsyncIterator[str]) -> AsyncIterator[str]:
    """Split at line feeds only: `str.splitlines` also splits at characters that JSON may hold."""
    rest = ""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split("\n")
        for line in lines:
            yield line.removesuffix("\r")
