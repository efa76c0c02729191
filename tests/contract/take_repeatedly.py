"""A process of its own that takes from one bucket as often as it can, once it is told to."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import NamedTuple

from clientsphere_common.rate_limits.model import Bucket, Claim, RateLimit
from clientsphere_common.rate_limits.redis import RedisRateLimiter
from clientsphere_common.redis.server import RedisServer
from clientsphere_common.redis.settings import RedisSettings

DURATION_S = 1.0
_TAKERS = 4


class Admission(NamedTuple):
    """The server decided between these two times of the clock that all processes share."""

    asked_s: float
    replied_s: float


async def take_repeatedly(url: str, bucket: Bucket) -> list[Admission]:
    server = RedisServer(RedisSettings(url=url, timeout_s=5))
    await server.start()
    limiter, admissions = RedisRateLimiter(server), list[Admission]()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    stop_s = time.monotonic() + DURATION_S

    async def take() -> None:
        while (asked_s := time.monotonic()) < stop_s:
            (standing,) = await limiter.take(Claim([bucket]))
            if not standing.retry_after_s:
                admissions.append(Admission(asked_s, time.monotonic()))

    await asyncio.gather(*(take() for _ in range(_TAKERS)))
    await server.stop()
    return admissions


if __name__ == "__main__":
    url, key, per_minute, burst = sys.argv[1:]
    limit = RateLimit("law", int(per_minute), int(burst))
    found = asyncio.run(take_repeatedly(url, Bucket(limit, key)))
    sys.stdout.write(json.dumps(found))
