"""Lets one request act for its key at a time, and keeps what it answered."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from clientsphere_common.errors import ConflictError, ServiceError, UnprocessableError
from gateway.idempotency.attempt import Attempt
from gateway.idempotency.model import Reply, Scope, Wish
from gateway.idempotency.sealing import RequestSecrets
from gateway.metrics import IdempotencyMetrics
from gateway.ports import ClaimStore

log = structlog.get_logger(__name__)

LEASE_S = 30.0
"""A request that died is followed on after so long at the latest. Also covers unequal clocks."""
_COME_BACK_S = 1.0
_SEED_BYTES = 32
MAX_REPLY_BYTES = 1024 * 1024
_REFUSALS = frozenset({401, 403, 429})
"""What they refuse has had no effect, and may be granted the next time."""
_SERVER_ERRORS = 500


@dataclass(frozen=True)
class KeyTimes:
    kept_s: float
    """From the request that brought the key first."""
    renewed_every_s: float = 10.0
    """Less than half of a lease: one renewal may fail."""


class IdempotentRequests:
    """What comes again with its key is done once and answered the same."""

    def __init__(
        self,
        store: ClaimStore,
        request_secrets: RequestSecrets,
        metrics: IdempotencyMetrics,
        times: KeyTimes,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._secrets = request_secrets
        self._metrics = metrics
        self._times = times
        self._clock = clock

    async def begin(self, scope: Scope, key: str, digest: bytes | None) -> Attempt:
        """Act for the key from here on, unless the attempt's `claim` says that it has a reply.

        `digest` is of all that makes the request what it is; None: `bind` will say it.
        Raises ConflictError while another request acts, UnprocessableError for a key that came
        with another request before.
        """
        own = self._secrets.of(scope, key)
        now_ms = self._now_ms()
        wish = Wish(
            id=own.id,
            tenant_id=scope.tenant_id,
            seed=secrets.token_bytes(_SEED_BYTES),
            fingerprint=None if digest is None else own.fingerprint(digest),
            now_ms=now_ms,
            lease_ends_ms=now_ms + int(LEASE_S * 1000),
            expires_ms=now_ms + int(self._times.kept_s * 1000),
        )
        attempt = Attempt(await self._store.claim(wish), own)
        claim = attempt.claim
        if digest is not None and claim.fingerprint != wish.fingerprint:
            raise self._reused()
        if not claim.is_ours and claim.reply is None:
            raise self._in_use()
        if claim.is_ours:
            self._metrics.count("resumed" if attempt.is_repeated else "executed")
        return attempt

    def reply(self, attempt: Attempt, digest: bytes) -> Reply:
        """What the request was answered. Raises UnprocessableError if it was another request."""
        claim = attempt.claim
        if claim.reply is None or claim.fingerprint != attempt.secrets.fingerprint(digest):
            raise self._reused()
        self._metrics.count("replayed")
        return attempt.secrets.open(claim.seed, claim.reply)

    async def bind(self, attempt: Attempt, digest: bytes) -> None:
        """Say which request it is, before it has its effect. Raises as `begin`."""
        wanted = attempt.secrets.fingerprint(digest)
        bound = await self._store.bind(attempt.claim, wanted)
        if bound is None:
            raise self._in_use()
        if bound != wanted:
            raise self._reused()

    @asynccontextmanager
    async def held(self, attempt: Attempt) -> AsyncIterator[None]:
        """Nobody else acts until the block ends; once it raises, somebody else may at once."""
        renewing = asyncio.create_task(self._keep(attempt))
        try:
            yield
        except BaseException:
            await self.release(attempt)
            raise
        finally:
            renewing.cancel()

    async def settle(self, attempt: Attempt, reply: Reply) -> None:
        """Keep `reply` for those who ask again, where it is worth keeping."""
        claim = attempt.claim
        if reply.status in _REFUSALS and not attempt.is_repeated:
            await _noted(self._store.forget(claim))
        elif _is_final(reply):
            sealed = attempt.secrets.seal(claim.seed, reply)
            await _noted(self._store.finish(claim, sealed))
        else:
            await self.release(attempt)

    async def release(self, attempt: Attempt) -> None:
        """Let another attempt act: what this one has done is not known."""
        await _noted(self._store.release(attempt.claim))

    async def renew(self, attempt: Attempt) -> None:
        lease_ends_ms = self._now_ms() + int(LEASE_S * 1000)
        await _noted(self._store.renew(attempt.claim, lease_ends_ms))

    async def _keep(self, attempt: Attempt) -> None:
        while True:
            await asyncio.sleep(self._times.renewed_every_s)
            await self.renew(attempt)

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)

    def _reused(self) -> UnprocessableError:
        self._metrics.count("reused")
        return UnprocessableError(
            "idempotency_key_reused", "This idempotency key came with another request before."
        )

    def _in_use(self) -> ConflictError:
        self._metrics.count("in_use")
        return ConflictError(
            "idempotency_key_in_use",
            "A request with this idempotency key is being worked on.",
            retry_after_s=_COME_BACK_S,
        )


def _is_final(reply: Reply) -> bool:
    """Asking again would not change it, and it is not too long to be kept."""
    is_settled = reply.status < _SERVER_ERRORS and reply.status not in _REFUSALS
    return is_settled and len(reply.body) <= MAX_REPLY_BYTES


async def _noted(writing: Coroutine[None, None, None]) -> None:
    """What cannot be noted is no failure of the request, which may have had its effect.

    The lease ends by itself, and the next attempt finds what this one has made.
    """
    try:
        await writing
    except ServiceError as error:
        log.warning("attempt_not_noted", code=error.code)
