"""A name server for tests: says which addresses a name has at the moment.

async with name_server() as names:
    names.addresses["retrieval"] = ["127.0.0.1", "127.0.0.2"]
    channel = open_channel(names.target("retrieval", port))
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

_HEADER_BYTES = 12
_QUESTION_TAIL = struct.Struct("!HH")
_TYPE_A, _CLASS_IN, _NO_SUCH_NAME = 1, 1, 3
_ANSWER_FLAGS = 0x8180
_POINTER_TO_QUESTION = 0xC00C


class NameServer(asyncio.DatagramProtocol):
    """Answers over UDP. A name without addresses does not exist; one may come and go."""

    def __init__(self) -> None:
        self.addresses: dict[str, list[str]] = {}
        self.port = 0
        self._transport: asyncio.DatagramTransport | None = None

    def target(self, name: str, port: int) -> str:
        """The gRPC address of whatever serves `port` under `name`."""
        return f"dns://127.0.0.1:{self.port}/{name}:{port}"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        assert self._transport is not None
        self._transport.sendto(self._answer(data), addr)

    def _answer(self, query: bytes) -> bytes:
        name, end = _name(query)
        kind, _ = _QUESTION_TAIL.unpack_from(query, end)
        question = query[_HEADER_BYTES : end + _QUESTION_TAIL.size]
        known = self.addresses.get(name, [])
        records = [_record(address) for address in known] if kind == _TYPE_A else []
        flags = _ANSWER_FLAGS | (0 if known else _NO_SUCH_NAME)
        header = query[:2] + struct.pack("!HHHHH", flags, 1, len(records), 0, 0)
        return header + question + b"".join(records)


@asynccontextmanager
async def name_server() -> AsyncIterator[NameServer]:
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(NameServer, ("127.0.0.1", 0))
    try:
        yield server
    finally:
        transport.close()


def _name(query: bytes) -> tuple[str, int]:
    """The name asked for, and where it ends."""
    labels, at = [], _HEADER_BYTES
    while length := query[at]:
        labels.append(query[at + 1 : at + 1 + length].decode())
        at += 1 + length
    return ".".join(labels), at + 1


def _record(address: str) -> bytes:
    """Not to be kept: its time to live is 0."""
    packed = socket.inet_aton(address)
    return struct.pack("!HHHIH", _POINTER_TO_QUESTION, _TYPE_A, _CLASS_IN, 0, 4) + packed
