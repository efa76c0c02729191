"""The way of a browser to the issuer and back (authorization code with PKCE, after RFC 9700)."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from clientsphere_common.audit_events import AuditFact
from clientsphere_common.errors import ServiceError
from clientsphere_common.request import Caller
from gateway.browser_sign_in.authorization import authorization_url, new_departure
from gateway.browser_sign_in.code_exchange import CodeExchange
from gateway.browser_sign_in.endpoints import EndpointsOfIssuers, IssuerEndpoints
from gateway.browser_sign_in.failures import (
    sign_in_expired,
    sign_in_not_found,
    sign_in_refused,
    sign_in_unproven,
)
from gateway.browser_sign_in.model import Attempt, IssuerAnswer, WayIn, digest
from gateway.browser_sign_in.ports import AttemptStore
from gateway.browser_sign_in.return_paths import own_path
from gateway.browser_sign_in.sessions import Sessions
from gateway.ports import AuditJournal
from gateway.token_issuers.registry import IssuerRegistry
from gateway.token_issuers.signed_in import caller_of

_NOBODY = "unknown"
_OAUTH_ERROR = re.compile(r"[a-z_]{1,40}", re.ASCII)


@dataclass(frozen=True)
class Begun:
    """Where the browser goes, and what it keeps until it is back."""

    url: str
    browser_secret: str = field(repr=False)


@dataclass(frozen=True)
class Arrived:
    url: str
    session_secret: str = field(repr=False)


@dataclass(frozen=True)
class Issuers:
    """What is known of the issuers, and how they are asked."""

    registry: IssuerRegistry
    endpoints: EndpointsOfIssuers
    exchange: CodeExchange


class BrowserSignIn:
    """Nobody signs in here where sessions have no origin: browsers cannot reach us there."""

    def __init__(
        self,
        issuers: Issuers,
        attempts: AttemptStore,
        sessions: Sessions,
        journal: AuditJournal,
        now: Callable[[], datetime],
    ) -> None:
        self._issuers = issuers
        self._attempts = attempts
        self._sessions = sessions
        self._journal = journal
        self._now = now

    async def way_in(self, sign_in_id: str) -> WayIn:
        """Raises NotFoundError: ids that do not exist are as those of entries without sign-in."""
        entry = await self._issuers.registry.find(sign_in_id)
        if entry is None or entry.sign_in is None:
            raise sign_in_not_found()
        return WayIn(entry, entry.sign_in)

    async def begin(self, sign_in_id: str, return_path: str) -> Begun:
        """Raises NotFoundError, InvalidInputError, DependencyUnavailableError."""
        origin = self._origin()
        way = await self.way_in(sign_in_id)
        return_path = own_path(return_path)
        endpoints = await self._issuers.endpoints.find(way.entry.url)
        departure, now = new_departure(), self._now()
        attempt = departure.attempt(way.entry, return_path, now)
        await self._attempts.add(attempt, now)
        redirect_uri = _redirect_uri(origin, sign_in_id)
        url = authorization_url(
            endpoints.authorization, way.offer, redirect_uri, departure, attempt.code_verifier
        )
        return Begun(url, departure.browser)

    async def finish(self, sign_in_id: str, answer: IssuerAnswer, browser_secret: str) -> Arrived:
        """Let in whom the issuer names, when the browser is the one that we sent to it.

        An attempt ends here whatever happens. Raises NotFoundError, InvalidInputError,
        UnauthenticatedError, DependencyUnavailableError.
        """
        origin = self._origin()
        way = await self.way_in(sign_in_id)
        attempt = await self._attempts.take(digest(answer.state))
        if attempt is None:
            raise sign_in_expired()
        try:
            self._check_attempt(attempt, way, browser_secret)
            caller = await self._who(way, attempt, answer, _redirect_uri(origin, sign_in_id))
        except ServiceError as refusal:
            await self._tell(attempt, refusal, answer)
            raise
        secret = await self._sessions.begin(caller, way.entry.id)
        return Arrived(origin + attempt.return_path, secret)

    def _origin(self) -> str:
        origin = self._sessions.policy.origin
        if origin is None:
            raise sign_in_not_found()
        return origin

    def _check_attempt(self, attempt: Attempt, way: WayIn, browser_secret: str) -> None:
        """Each issuer has a redirect URI of its own: its answers cannot pass for another's."""
        is_of_browser = hmac.compare_digest(digest(browser_secret), attempt.browser_digest)
        is_of_issuer = attempt.issuer_id == way.entry.id
        if not (is_of_browser and is_of_issuer) or self._now() >= attempt.expires_at:
            raise sign_in_expired()

    async def _who(
        self, way: WayIn, attempt: Attempt, answer: IssuerAnswer, redirect_uri: str
    ) -> Caller:
        endpoints = await self._issuers.endpoints.find(way.entry.url)
        _check_issuer(endpoints, way, answer)
        if answer.error or not answer.code:
            raise sign_in_refused()
        form = {
            "code": answer.code,
            "redirect_uri": redirect_uri,
            "code_verifier": attempt.code_verifier,
        }
        exchange = self._issuers.exchange
        id_token = await exchange.id_token(endpoints.token, way.offer, form)
        claims = await exchange.claims(way, attempt, id_token)
        try:
            return caller_of(way.entry, claims)
        except ValueError as error:
            raise sign_in_unproven() from error

    async def _tell(self, attempt: Attempt, refusal: ServiceError, answer: IssuerAnswer) -> None:
        details = {"reason": refusal.code}
        if _OAUTH_ERROR.fullmatch(answer.error):
            details["error"] = answer.error
        fact = AuditFact(
            "user.sign_in_refused", "token_issuer", attempt.issuer_id, "denied", details
        )
        await self._journal.record(Caller(attempt.tenant_id, _NOBODY), fact)


def _check_issuer(endpoints: IssuerEndpoints, way: WayIn, answer: IssuerAnswer) -> None:
    """As RFC 9207 has it: an issuer that names itself always does, and never another."""
    if answer.issuer != way.entry.url and (answer.issuer or endpoints.names_itself):
        raise sign_in_unproven()


def _redirect_uri(origin: str, sign_in_id: str) -> str:
    return f"{origin}/v1/sign-in/{sign_in_id}/callback"
