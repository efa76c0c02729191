"""Secrets that are asked for again and again, so that rotation needs no restart."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable

import structlog

from clientsphere_common.errors import (
    DependencyUnavailableError,
    NotFoundError,
    ServiceError,
)
from clientsphere_common.repeating import Repeating
from clientsphere_common.secrets.ports import Secret
from clientsphere_common.secrets.sources import SecretSource

log = structlog.get_logger(__name__)


class PolledSecrets:
    """Asks `source` every `refresh_interval_s` for each secret that was ever read.

    While the source is away the last good values stay in use; `check` says how old they are.
    """

    name = "secrets"

    def __init__(
        self,
        source: SecretSource,
        refresh_interval_s: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._source = source
        self._clock = clock
        self._known: dict[str, Secret] = {}
        self._failures: dict[str, ServiceError] = {}
        self._asking: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._changed = asyncio.Event()
        self._polling = Repeating(self.refresh, lambda: refresh_interval_s)

    async def start(self) -> None:
        """Begin to poll; nothing has to answer yet."""
        self._polling.start()

    async def stop(self) -> None:
        await self._polling.stop()

    async def watch(self) -> None:
        await self._polling.watch()

    async def read(self, name: str) -> Secret:
        try:
            return await self._ask(name)
        except DependencyUnavailableError:
            if name not in self._known:
                raise
            return self._known[name]

    async def changes(self, since: Secret) -> AsyncIterator[Secret]:
        self._known.setdefault(since.name, since)
        while True:
            changed, newest = self._changed, self._known[since.name]
            if newest.value == since.value:
                await changed.wait()
                continue
            since = newest
            yield newest

    async def refresh(self) -> None:
        """Ask for every known secret now; what cannot be had keeps its last good value."""
        for name in list(self._known):
            try:
                await self._ask(name)
            except (DependencyUnavailableError, NotFoundError):
                continue

    async def check(self) -> None:
        """Raise DependencyUnavailableError when a secret in use could not be confirmed."""
        for name, failure in self._failures.items():
            raise DependencyUnavailableError(
                "secret_stale",
                f"The secret {name!r} was last confirmed {self._age_s(name)} s ago:"
                f" {failure.message}",
            ) from failure

    async def _ask(self, name: str) -> Secret:
        # One at a time: an answer that was long under way must not replace a newer one.
        async with self._asking[name]:
            try:
                secret = await self._source.fetch(name, self._known.get(name))
            except (DependencyUnavailableError, NotFoundError) as failure:
                self._note_failure(name, failure)
                raise
            self._learn(secret)
            return secret

    def _note_failure(self, name: str, failure: ServiceError) -> None:
        """Remember that a known secret is out of reach; logged once, not at every attempt."""
        if name not in self._known:
            return
        if name not in self._failures:
            log.warning(
                "secret_not_confirmed",
                secret=name,
                code=failure.code,
                age_s=self._age_s(name),
            )
        self._failures[name] = failure

    def _learn(self, secret: Secret) -> None:
        before = self._known.get(secret.name)
        self._known[secret.name] = secret
        if self._failures.pop(secret.name, None) is not None:
            log.info("secret_confirmed_again", secret=secret.name)
        if before is not None and before.value != secret.value:
            log.info("secret_rotated", secret=secret.name, version=secret.version)
            self._changed.set()
            self._changed = asyncio.Event()

    def _age_s(self, name: str) -> int:
        return round(self._clock() - self._known[name].confirmed_at_s)
