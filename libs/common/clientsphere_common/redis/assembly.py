"""Opens the Redis server that settings and secrets name."""

from __future__ import annotations

from clientsphere_common.modules import Opened
from clientsphere_common.redis.server import RedisServer
from clientsphere_common.redis.settings import RedisSettings
from clientsphere_common.secrets.following import FollowedSecret, optional_secret
from clientsphere_common.secrets.ports import Secrets

_PASSWORD = "redis-password"  # noqa: S105  # the name of the secret


async def open_redis(settings: RedisSettings, secrets: Secrets) -> Opened[RedisServer]:
    known = await optional_secret(secrets, _PASSWORD)
    if known is None:
        server = RedisServer(settings)
        return Opened(server, modules=(server,))
    password = FollowedSecret(secrets, _PASSWORD, known=known)
    server = RedisServer(settings, lambda: password.value)
    return Opened(server, modules=(password, server))
