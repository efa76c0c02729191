"""What keeps the gateway standing: bounds on connections, places for requests, times, TLS."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from functools import partial

from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp

from clientsphere_common.http_server import HttpAddress, HttpServer
from clientsphere_common.http_tls import ServerCertificate, server_context
from gateway.http_protocol import BoundedHttpProtocol, ConnectionBounds
from gateway.middleware.request_deadline import LongestTimes
from gateway.middleware.response_headers import TransportSecurity
from gateway.settings import GatewaySettings
from gateway.shedding.loop_lag import LoopLag
from gateway.shedding.metrics import SheddingMetrics
from gateway.shedding.places import PlaceBounds, Places


@dataclass(frozen=True)
class Protection:
    places: Places
    shedding: SheddingMetrics
    lag: LoopLag
    """A module; without it there are always as many places as there may be at most."""
    longest: LongestTimes
    body_timeout_s: float
    transport_security: TransportSecurity


def protect(settings: GatewaySettings, registry: CollectorRegistry) -> Protection:
    places = Places(PlaceBounds(settings.most_requests_at_once, settings.least_requests_at_once))
    shedding = SheddingMetrics(registry)
    transfers = (
        "POST /v1/documents",
        "GET /v1/documents/{document_id}/content",
        "GET /v1/documents/{document_id}/text",
    )
    answer_s = settings.call_timeout_s + settings.answer_timeout_s
    of_routes_s = {
        **dict.fromkeys(transfers, settings.transfer_timeout_s),
        "POST /v1/chat": answer_s,
    }
    return Protection(
        places=places,
        shedding=shedding,
        lag=LoopLag(places, shedding, settings.overload_lag_ms / 1e3),
        longest=LongestTimes(settings.request_timeout_s, of_routes_s),
        body_timeout_s=settings.body_timeout_s,
        transport_security=TransportSecurity(settings.hsts_max_age_s, settings.trusted_proxies),
    )


def http_server(app: ASGIApp, settings: GatewaySettings) -> HttpServer:
    """Raises DependencyUnavailableError while the certificate cannot be read."""
    bounds = ConnectionBounds(
        header_timeout_s=settings.header_timeout_s,
        write_timeout_s=settings.write_timeout_s,
        max_connections=settings.max_connections,
    )
    address = HttpAddress(settings.host, settings.port, "CLIENTSPHERE_GATEWAY_", _tls(settings))
    return HttpServer(app, address, protocol=partial(BoundedHttpProtocol, bounds))


def _tls(settings: GatewaySettings) -> ssl.SSLContext | None:
    if settings.tls_cert_file is None or settings.tls_key_file is None:
        return None
    return server_context(ServerCertificate(settings.tls_cert_file, settings.tls_key_file))
