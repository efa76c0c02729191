"""Puts together what signs people in with a browser."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from clientsphere_common.secrets.ports import Secrets
from gateway.browser_sign_in.code_exchange import CodeExchange
from gateway.browser_sign_in.endpoints import EndpointsOfIssuers
from gateway.browser_sign_in.ports import AttemptStore, IssuerHttp, SessionStore
from gateway.browser_sign_in.sessions import SessionBook, SessionPolicy, Sessions
from gateway.browser_sign_in.sign_in import BrowserSignIn, Issuers
from gateway.key_usage import KeyUsage
from gateway.ports import AuditJournal
from gateway.remembered import Remembered
from gateway.roles import Roles
from gateway.settings import GatewaySettings
from gateway.token_issuers.assembly import TokenIssuers


@dataclass(frozen=True)
class SignInStores:
    attempts: AttemptStore
    sessions: SessionStore
    journal: AuditJournal


@dataclass(frozen=True)
class SignInNeeds:
    """What others of the gateway have."""

    issuers: TokenIssuers
    roles: Roles
    http: IssuerHttp
    secrets: Secrets
    now: Callable[[], datetime]
    monotonic: Callable[[], float] = time.monotonic


@dataclass(frozen=True)
class SignInParts:
    sign_in: BrowserSignIn
    sessions: Sessions
    usage: KeyUsage
    """A module."""


def assemble(settings: GatewaySettings, stores: SignInStores, needs: SignInNeeds) -> SignInParts:
    usage = KeyUsage(stores.sessions)
    policy = SessionPolicy(
        origin=settings.public_url,
        idle=timedelta(seconds=settings.session_idle_s),
        lifetime=timedelta(seconds=settings.session_lifetime_s),
    )
    issuers = needs.issuers
    sessions = Sessions(
        SessionBook(stores.sessions, usage, Remembered(needs.monotonic)),
        issuers.registry,
        needs.roles,
        policy,
        needs.now,
    )
    exchange = CodeExchange(needs.http, needs.secrets, issuers.keys, issuers.verifier)
    endpoints = EndpointsOfIssuers(needs.http, needs.monotonic)
    sign_in = BrowserSignIn(
        Issuers(issuers.registry, endpoints, exchange),
        stores.attempts,
        sessions,
        stores.journal,
        needs.now,
    )
    return SignInParts(sign_in, sessions, usage)
