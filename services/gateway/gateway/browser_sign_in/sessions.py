"""Sessions of people who signed in with a browser: begun, recognised, ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from clientsphere_common.errors import NotFoundError
from clientsphere_common.ids import new_id
from clientsphere_common.paging import Page, PageWish
from clientsphere_common.request import Caller
from gateway.browser_sign_in.failures import session_ended
from gateway.browser_sign_in.model import BrowserSession, Living, digest, new_secret
from gateway.browser_sign_in.ports import SessionStore
from gateway.key_usage import KeyUsage
from gateway.permissions import require_management_of
from gateway.remembered import Remembered
from gateway.roles import Roles
from gateway.token_issuers.registry import IssuerRegistry


@dataclass(frozen=True)
class SessionPolicy:
    origin: str | None
    """The scheme, host and port under which browsers reach us. None: there are no sessions."""
    idle: timedelta
    lifetime: timedelta


@dataclass(frozen=True)
class SessionBook:
    """Where sessions are written, when each was used last, and those known from a moment ago."""

    store: SessionStore
    usage: KeyUsage
    remembered: Remembered[BrowserSession]


class Sessions:
    """One that ends elsewhere may live here for four seconds more; what ends here ends at once.

    It ends with the entry of its issuer, too. Roles and groups are those of its beginning, what
    the roles permit is asked each time.
    """

    def __init__(
        self,
        book: SessionBook,
        registry: IssuerRegistry,
        roles: Roles,
        policy: SessionPolicy,
        now: Callable[[], datetime],
    ) -> None:
        self.policy = policy
        self._book = book
        self._registry = registry
        self._roles = roles
        self._now = now

    async def begin(self, caller: Caller, issuer_id: str) -> str:
        """The secret of a new session of that caller."""
        secret, now = new_secret(), self._now()
        session = BrowserSession(
            id=new_id("ses"),
            tenant_id=caller.tenant_id,
            issuer_id=issuer_id,
            principal_id=caller.principal_id,
            roles=caller.roles,
            groups=caller.groups,
            secret_digest=digest(secret),
            created_at=now,
            last_used_at=now,
            expires_at=now + self.policy.lifetime,
        )
        await self._book.store.add(session)
        return secret

    async def caller(self, secret: str) -> Caller:
        """Whose session it is. Raises UnauthenticatedError."""
        session = await self._alive(secret)
        permissions = await self._roles.permissions_of(session.tenant_id, session.roles)
        self._book.usage.note(session.id, self._now())
        return session.caller(permissions)

    async def sign_out(self, secret: str) -> None:
        """End the session of that secret. Raises UnauthenticatedError when it has ended."""
        session = await self._alive(secret)
        await self._end(session, session.principal_id)

    async def page(self, caller: Caller, wish: PageWish) -> Page[BrowserSession]:
        """Those of the caller's tenant that are alive, newest first."""
        return await self._book.store.page(caller.tenant_id, self._living(), wish)

    async def revoke(self, caller: Caller, session_id: str) -> None:
        """Raises NotFoundError, PermissionDeniedError for somebody who may do more."""
        session = await self._book.store.find_own(caller.tenant_id, session_id)
        if session is None or not self._living().has(session):
            raise NotFoundError("session_not_found", "There is no such session.")
        for role in session.roles:
            of_role = await self._roles.permissions_of(session.tenant_id, (role,))
            require_management_of(caller, role, of_role)
        await self._end(session, caller.principal_id)

    async def _end(self, session: BrowserSession, ended_by: str) -> None:
        await self._book.store.end(session, ended_by)
        key = session.secret_digest.hex()
        self._book.remembered.replace(key, replace(session, expires_at=self._now()))

    async def _alive(self, secret: str) -> BrowserSession:
        key = digest(secret)
        found = await self._book.remembered.find(key.hex(), lambda: self._book.store.find(key))
        if found is None or not self._living().has(found):
            raise session_ended()
        if await self._registry.find(found.issuer_id) is None:
            raise session_ended()
        return found

    def _living(self) -> Living:
        now = self._now()
        return Living(ends_after=now, used_after=now - self.policy.idle)
