"""Counts requests on Redis, for all processes together."""

from __future__ import annotations

from collections.abc import Sequence

from clientsphere_common.rate_limits.model import Bucket, Claim, Settlement, Standing, standing_of
from clientsphere_common.rate_limits.redis_holds import HOLD_S, RedisHolds, key_of, member_of
from clientsphere_common.rate_limits.redis_scripts import SERVER_CLOCK, take_script
from clientsphere_common.redis.scripts import RedisScript
from clientsphere_common.redis.server import RedisServer


class RedisRateLimiter:
    """Generic cell rate algorithm in one script, by the clock of the server: one round trip.

    A call that fails may have been counted. The buckets must be on one server, not in a cluster.
    A module: while it runs, what claims hold is settled and renewed.
    """

    name = "rate limits"

    def __init__(
        self,
        server: RedisServer,
        clock: str = SERVER_CLOCK,
        hold_s: float = HOLD_S,
        patient: RedisServer | None = None,
    ) -> None:
        """`patient` is the same server, waited for longer: where strict claims are counted."""
        self._take = RedisScript(server, take_script(clock))
        self._take_strictly = RedisScript(patient or server, take_script(clock))
        self._holds = RedisHolds(server, clock, hold_s)

    @property
    def process_count(self) -> int:
        """Processes that count together, as far as this one knows; at least 1."""
        return self._holds.process_count

    async def start(self) -> None:
        await self._holds.start()

    async def watch(self) -> None:
        await self._holds.watch()

    async def stop(self) -> None:
        await self._holds.stop()

    async def take(self, claim: Claim) -> list[Standing]:
        buckets = claim.buckets
        numbers = " ".join(map(_numbers, buckets))
        script = self._take_strictly if claim.is_strict else self._take
        reply = await script.run(
            list(map(key_of, buckets)), [claim.id, self._holds.hold_us, numbers]
        )
        told = [int(number) for number in reply.split()]
        owed_us, waits_us = told[::2], told[1::2]
        standings = list(map(standing_of, (one.limit for one in buckets), owed_us, waits_us))
        if not any(standing.refuses for standing in standings):
            self._holds.begin(
                (bucket, member_of(bucket, claim.id))
                for bucket, wait_us in zip(buckets, waits_us, strict=True)
                if bucket.is_held and not wait_us
            )
        return standings

    async def flush(self) -> None:
        """Settle now what has ended, rather than soon. Raises DependencyUnavailableError."""
        await self._holds.flush()

    def settle(self, settlements: Sequence[Settlement]) -> None:
        self._holds.settle(settlements)


def _numbers(bucket: Bucket) -> str:
    limit = bucket.limit
    amounts = f"{limit.interval_us} {limit.burst} {bucket.wanted}"
    return f"{amounts} {bucket.is_held:d} {limit.is_shadow:d}"
