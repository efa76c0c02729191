"""What the HTTP API serves: the use cases and the other services, as the routes see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from clientsphere_common.readiness import Check
from gateway.answering import Answering
from gateway.api_keys import ApiKeys
from gateway.authentication import Authentication
from gateway.browser_sign_in.sessions import Sessions
from gateway.browser_sign_in.sign_in import BrowserSignIn
from gateway.idempotency.requests import IdempotentRequests
from gateway.limits import RequestLimits
from gateway.metrics import LimitMetrics
from gateway.ports import AccessControl, AuditTrail, Documents, KnowledgeBases
from gateway.roles import Roles
from gateway.searching import Searching
from gateway.sign_in import SignIn
from gateway.tenant_limits import TenantLimits
from gateway.tenants import Tenants
from gateway.token_issuers.registration import IssuerRegistration
from gateway.tokens import AccessTokens
from gateway.uploads import UploadForm
from gateway.webhooks.assembly import Webhooks


@dataclass(frozen=True)
class Services:
    authentication: Authentication
    idempotent_requests: IdempotentRequests
    limits: RequestLimits
    tenant_limits: TenantLimits
    limit_metrics: LimitMetrics
    sign_in: SignIn
    tokens: AccessTokens
    tenants: Tenants
    token_issuers: IssuerRegistration
    browser_sign_in: BrowserSignIn
    sessions: Sessions
    api_keys: ApiKeys
    roles: Roles
    knowledge_bases: KnowledgeBases
    documents: Documents
    access: AccessControl
    upload_form: UploadForm
    searching: Searching
    answering: Answering
    trail: AuditTrail
    webhooks: Webhooks
    checks: Sequence[Check]
    registry: CollectorRegistry
    transfer_timeout_s: float
    """For one upload or download."""
    serves_metrics: bool = True
    """Beside the API; not where the process has a port of its own for them."""
