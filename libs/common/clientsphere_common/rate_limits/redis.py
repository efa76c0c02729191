"""Counts requests on Redis, for all processes together."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from redis.exceptions import NoScriptError

from clientsphere_common.rate_limits.model import Bucket, Standing, standing_of
from clientsphere_common.redis.server import RedisServer

SERVER_CLOCK = "redis.call('TIME')"
"""A Lua expression for {seconds, microseconds}."""
# The law of InProcessRateLimiter. Lua's numbers are exact up to 2^53: microseconds fit until 2255.
# A key lives longer than its debt: one that expired sooner would forgive it.
_SCRIPT = """
local clock = {clock}
local now = clock[1] * 1000000 + clock[2]
local debts, waits, is_admitted = {{}}, {{}}, true
for i, key in ipairs(KEYS) do
  local interval, burst = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local debt = math.max(0, tonumber(redis.call('GET', key) or 0) - now)
  debts[i] = math.min(debt, interval * burst)
  waits[i] = math.max(0, debts[i] - interval * (burst - 1))
  is_admitted = is_admitted and waits[i] == 0
end
if is_admitted then
  for i, key in ipairs(KEYS) do
    debts[i] = debts[i] + tonumber(ARGV[2 * i - 1])
    local full_at = string.format('%.0f', now + debts[i])
    redis.call('SET', key, full_at, 'PX', math.ceil(debts[i] / 1000) + 10000)
  end
end
return {{debts, waits}}
"""


class RedisRateLimiter:
    """Generic cell rate algorithm in one script, by the clock of the server: one round trip.

    A call that fails may have been counted. The buckets must be on one server, not in a cluster.
    """

    def __init__(self, server: RedisServer, clock: str = SERVER_CLOCK) -> None:
        self._server = server
        self._script = _SCRIPT.format(clock=clock)
        # SHA-1 is what Redis names scripts by.
        self._digest = hashlib.sha1(self._script.encode(), usedforsecurity=False).hexdigest()

    async def take(self, buckets: Sequence[Bucket]) -> list[Standing]:
        debts_us, waits_us = await self._run(
            len(buckets),
            *(f"clientsphere:rate:{bucket.path}" for bucket in buckets),
            *(
                number
                for bucket in buckets
                for number in (bucket.limit.interval_us, bucket.limit.burst)
            ),
        )
        return [
            standing_of(bucket.limit, debt_us, wait_us)
            for bucket, debt_us, wait_us in zip(buckets, debts_us, waits_us, strict=True)
        ]

    async def _run(self, *arguments: str | int) -> Any:
        try:
            return await self._server.call("EVALSHA", self._digest, *arguments)
        except NoScriptError:
            return await self._server.call("EVAL", self._script, *arguments)
