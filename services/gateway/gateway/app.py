"""Puts the HTTP API together: routes, what surrounds them, and their documentation."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from gateway.allowed_methods import AllowedMethods
from gateway.api import (
    api_keys,
    audiences,
    audit,
    chat,
    documents,
    downloads,
    health,
    knowledge_bases,
    limits,
    me,
    metrics,
    roles,
    search,
    sessions,
    sign_in,
    tenants,
    token_issuers,
    tokens,
    webhooks,
)
from gateway.api.access import check_access, routes_of
from gateway.api.docs import add_docs
from gateway.api.document import complete
from gateway.api.upload_request import UPLOAD
from gateway.client_address import ClientAddresses
from gateway.idempotency.key import HEADER, REPLAYED_HEADER
from gateway.metrics import HttpMetrics
from gateway.middleware.body_limit import BodyLimit
from gateway.middleware.load_shedding import LoadShedding
from gateway.middleware.request_deadline import TIMEOUT_HEADER, RequestDeadline
from gateway.middleware.request_limits import RequestLimiting
from gateway.middleware.request_log import RequestLog
from gateway.middleware.response_headers import ResponseHeaders
from gateway.problems import install_error_handlers
from gateway.protection import Protection
from gateway.services import Services
from gateway.settings import GatewaySettings

_DESCRIPTION = """\
Answers from your own documents, each sentence with the words that it rests on.

Send `Authorization: Bearer` with an API key, or with an access token that you got for one.
Any request may say how many seconds its client waits: `X-Request-Timeout-S: 2.5`.
Failures are `application/problem+json` with a stable `code` and the `request_id` to quote.
Beside what an operation names, each can answer with the responses among the components of this
document: what is too slow (408), too large (413, 414, 431), unreadable (400), or cannot be done
right now (503).

Lists come in pages of `page_size` items; `next_page_token` of one is `page_token` of the next.
What has an `ETag` is not sent again to those who name it in `If-None-Match`, and is not changed
when `If-Match` names another one (412).
"""
_EXPOSED_HEADERS = (
    "ETag",
    REPLAYED_HEADER,
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "X-Request-Id",
)

_ACCEPTED_HEADERS = (
    "Authorization",
    "Content-Type",
    HEADER,
    "If-Match",
    "If-None-Match",
    "X-Request-Id",
    TIMEOUT_HEADER,
)


class GatewayApi(FastAPI):
    """Its OpenAPI document knows how to sign in and what a problem looks like."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = complete(super().openapi())
        return self.openapi_schema


def create_app(services: Services, settings: GatewaySettings, protection: Protection) -> GatewayApi:
    app = create_api(serves_metrics=services.serves_metrics)
    app.state.services = services
    _surround(app, settings, services, protection)
    return app


def create_api(*, serves_metrics: bool = True) -> GatewayApi:
    """Every route and its documentation, with nothing behind them."""
    app = GatewayApi(
        title="ClientSphere",
        version="1",
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    for resource in (
        tokens,
        me,
        sign_in,
        sessions,
        api_keys,
        roles,
        knowledge_bases,
        documents,
        downloads,
        audiences,
        search,
        chat,
        audit,
        tenants,
        token_issuers,
        limits,
        webhooks,
        health,
    ):
        app.include_router(resource.router, generate_unique_id_function=lambda route: route.name)
    if serves_metrics:
        app.include_router(metrics.router)
    add_docs(app)
    check_access(app.routes)
    install_error_handlers(app, AllowedMethods(routes_of(app.routes)))
    return app


def _surround(
    app: FastAPI, settings: GatewaySettings, services: Services, protection: Protection
) -> None:
    """The last one added is the outermost."""
    app.add_middleware(BodyLimit, streamed=[UPLOAD], timeout_s=protection.body_timeout_s)
    app.add_middleware(RequestDeadline, longest=protection.longest)
    addresses = ClientAddresses(
        settings.trusted_proxies, settings.proxy_header, settings.proxy_hops
    )
    app.add_middleware(RequestLimiting, limits=services.limits, addresses=addresses)
    app.add_middleware(LoadShedding, places=protection.places, metrics=protection.shedding)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=_ACCEPTED_HEADERS,
            expose_headers=_EXPOSED_HEADERS,
        )
    app.add_middleware(RequestLog, metrics=HttpMetrics(services.registry))
    app.add_middleware(ResponseHeaders, security=protection.transport_security)
