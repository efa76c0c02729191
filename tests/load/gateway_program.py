"""A gateway on a Redis server, with what stands behind it in memory: a process to be loaded.

It says where it is and the keys of two tenants, and ends when its input does.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from prometheus_client import CollectorRegistry

from clientsphere_common.http_server import HttpAddress, HttpServer
from clientsphere_common.logging import configure_logging
from clientsphere_common.rate_limits.assembly import open_rate_limiter
from clientsphere_common.redis.settings import RedisSettings
from clientsphere_common.secrets.folder import FolderSource
from clientsphere_common.secrets.polled import PolledSecrets
from gateway.http_protocol import BoundedHttpProtocol
from gateway.limit_rules import LimitName, LimitRule
from tests.harness.databases import sqlite_database
from tests.harness.gateway import Gateway, gateway_tables
from tests.harness.modules import running


@asynccontextmanager
async def gateway_on(
    redis_url: str, tenant_per_minute: int, tenant_burst: int
) -> AsyncIterator[tuple[Gateway, list[str]]]:
    """With the keys of two tenants."""
    configure_logging("error", "json")
    registry = CollectorRegistry()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        secrets = PolledSecrets(FolderSource(folder), refresh_interval_s=60)
        limiter = await open_rate_limiter(RedisSettings(url=redis_url), secrets, registry)
        await stack.enter_async_context(running(*limiter.modules))
        made = sqlite_database(folder / "gateway.db")
        gateway = Gateway(
            await stack.enter_async_context(gateway_tables(made)),
            limits={LimitName.TENANT: LimitRule(tenant_per_minute, tenant_burst)},
            limiter=limiter.use,
            registry=registry,
        )
        yield gateway, [(await gateway.new_tenant(name)).owner_key.key for name in ("a", "b")]


async def serve(redis_url: str, tenant_per_minute: int, tenant_burst: int) -> None:
    async with gateway_on(redis_url, tenant_per_minute, tenant_burst) as (gateway, keys):
        address = HttpAddress("127.0.0.1", 0, "")
        http = HttpServer(gateway.app, address, protocol=BoundedHttpProtocol)
        async with running(http):
            sys.stdout.write(json.dumps({"url": http.url, "keys": keys}) + "\n")
            sys.stdout.flush()
            await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    url, per_minute, burst = sys.argv[1:]
    asyncio.run(serve(url, int(per_minute), int(burst)))
