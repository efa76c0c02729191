"""Builds the gateway from its settings and what the process gives it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import grpc
from prometheus_client import CollectorRegistry

from clientsphere_common.db.outbox import OutboxRelay
from clientsphere_common.db.session import Database
from clientsphere_common.events.ports import EventPublisher, EventSource
from clientsphere_common.http_server import HttpServer
from clientsphere_common.https_documents import HttpsDocuments
from clientsphere_common.modules import Module, Opened
from clientsphere_common.rate_limits.ports import RateLimiter
from clientsphere_common.readiness import Check
from clientsphere_common.rpc.calls import OutgoingCalls
from clientsphere_common.secrets.ports import EnvelopeKeys, Secrets
from gateway.adapters.sql_api_keys import SqlApiKeys
from gateway.adapters.sql_idempotency import SqlIdempotencyKeys
from gateway.adapters.sql_journal import SqlAuditJournal
from gateway.adapters.sql_limits import SqlLimits
from gateway.adapters.sql_roles import SqlRoles
from gateway.adapters.sql_tenants import SqlTenants
from gateway.adapters.sql_token_issuers import SqlTokenIssuers
from gateway.adapters.tables import OutboxRow
from gateway.answering import Answering
from gateway.api_keys import ApiKeys
from gateway.app import create_app
from gateway.authentication import Authentication
from gateway.bootstrap import Bootstrap
from gateway.browser_sign_in.assembly import SignInNeeds, SignInParts
from gateway.browser_sign_in_wiring import build_browser_sign_in
from gateway.clients.access import IngestionAccess
from gateway.clients.audit import AuditServiceTrail
from gateway.clients.ingestion import IngestionDocuments, IngestionKnowledgeBases
from gateway.clients.llm_proxy import LlmProxyAnswers
from gateway.clients.retrieval import RetrievalPassageSearch
from gateway.idempotency.assembly import idempotent_requests
from gateway.idempotency.pruning import KeyPruning
from gateway.idempotency.requests import IdempotentRequests
from gateway.key_mint import KeyMint
from gateway.key_usage import KeyUsage
from gateway.limits import RequestLimits
from gateway.metrics import LimitMetrics
from gateway.own_secrets import OwnSecrets
from gateway.prompt import PromptWriter
from gateway.protection import http_server, protect
from gateway.remembered import Remembered
from gateway.roles import Roles
from gateway.searching import Searching
from gateway.services import Services
from gateway.settings import GatewaySettings
from gateway.sign_in import SignIn
from gateway.spending import MeteredAnswers
from gateway.tenant_limits import TenantLimits
from gateway.tenants import Tenants
from gateway.token_issuers.assembly import TokenIssuers, assemble
from gateway.token_verifier import TokenVerifier
from gateway.tokens import AccessTokens
from gateway.uploads import UploadForm
from gateway.webhooks.assembly import Webhooks
from gateway.webhooks.settings import WebhookSettings
from gateway.webhooks_wiring import WebhookSurroundings, build_webhooks

MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True)
class ServiceChannels:
    """Where the other services answer."""

    ingestion: grpc.aio.Channel
    retrieval: grpc.aio.Channel
    llm_proxy: grpc.aio.Channel
    audit: grpc.aio.Channel


@dataclass(frozen=True)
class Surroundings:
    """What the process shares with this service."""

    secrets: Opened[OwnSecrets]
    secret_store: Secrets
    """Has those of issuers' clients, by the names in the issuers' entries."""
    tables: Opened[Database]
    """At the schema of `MIGRATIONS`."""
    channels: ServiceChannels
    calls: OutgoingCalls
    publisher: EventPublisher
    events: EventSource
    envelope_keys: EnvelopeKeys
    rate_limiter: RateLimiter
    registry: CollectorRegistry
    webhooks: WebhookSettings
    checks: Sequence[Check] = ()
    """Readiness of everything else that the process depends on."""
    credentials_file: Path | None = None
    """Where the key of the default tenant is written, for tools on the same machine."""
    serves_metrics: bool = True
    """Beside the API; not where the process has a port of its own for them."""


@dataclass(frozen=True)
class GatewayParts:
    """What the gateway brings into a process: as ServiceParts, but it serves HTTP and no gRPC."""

    name: str
    modules: Sequence[Module]
    workers: Sequence[Module]
    checks: Sequence[Check]
    http: HttpServer
    """One of the workers; knows the URL once it has started."""


def build(settings: GatewaySettings, around: Surroundings) -> GatewayParts:
    database = around.tables.use
    relay = OutboxRelay(database, OutboxRow, around.publisher)
    api_keys = SqlApiKeys(database, relay)
    stores = _Stores(
        api_keys=api_keys,
        usage=KeyUsage(api_keys),
        roles=SqlRoles(database, relay),
        tenants=SqlTenants(database, relay),
        journal=SqlAuditJournal(database, relay),
        tenant_limits=TenantLimits(SqlLimits(database, relay), settings.limits),
        idempotency_keys=SqlIdempotencyKeys(database),
    )
    documents = HttpsDocuments(settings.oidc_ca_file, settings.oidc_timeout_s)
    mint = KeyMint(around.secrets.use.api_key_pepper)
    roles = Roles(stores.roles, mint.now, Remembered())
    issuers = assemble(SqlTokenIssuers(database, relay), stores.tenants, documents, TokenVerifier())
    needs = SignInNeeds(issuers, roles, documents, around.secret_store, mint.now)
    browsers = build_browser_sign_in(settings, database, relay, needs)
    who = _Credentials(mint, roles, issuers, browsers)
    checks = (*around.tables.checks, *around.checks)
    webhooks = build_webhooks(
        around.webhooks,
        WebhookSurroundings(database, relay, around.events, around.envelope_keys, around.registry),
    )
    around = replace(around, checks=checks)
    services = _services(settings, around, stores, who, webhooks.use)
    protection = protect(settings, around.registry)
    http = http_server(create_app(services, settings, protection), settings)
    workers: list[Module] = [protection.lag, http]
    if around.credentials_file is not None and settings.bootstrap_default_tenant:
        workers.append(Bootstrap(services.tenants, around.credentials_file, lambda: http.url))
    return GatewayParts(
        name="gateway",
        modules=(
            *around.secrets.modules,
            *around.tables.modules,
            relay,
            stores.usage,
            browsers.usage,
            documents,
            issuers.keys,
            stores.tenant_limits,
            KeyPruning(stores.idempotency_keys),
            *webhooks.modules,
        ),
        workers=workers,
        checks=checks,
        http=http,
    )


@dataclass(frozen=True)
class _Stores:
    api_keys: SqlApiKeys
    usage: KeyUsage
    roles: SqlRoles
    tenants: SqlTenants
    journal: SqlAuditJournal
    tenant_limits: TenantLimits
    idempotency_keys: SqlIdempotencyKeys


@dataclass(frozen=True)
class _Credentials:
    mint: KeyMint
    roles: Roles
    issuers: TokenIssuers
    browsers: SignInParts


def _services(
    settings: GatewaySettings,
    around: Surroundings,
    stores: _Stores,
    who: _Credentials,
    webhooks: Webhooks,
) -> Services:
    own, channels = around.secrets.use, around.channels
    calls, call_timeout_s = around.calls, settings.call_timeout_s
    roles, issuers = who.roles, who.issuers
    api_keys = ApiKeys(stores.api_keys, who.mint, stores.usage, roles)
    tokens = AccessTokens(
        own.token_keys, settings.token_issuer, settings.token_lifetime_s, issuers.verifier
    )
    search = RetrievalPassageSearch(channels.retrieval, calls, call_timeout_s)
    model = LlmProxyAnswers(
        channels.llm_proxy, calls, settings.answer_model, settings.answer_timeout_s
    )
    limit_metrics = LimitMetrics(around.registry)
    return Services(
        authentication=Authentication(api_keys, tokens, issuers.signed_in, roles, own.operator_key),
        idempotent_requests=_idempotent_requests(settings, around, stores),
        limits=RequestLimits(
            around.rate_limiter,
            stores.tenant_limits.limits_for,
            settings.reserved_tokens,
            limit_metrics,
        ),
        tenant_limits=stores.tenant_limits,
        limit_metrics=limit_metrics,
        sign_in=SignIn(tokens, stores.journal),
        tokens=tokens,
        tenants=Tenants(stores.tenants, who.mint),
        token_issuers=issuers.registration,
        browser_sign_in=who.browsers.sign_in,
        sessions=who.browsers.sessions,
        api_keys=api_keys,
        roles=roles,
        knowledge_bases=IngestionKnowledgeBases(channels.ingestion, calls, call_timeout_s),
        access=IngestionAccess(channels.ingestion, calls, call_timeout_s),
        documents=IngestionDocuments(
            channels.ingestion, calls, call_timeout_s, settings.transfer_timeout_s
        ),
        upload_form=UploadForm(settings.max_upload_mib),
        searching=Searching(search, stores.journal),
        answering=Answering(
            search,
            MeteredAnswers(model),
            stores.journal,
            PromptWriter(),
            settings.passages_per_answer,
        ),
        trail=AuditServiceTrail(channels.audit, calls, call_timeout_s),
        webhooks=webhooks,
        checks=around.checks,
        registry=around.registry,
        transfer_timeout_s=settings.transfer_timeout_s,
        serves_metrics=around.serves_metrics,
    )


def _idempotent_requests(
    settings: GatewaySettings, around: Surroundings, stores: _Stores
) -> IdempotentRequests:
    return idempotent_requests(
        stores.idempotency_keys,
        around.secrets.use.api_key_pepper,
        around.registry,
        settings.idempotency_hours,
    )
