"""Measures what limits cost and what they keep when Redis stands still or a tenant floods.

    python -m tests.load.limits [step] [freeze] [flood]

Each takes less than two minutes: a gateway with a real Redis server, in processes of their own.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from clientsphere_common.redis.server import RedisServer
from clientsphere_common.redis.settings import RedisSettings
from tests.harness.modules import running
from tests.harness.redis_server import RedisUnderTest, redis_server
from tests.load.gateway_program import gateway_on
from tests.load.steady import FloorClient, HttpClient, Outcome, StepClient, percentile_ms, statuses

_PATH = "/v1/knowledge-bases"
_ROOMY = (6_000_000, 1_000_000)


@dataclass(frozen=True)
class Loaded:
    redis: RedisUnderTest
    url: str
    keys: tuple[str, str]

    @asynccontextmanager
    async def client(self, tenant: int = 0) -> AsyncIterator[HttpClient]:
        """Warm."""
        client = HttpClient(self.url, _PATH, self.keys[tenant])
        await client.load(20, 1)
        yield client
        client.close()


@asynccontextmanager
async def loaded(per_minute: int, burst: int) -> AsyncIterator[Loaded]:
    with redis_server() as redis:
        program = [sys.executable, "-m", "tests.load.gateway_program"]
        started = subprocess.Popen(
            [*program, redis.url, str(per_minute), str(burst)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert started.stdin is not None
        assert started.stdout is not None
        try:
            told = json.loads(await asyncio.to_thread(started.stdout.readline))
            yield Loaded(redis, told["url"], tuple(told["keys"]))
        finally:
            redis.thaw()
            started.stdin.close()
            started.wait(20)


async def step() -> None:
    """Authentication, limits and permissions of 500 requests a second, and nothing else."""
    with redis_server() as redis:
        async with gateway_on(redis.url, *_ROOMY) as (gateway, keys):
            client = StepClient(gateway, keys[0])
            await client.load(200, 1)
            begin_s = time.process_time()
            outcomes = await client.load(500, 10)
            busy_ms = (time.process_time() - begin_s) * 1000 / len(outcomes)
            server = RedisServer(RedisSettings(url=redis.url, timeout_s=5))
            async with running(server):
                floor = await FloorClient(server).load(500, 10)
    say("step: p50, p99", f"{two(outcomes)} (p99 at most 1)")
    say("  one bare round trip to Redis", two(floor))
    say("  processor time, with the client", f"{busy_ms:.2f} ms")


async def freeze() -> None:
    """Redis stands still for 10 s at 200 requests a second, twice what the tenant may."""
    burst, per_s = 100, 100
    async with loaded(per_s * 60, burst) as gateway, gateway.client() as client:
        before = await client.load(200, 8)
        gateway.redis.freeze()
        frozen = await client.load(200, 10)
        gateway.redis.thaw()
        after = await client.load(200, 5)
    outcomes = [*before, *frozen, *after]
    span_s = max(one.sent_s + one.elapsed_s for one in outcomes) - outcomes[0].sent_s
    admitted = sum(one.status == 200 for one in outcomes)
    say("freeze: before", f"{statuses(before)}, {two(before)}")
    say("  frozen", f"{statuses(frozen)}, {two(frozen)}")
    say("  after", f"{statuses(after)}, {two(after)}")
    added_ms = percentile_ms(frozen, 99) - percentile_ms(before, 99)
    say("  added p99", f"{added_ms:.1f} ms (at most 60)")
    over = admitted - (burst + per_s * span_s)
    say("  admitted above the limit", f"{over:.0f} (at most {2 * burst})")


async def flood() -> None:
    """One tenant asks ten times what it may; the other one goes on. Both in turns of 4 s."""
    alone, meanwhile = list[Outcome](), list[Outcome]()
    async with (
        loaded(15 * 60, 100) as gateway,
        gateway.client(0) as flooding,
        gateway.client(1) as other,
    ):
        await flooding.load(150, 2)
        for _ in range(10):
            alone += await other.load(12, 4)
            _, beside = await asyncio.gather(flooding.load(150, 4), other.load(12, 4))
            meanwhile += beside
    say("flood: the other tenant alone", f"{statuses(alone)}, {two(alone)}")
    say("  beside one that floods", f"{statuses(meanwhile)}, {two(meanwhile)}")
    ratio = percentile_ms(meanwhile, 99) / percentile_ms(alone, 99)
    say("  its p99, times the one before", f"{ratio:.2f} (less than 1.2)")


def two(outcomes: list[Outcome]) -> str:
    return f"{percentile_ms(outcomes, 50):.2f} ms, {percentile_ms(outcomes, 99):.2f} ms"


def say(what: str, figure: str) -> None:
    sys.stdout.write(f"{what:<36}{figure}\n")
    sys.stdout.flush()


MEASURED: dict[str, Callable[[], Awaitable[None]]] = {
    "step": step,
    "freeze": freeze,
    "flood": flood,
}


async def main(names: list[str]) -> None:
    say("load of the machine, processors", f"{os.getloadavg()[0]:.1f}, {os.cpu_count()}")
    for name in names or MEASURED:
        await MEASURED[name]()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
