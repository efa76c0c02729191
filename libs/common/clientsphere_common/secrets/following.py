"""One secret as a process has it at hand: always the newest, without a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog

from clientsphere_common.errors import NotFoundError
from clientsphere_common.secrets.ports import Secret, Secrets

log = structlog.get_logger(__name__)


class FollowedSecret:
    """A module: read at start, unless `known` was read before, then followed in the background.

    Each of `on_change` is called with every later value, after `value` has changed to it. It
    refuses one that it cannot use with ValueError, which is logged, and goes on with what it has.
    """

    def __init__(
        self,
        secrets: Secrets,
        name: str,
        on_change: Sequence[Callable[[str], None]] = (),
        known: Secret | None = None,
    ) -> None:
        self._secrets = secrets
        self._name = name
        self._on_change = tuple(on_change)
        self._newest = known
        self._following: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        return f"secret {self._name}"

    @property
    def value(self) -> str:
        if self._newest is None:
            raise RuntimeError(f"the secret {self._name!r} has not been read yet")
        return self._newest.value

    async def start(self) -> None:
        """Raises NotFoundError or DependencyUnavailableError, as `Secrets.read` does."""
        first = self._newest or await self._secrets.read(self._name)
        self._newest = first
        self._following = asyncio.create_task(self._follow(first), name=self.name)

    async def stop(self) -> None:
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait({self._following})

    async def watch(self) -> None:
        if self._following is not None:
            # Unlike awaiting the task, this does not cancel it when the watcher is cancelled.
            await asyncio.wait({self._following})
            self._following.result()

    async def _follow(self, first: Secret) -> None:
        async for secret in self._secrets.changes(first):
            self._newest = secret
            try:
                for tell in self._on_change:
                    tell(secret.value)
            except ValueError:
                # Not the reason: it may quote the value.
                log.error("secret_unusable", secret=self._name, version=secret.version)


async def optional_secret(secrets: Secrets, name: str) -> Secret | None:
    """None when there is no such secret; raises DependencyUnavailableError as `read` does."""
    try:
        return await secrets.read(name)
    except NotFoundError:
        return None
