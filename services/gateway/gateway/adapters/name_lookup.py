"""The addresses of names, as the machine's resolver knows them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

NameLookup = Callable[[str], Awaitable[Sequence[str]]]
"""Raises OSError, or UnicodeError, for a name without an address."""

_LOOKUPS_AT_ONCE = 32


class MachineNames:
    """A module. In threads of its own: a slow name server must not hold up other lookups."""

    name = "name lookups"

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_LOOKUPS_AT_ONCE, thread_name_prefix="names")

    async def start(self) -> None:
        """Threads begin with the first names."""

    async def stop(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def addresses(self, name: str) -> Sequence[str]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, _addresses, name)


def _addresses(name: str) -> Sequence[str]:
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
