"""Sign-ins that were begun, as rows. Taken across tenants: the attempt is what tells its tenant."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError

from clientsphere_common.db.session import Database
from gateway.adapters.tables import SignInAttemptRow
from gateway.browser_sign_in.failures import sign_in_not_found
from gateway.browser_sign_in.model import Attempt
from gateway.times import from_unix_ms, to_unix_ms


class SqlSignInAttempts:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, attempt: Attempt, now: datetime) -> None:
        expired = SignInAttemptRow.expires_at_ms <= to_unix_ms(now)
        try:
            async with self._database.transaction(attempt.tenant_id) as session:
                await session.execute(delete(SignInAttemptRow).where(expired))
                session.add(_to_row(attempt))
        except IntegrityError as error:
            # Its issuer was removed since we looked.
            raise sign_in_not_found() from error

    async def take(self, state_digest: bytes) -> Attempt | None:
        taken = (
            delete(SignInAttemptRow)
            .where(SignInAttemptRow.state_digest == state_digest)
            .returning(SignInAttemptRow)
        )
        async with self._database.system_transaction() as session:
            row = await session.scalar(taken)
        return None if row is None else _to_model(row)


def _to_row(attempt: Attempt) -> SignInAttemptRow:
    return SignInAttemptRow(
        state_digest=attempt.state_digest,
        tenant_id=attempt.tenant_id,
        issuer_id=attempt.issuer_id,
        browser_digest=attempt.browser_digest,
        nonce_digest=attempt.nonce_digest,
        code_verifier=attempt.code_verifier,
        return_path=attempt.return_path,
        expires_at_ms=to_unix_ms(attempt.expires_at),
    )


def _to_model(row: SignInAttemptRow) -> Attempt:
    return Attempt(
        state_digest=row.state_digest,
        tenant_id=row.tenant_id,
        issuer_id=row.issuer_id,
        browser_digest=row.browser_digest,
        nonce_digest=row.nonce_digest,
        code_verifier=row.code_verifier,
        return_path=row.return_path,
        expires_at=from_unix_ms(row.expires_at_ms),
    )
