"""The gateway's API on real tables; the other services are faked, requests go through ASGI."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from prometheus_client import CollectorRegistry
from sqlalchemy import select

from clientsphere.events.v1 import audit_pb2
from clientsphere_common.access.model import Role
from clientsphere_common.access.table import ROLE_PERMISSIONS
from clientsphere_common.db.outbox import OutboxRelay
from clientsphere_common.db.session import Database
from clientsphere_common.paging import PageWish
from clientsphere_common.rate_limits.in_process import InProcessRateLimiter
from clientsphere_common.rate_limits.ports import RateLimiter
from clientsphere_common.readiness import Check
from clientsphere_common.request import Caller
from clientsphere_common.secrets.local_keys import LocalEnvelopeKeys
from clientsphere_common.secrets.ports import EnvelopeKeys, Secrets
from gateway.adapters.sql_api_keys import SqlApiKeys
from gateway.adapters.sql_idempotency import SqlIdempotencyKeys
from gateway.adapters.sql_journal import SqlAuditJournal
from gateway.adapters.sql_limits import SqlLimits
from gateway.adapters.sql_roles import SqlRoles
from gateway.adapters.sql_sessions import SqlSessions
from gateway.adapters.sql_sign_in_attempts import SqlSignInAttempts
from gateway.adapters.sql_tenants import SqlTenants
from gateway.adapters.sql_token_issuers import SqlTokenIssuers
from gateway.adapters.tables import OutboxRow
from gateway.answering import Answering
from gateway.api_keys import ApiKeys
from gateway.app import GatewayApi, create_app
from gateway.authentication import Authentication
from gateway.browser_sign_in import assembly as browser_sign_in
from gateway.browser_sign_in.assembly import SignInNeeds, SignInStores
from gateway.browser_sign_in.model import BrowserSession, Living
from gateway.browser_sign_in.ports import IssuerHttp
from gateway.idempotency.requests import IdempotentRequests, KeyTimes
from gateway.idempotency.sealing import RequestSecrets
from gateway.key_mint import KeyMint
from gateway.key_usage import KeyUsage
from gateway.limit_rules import LimitName, LimitRule, LimitRules
from gateway.limits import RequestLimits
from gateway.metrics import IdempotencyMetrics, LimitMetrics, WebhookMetrics
from gateway.model.tenancy import NewTenant
from gateway.own_secrets import OperatorKey
from gateway.prompt import PromptWriter
from gateway.protection import protect
from gateway.remembered import Remembered
from gateway.roles import Roles
from gateway.searching import Searching
from gateway.services import Services
from gateway.settings import GatewaySettings
from gateway.sign_in import SignIn
from gateway.spending import MeteredAnswers
from gateway.tenant_limits import TenantLimits
from gateway.tenants import Tenants
from gateway.token_issuers.assembly import assemble
from gateway.token_keys import TokenKeys
from gateway.token_verifier import TokenVerifier
from gateway.tokens import AccessTokens
from gateway.uploads import UploadForm
from gateway.webhooks.assembly import assemble as assemble_webhooks
from gateway.webhooks.ports import Receivers
from gateway.webhooks.settings import WebhookSettings
from gateway.webhooks_wiring import webhook_ports
from gateway.wiring import MIGRATIONS
from tests.fakes.event_publisher import FakeEventPublisher
from tests.fakes.gateway_ports import (
    FakeAccess,
    FakeAnswerModel,
    FakeAuditTrail,
    FakeDocuments,
    FakeIssuerDocuments,
    FakeKnowledgeBases,
    FakePassageSearch,
)
from tests.fakes.unchanging_secrets import FakeSecrets
from tests.fakes.webhook_receivers import FakeReceivers
from tests.harness.databases import DatabaseUnderTest
from tests.harness.modules import running

OPERATOR_KEY = "operator-key-of-the-tests-0123456789"
ROOMY = {name: LimitRule(6_000_000, 1_000_000) for name in LimitName}
"""Limits that no test comes near."""


class Clock:
    """Stands still until told otherwise."""

    def __init__(self, now_s: float = 1_800_000_000.0) -> None:
        self.now_s = now_s

    @classmethod
    def now(cls) -> Clock:
        """Stands at the time that it is."""
        return cls(time.time())

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Tables:
    """On a relay that is not running: what was written stays in the outbox."""

    database: Database
    relay: OutboxRelay

    def __post_init__(self) -> None:
        self.api_keys = SqlApiKeys(self.database, self.relay)
        self.limits = SqlLimits(self.database, self.relay)
        self.roles = SqlRoles(self.database, self.relay)
        self.tenants = SqlTenants(self.database, self.relay)
        self.token_issuers = SqlTokenIssuers(self.database, self.relay)
        self.sign_in_attempts = SqlSignInAttempts(self.database)
        self.sessions = SqlSessions(self.database, self.relay)
        self.journal = SqlAuditJournal(self.database, self.relay)
        self.idempotency_keys = SqlIdempotencyKeys(self.database)

    async def sessions_of(self, tenant_id: str) -> list[BrowserSession]:
        """Those that are over, too."""
        always = datetime.min.replace(tzinfo=UTC)
        page = await self.sessions.page(tenant_id, Living(always, always), PageWish(200))
        return list(page.items)

    async def audit_trail(self) -> list[audit_pb2.AuditRecorded]:
        """What waits in the outbox for the audit service, oldest first."""
        async with self.database.system_transaction() as session:
            rows = (await session.scalars(select(OutboxRow).order_by(OutboxRow.position))).all()
        return [audit_pb2.AuditRecorded.FromString(row.payload) for row in rows]


def owner_of(tenant: NewTenant) -> Caller:
    """The principal that holds the owner's key."""
    return tenant.owner_key.record.caller(ROLE_PERMISSIONS[Role.OWNER])


