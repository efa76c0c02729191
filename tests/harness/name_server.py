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
_TYPE_A, _TYPE_AAAA, _CLASS_IN, _NO_SUCH_NAME = 1, 28, 1, 3
_FAMILIES = {_TYPE_A: socket.AF_INET, _TYPE_AAAA: socket.AF_INET6}
_ANSWER_FLAGS = 0x8180
_POINTER_TO_QUESTION = 0xC00C


class NameServer(asyncio.DatagramProtocol):
    """Answers over UDP. A name without addresses does not exist; one may come and go."""

    def __init__(self) -> None:
        self.addresses: dict[str, list[str]] = {}
        self.asked: list[str] = []
        """The names of all questions."""
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
        self.asked.append(name)
        known = self.addresses.get(name, [])
        records = [_record(address) for address in known if _type_of(address) == kind]
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
    kind = _type_of(address)
    packed = socket.inet_pton(_FAMILIES[kind], address)
    head = struct.pack("!HHHIH", _POINTER_TO_QUESTION, kind, _CLASS_IN, 0, len(packed))
    return head + packed


def _type_of(address: str) -> int:
    return _TYPE_AAAA if ":" in address else _TYPE_A


async def ask(port: int, name: str) -> list[str]:
    """The addresses of both kinds that the name server on that port has for `name`.

    As a resolver asks; raises OSError for a name without addresses.
    """
    found = [one for kind in _FAMILIES for one in await _ask(port, name.rstrip("."), kind)]
    if not found:
        raise OSError(f"{name} has no address")
    return found


async def _ask(port: int, name: str, kind: int) -> list[str]:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    query = struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0) + labels + b"\0"
    query += _QUESTION_TAIL.pack(kind, _CLASS_IN)
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.setblocking(False)
        client.connect(("127.0.0.1", port))
        await loop.sock_sendall(client, query)
        answer = await asyncio.wait_for(loop.sock_recv(client, 4096), 5)
    (count,) = struct.unpack_from("!H", answer, 6)
    at, found = len(query), []
    for _ in range(count):
        (size,) = struct.unpack_from("!H", answer, at + 10)
        found.append(socket.inet_ntop(_FAMILIES[kind], answer[at + 12 : at + 12 + size]))
        at += 12 + size
    return found
