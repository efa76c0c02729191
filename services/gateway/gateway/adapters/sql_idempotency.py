"""Idempotency keys as rows, and the note that a request has had its effect."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from clientsphere_common.db.session import Database
from gateway.adapters.tables import IdempotencyKeyRow
from gateway.idempotency.attempt import current_attempt
from gateway.idempotency.model import Claim, Wish


async def is_first_effect(session: AsyncSession) -> bool:
    """Note in the transaction of the effect that the request in hand has it now.

    False: an earlier attempt has had it, so it must not be had again. To be asked before anything
    is written. The note becomes durable with the effect, or neither does.
    """
    attempt = current_attempt()
    if attempt is None:
        return True
    row = await session.get(IdempotencyKeyRow, attempt.claim.id)
    # None: the tenant of the transaction is not that of the key, as when an operator acts.
    if row is None or row.has_effect:
        return row is None
    row.has_effect = True
    return True


class SqlIdempotencyKeys:
    """Writers of a tenant take turns, so that of several wishes for a key one is granted."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, wish: Wish) -> Claim:
        async with self._database.transaction(wish.tenant_id) as session:
            row = await session.get(IdempotencyKeyRow, wish.id)
            if row is not None and row.expires_at_ms <= wish.now_ms:
                await session.delete(row)
                await session.flush()
                row = None
            if row is None:
                row = _new(wish)
                session.add(row)
                return _claim(row, is_ours=True)
            is_ours = _is_free(row, wish)
            if is_ours:
                row.attempt += 1
                row.lease_ends_ms = wish.lease_ends_ms
                row.fingerprint = row.fingerprint or wish.fingerprint
            return _claim(row, is_ours=is_ours)

    async def bind(self, claim: Claim, fingerprint: bytes) -> bytes | None:
        async with self._acting(claim) as row:
            if row is None:
                return None
            row.fingerprint = row.fingerprint or fingerprint
            return row.fingerprint

    async def renew(self, claim: Claim, lease_ends_ms: int) -> None:
        async with self._acting(claim) as row:
            if row is not None and row.lease_ends_ms:
                row.lease_ends_ms = lease_ends_ms

    async def release(self, claim: Claim) -> None:
        async with self._acting(claim) as row:
            if row is not None:
                row.lease_ends_ms = 0

    async def finish(self, claim: Claim, reply: bytes) -> None:
        async with self._acting(claim) as row:
            if row is not None:
                row.lease_ends_ms = 0
                row.reply = None if row.fingerprint is None else reply

    async def forget(self, claim: Claim) -> None:
        async with self._database.transaction(claim.tenant_id) as session:
            row = await _row(session, claim)
            if row is not None and not row.has_effect:
                await session.delete(row)

    async def remove_expired(self, now_ms: int, limit: int) -> int:
        row = IdempotencyKeyRow
        expired = select(row.id).where(row.expires_at_ms <= now_ms).limit(limit)
        async with self._database.system_transaction() as session:
            ids = list(await session.scalars(expired))
            await session.execute(delete(row).where(row.id.in_(ids)))
        return len(ids)

    @asynccontextmanager
    async def _acting(self, claim: Claim) -> AsyncIterator[IdempotencyKeyRow | None]:
        """The row to be changed, for as long as no later attempt has begun."""
        async with self._database.transaction(claim.tenant_id) as session:
            yield await _row(session, claim)


async def _row(session: AsyncSession, claim: Claim) -> IdempotencyKeyRow | None:
    row = await session.get(IdempotencyKeyRow, claim.id)
    return row if row is not None and row.attempt == claim.attempt else None


def _is_free(row: IdempotencyKeyRow, wish: Wish) -> bool:
    """Nobody acts for it, and what it was for is what is wished for, as far as that is known."""
    is_other = row.fingerprint and wish.fingerprint and row.fingerprint != wish.fingerprint
    return row.reply is None and row.lease_ends_ms <= wish.now_ms and not is_other


def _new(wish: Wish) -> IdempotencyKeyRow:
    return IdempotencyKeyRow(
        id=wish.id,
        tenant_id=wish.tenant_id,
        seed=wish.seed,
        fingerprint=wish.fingerprint,
        attempt=1,
        lease_ends_ms=wish.lease_ends_ms,
        has_effect=False,
        reply=None,
        expires_at_ms=wish.expires_ms,
    )


def _claim(row: IdempotencyKeyRow, *, is_ours: bool) -> Claim:
    return Claim(
        id=row.id,
        tenant_id=row.tenant_id,
        seed=row.seed,
        attempt=row.attempt,
        is_ours=is_ours,
        fingerprint=row.fingerprint,
        reply=row.reply,
    )
