"""What requests in hand hold on Redis: renewed while they run, settled when they end."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress

import structlog

from clientsphere_common.errors import DependencyUnavailableError
from clientsphere_common.rate_limits.model import Bucket, Settlement
from clientsphere_common.rate_limits.redis_scripts import (
    SERVER_CLOCK,
    renew_script,
    settle_script,
)
from clientsphere_common.redis.scripts import RedisScript
from clientsphere_common.redis.server import RedisServer

log = structlog.get_logger(__name__)

HOLD_S = 20.0
"""After which what a killed process held is free again."""
_RENEWALS_PER_HOLD = 4
_RETRY_INTERVAL_S = 0.5
_BATCH = 256
_PREFIX = "clientsphere:rate:"
_PROCESSES = "clientsphere:rate-processes"


def key_of(bucket: Bucket) -> str:
    return _PREFIX + bucket.path


def member_of(bucket: Bucket, claim_id: str) -> str:
    return f"{bucket.wanted}:{claim_id}"


class RedisHolds:
    """Settlements are sent at once, those that come meanwhile together with the next ones.

    One task sends everything, so that nothing is renewed after it was settled. What cannot be
    settled in time has expired by itself.
    """

    def __init__(
        self,
        server: RedisServer,
        clock: str = SERVER_CLOCK,
        hold_s: float = HOLD_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.hold_us = round(hold_s * 1_000_000)
        self._hold_s = hold_s
        self._settle = RedisScript(server, settle_script(clock))
        self._renew = RedisScript(server, renew_script(clock))
        self._monotonic = monotonic
        self._process = secrets.token_hex(8)
        self._open: dict[tuple[str, str], None] = {}
        self._ended: deque[tuple[float, Settlement]] = deque()
        self._awake = asyncio.Event()
        self._renew_at_s = 0.0
        self._is_stopping = False
        self._task: asyncio.Task[None] | None = None
        self.process_count = 1

    def begin(self, held: Iterable[tuple[Bucket, str]]) -> None:
        for bucket, member in held:
            self._open[key_of(bucket), member] = None

    def settle(self, settlements: Sequence[Settlement]) -> None:
        expires_at_s = self._monotonic() + self._hold_s
        self._ended.extend((expires_at_s, one) for one in settlements)
        if settlements:
            self._awake.set()

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="rate limits")

    async def watch(self) -> None:
        if self._task is not None:
            await asyncio.shield(self._task)

    async def stop(self) -> None:
        """Settle what has ended, as far as Redis answers."""
        self._is_stopping = True
        self._awake.set()
        if self._task is not None:
            await asyncio.wait({self._task})
        with suppress(DependencyUnavailableError):
            await self.flush()

    async def _run(self) -> None:
        while not self._is_stopping:
            try:
                await self.flush()
                await self._renew_in_time()
            except DependencyUnavailableError:
                await asyncio.sleep(_RETRY_INTERVAL_S)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(self._renew_at_s - self._monotonic()):
                    await self._awake.wait()

    async def flush(self) -> None:
        """Settle what has ended. Raises DependencyUnavailableError; then it is tried again."""
        self._awake.clear()
        while self._ended:
            batch = [self._ended.popleft() for _ in range(min(_BATCH, len(self._ended)))]
            try:
                await self._settle_batch([one for _, one in batch])
            except DependencyUnavailableError:
                now_s = self._monotonic()
                self._ended.extendleft(one for one in reversed(batch) if one[0] > now_s)
                raise

    async def _settle_batch(self, settlements: Sequence[Settlement]) -> None:
        keys, arguments = list[str](), list[str | int]()
        for one in settlements:
            bucket, limit = one.bucket, one.bucket.limit
            member = member_of(bucket, one.claim_id) if bucket.is_held else ""
            self._open.pop((key_of(bucket), member), None)
            keys.append(key_of(bucket))
            arguments += (member, limit.interval_us, limit.burst, one.used)
        await self._settle.run(keys, arguments)

    async def _renew_in_time(self) -> None:
        if self._monotonic() < self._renew_at_s:
            return
        for batch in _batches(list(self._open)):
            self.process_count = await self._renew.run(
                [_PROCESSES, *(key for key, _ in batch)],
                [self.hold_us, self._process, *(member for _, member in batch)],
            )
        self._renew_at_s = self._monotonic() + self._hold_s / _RENEWALS_PER_HOLD


def _batches(held: Sequence[tuple[str, str]]) -> Iterator[Sequence[tuple[str, str]]]:
    """At least one, which may be empty: the process itself is renewed too."""
    for start in range(0, max(1, len(held)), _BATCH):
        yield held[start : start + _BATCH]