@asynccontextmanager
async def gateway_tables(made: DatabaseUnderTest) -> AsyncIterator[Tables]:
    made.upgrade(MIGRATIONS)
    database = Database(made.url)
    relay = OutboxRelay(database, OutboxRow, FakeEventPublisher())
    async with running(database):
        yield Tables(database, relay)


@dataclass
class Gateway:
    tables: Tables
    settings: GatewaySettings = field(default_factory=GatewaySettings)
    limits: LimitRules = field(default_factory=dict)
    """What differs from `ROOMY`."""
    limiter: RateLimiter = field(default_factory=InProcessRateLimiter)
    checks: Sequence[Check] = ()
    clock: Clock = field(default_factory=Clock)
    knowledge_bases: FakeKnowledgeBases = field(default_factory=FakeKnowledgeBases)
    documents: FakeDocuments = field(default_factory=FakeDocuments)
    access: FakeAccess = field(default_factory=FakeAccess)
    search: FakePassageSearch = field(default_factory=FakePassageSearch)
    model: FakeAnswerModel = field(default_factory=FakeAnswerModel)
    receivers: Receivers = field(default_factory=FakeReceivers)
    webhook_settings: WebhookSettings = field(default_factory=WebhookSettings)
    envelope_keys: EnvelopeKeys = field(
        default_factory=lambda: LocalEnvelopeKeys(lambda: b"r" * 32)
    )
    issuer_documents: IssuerHttp = field(default_factory=FakeIssuerDocuments)
    secrets: Secrets = field(default_factory=FakeSecrets)
    trail: FakeAuditTrail = field(default_factory=FakeAuditTrail)
    answering: Answering | None = None
    """In place of one on `search` and `model`."""
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        self.operator_key = OperatorKey(OPERATOR_KEY)
        self.mint = KeyMint(b"pepper", self.clock)
        self.usage = KeyUsage(self.tables.api_keys)
        self.tenants = Tenants(self.tables.tenants, self.mint)
        self.tenant_limits = TenantLimits(self.tables.limits, {**ROOMY, **self.limits})
        self.token_keys = TokenKeys(Ed25519PrivateKey.generate(), 930, self.clock)
        self.verifier = TokenVerifier(self.clock)
        self.issuers = assemble(
            self.tables.token_issuers,
            self.tables.tenants,
            self.issuer_documents,
            self.verifier,
            self.clock,
        )
        self.tokens = AccessTokens(self.token_keys, "clientsphere", 900, self.verifier, self.clock)
        self.roles = Roles(self.tables.roles, self.mint.now, Remembered(self.clock))
        self.api_keys = ApiKeys(self.tables.api_keys, self.mint, self.usage, self.roles, self.clock)
        self.webhooks = assemble_webhooks(
            self.webhook_settings,
            webhook_ports(
                self.webhook_settings, self.tables.database, self.tables.relay, self.receivers
            ),
            self.envelope_keys,
            WebhookMetrics(self.registry),
            self.clock,
        )
        self.browsers = browser_sign_in.assemble(
            self.settings,
            SignInStores(self.tables.sign_in_attempts, self.tables.sessions, self.tables.journal),
            SignInNeeds(
                self.issuers,
                self.roles,
                self.issuer_documents,
                self.secrets,
                self.mint.now,
                self.clock,
            ),
        )
        self.idempotent_requests = IdempotentRequests(
            self.tables.idempotency_keys,
            RequestSecrets(b"pepper"),
            IdempotencyMetrics(self.registry),
            KeyTimes(kept_s=24 * 3600),
            self.clock,
        )
        self.services = self._services()
        self.protection = protect(self.settings, self.registry)
        self.app: GatewayApi = create_app(self.services, self.settings, self.protection)

    async def new_tenant(self, name: str = "Kestrand") -> NewTenant:
        return await self.tenants.create(name)

    @asynccontextmanager
    async def client(self, credential: str = "") -> AsyncIterator[httpx.AsyncClient]:
        headers = {"Authorization": f"Bearer {credential}"} if credential else {}
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://gateway.test", headers=headers
        ) as client:
            yield client

    def _services(self) -> Services:
        journal = self.tables.journal
        metrics, model = LimitMetrics(self.registry), MeteredAnswers(self.model)
        return Services(
            idempotent_requests=self.idempotent_requests,
            authentication=Authentication(
                self.api_keys, self.tokens, self.issuers.signed_in, self.roles, self.operator_key
            ),
            limits=RequestLimits(
                self.limiter, self.tenant_limits.limits_for, self.settings.reserved_tokens, metrics
            ),
            tenant_limits=self.tenant_limits,
            limit_metrics=metrics,
            sign_in=SignIn(self.tokens, journal),
            tokens=self.tokens,
            tenants=self.tenants,
            token_issuers=self.issuers.registration,
            browser_sign_in=self.browsers.sign_in,
            sessions=self.browsers.sessions,
            api_keys=self.api_keys,
            roles=self.roles,
            knowledge_bases=self.knowledge_bases,
            documents=self.documents,
            access=self.access,
            upload_form=UploadForm(max_file_mib=1),
            searching=Searching(self.search, journal),
            answering=self.answering or Answering(self.search, model, journal, PromptWriter(), 8),
            trail=self.trail,
            webhooks=self.webhooks,
            checks=self.checks,
            registry=self.registry,
            transfer_timeout_s=5.0,
        )
