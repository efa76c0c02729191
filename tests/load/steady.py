"""Requests at a steady pace, whatever becomes of those before.

None waits for another one, so that the time of each counts from when it was really sent: that the
client was late, on a machine that it shares with what it measures, is no fault of the server.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from clientsphere_common.access.enforcement import require
from clientsphere_common.access.model import Permission
from clientsphere_common.redis.server import RedisServer
from gateway.limit_rules import RouteClass
from gateway.limits import Visit
from tests.harness.gateway import Gateway

_ADDRESS = "192.0.2.1"


@dataclass(frozen=True)
class Outcome:
    sent_s: float
    elapsed_s: float
    status: int


class SteadyLoad(ABC):
    async def load(self, per_s: float, duration_s: float) -> list[Outcome]:
        begin_s = time.monotonic()
        sending = []
        for number in range(round(per_s * duration_s)):
            due_s = begin_s + number / per_s
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            sending.append(asyncio.create_task(self._outcome()))
        return list(await asyncio.gather(*sending))

    async def _outcome(self) -> Outcome:
        sent_s = time.monotonic()
        status = await self.send()
        return Outcome(sent_s, time.monotonic() - sent_s, status)

    @abstractmethod
    async def send(self) -> int:
        """One request; the status of its response."""


class HttpClient(SteadyLoad):
    """Sends GET requests for one path with one credential, on as many connections as it needs."""

    def __init__(self, url: str, path: str, key: str) -> None:
        parts = urlsplit(url)
        self._address = (str(parts.hostname), int(parts.port or 0))
        head = f"GET {path} HTTP/1.1\r\nhost: load\r\nauthorization: Bearer {key}\r\n\r\n"
        self._request = head.encode()
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def send(self) -> int:
        reader, writer = await self._connection()
        writer.write(self._request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length))
        self._idle.append((reader, writer))
        return int(head[9:12])

    def close(self) -> None:
        for _, writer in self._idle:
            writer.close()

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof():
                return reader, writer
            writer.close()
        return await asyncio.open_connection(*self._address)


class StepClient(SteadyLoad):
    """Takes the step before the endpoint as the gateway does, in this process and without HTTP."""

    def __init__(self, gateway: Gateway, key: str) -> None:
        self._services = gateway.services
        self._key = key

    async def send(self) -> int:
        limits = self._services.limits
        (await limits.arrive(_ADDRESS)).require()
        caller = await self._services.authentication.caller(self._key, _ADDRESS)
        admission = await limits.admit_caller(caller, Visit(_ADDRESS, RouteClass.READ))
        admission.require()
        require(caller, Permission.KNOWLEDGE_BASES_READ)
        limits.settle(admission)
        return 200


class FloorClient(SteadyLoad):
    """One round trip to Redis that does nothing: what the step cannot be faster than."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server

    async def send(self) -> int:
        await self._server.call("PING")
        return 200


def statuses(outcomes: Sequence[Outcome]) -> dict[int, int]:
    return dict(sorted(Counter(one.status for one in outcomes).items()))


def percentile_ms(outcomes: Sequence[Outcome], percent: int) -> float:
    elapsed = [one.elapsed_s for one in outcomes]
    return statistics.quantiles(elapsed, n=100, method="inclusive")[percent - 1] * 1000
