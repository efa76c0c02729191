"""How the two ends of a connection behave: encryption, limits, signs of life."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from clientsphere_common.rpc.tls import TlsFiles

Options = list[tuple[str, int | str]]

_MIB = 1024 * 1024
_LEAST_PING_INTERVAL_MS = 500
"""Half of what any process may be set to: a server never finds its clients too lively."""
_LONGEST_CALL_MS = 15 * 60 * 1000
_FIRST_RECONNECT_MS = 200
_LAST_RECONNECT_MS = 2_000
_CONNECT_TIMEOUT_MS = 4_000
_RESOLUTION_INTERVAL_MS = 1_000


class PlaintextRefusedError(ValueError):
    """Without TLS a connection has to stay on this machine."""


@dataclass(frozen=True)
class Transport:
    """Both ends take the same value; they fit even where the values differ."""

    tls: TlsFiles | None = None
    """Both ends prove who they are; None: plaintext."""
    tls_server_name: str = ""
    """What the certificates of servers are issued for; empty: the host of their address."""
    allow_plaintext: bool = False
    """Also beyond this machine."""
    keepalive_time_s: float = 10
    keepalive_timeout_s: float = 5
    max_message_bytes: int = 16 * _MIB
    max_connection_age_s: float | None = None
    """Servers then ask clients to connect anew; None: never."""

    def check(self, address: str) -> None:
        """Raises PlaintextRefusedError when `address` needs TLS and there is none."""
        if self.tls is None and not self.allow_plaintext and not _stays_here(address):
            raise PlaintextRefusedError(
                f"Plaintext is refused for {address}, which is not this machine: set the three"
                " files CLIENTSPHERE_RPC_TLS_CERT_FILE, CLIENTSPHERE_RPC_TLS_KEY_FILE and"
                " CLIENTSPHERE_RPC_TLS_CA_FILE, or CLIENTSPHERE_RPC_ALLOW_PLAINTEXT=true where"
                " the network is trusted."
            )


LOCAL = Transport()
"""Plaintext, for what stays on this machine."""


def server_options(transport: Transport) -> Options:
    options = [
        *_common_options(transport),
        ("grpc.http2.min_ping_interval_without_data_ms", _LEAST_PING_INTERVAL_MS),
        # Otherwise two processes could share a port, each with half of the connections.
        ("grpc.so_reuseport", 0),
    ]
    if transport.max_connection_age_s is not None:
        options += [
            ("grpc.max_connection_age_ms", round(transport.max_connection_age_s * 1e3)),
            ("grpc.max_connection_age_grace_ms", _LONGEST_CALL_MS),
        ]
    return options


def channel_options(transport: Transport, service_config: str) -> Options:
    options = [
        *_common_options(transport),
        ("grpc.service_config", service_config),
        ("grpc.initial_reconnect_backoff_ms", _FIRST_RECONNECT_MS),
        ("grpc.max_reconnect_backoff_ms", _LAST_RECONNECT_MS),
        # By its name a backoff, in fact the time that an attempt to connect may take.
        ("grpc.min_reconnect_backoff_ms", _CONNECT_TIMEOUT_MS),
        ("grpc.dns_min_time_between_resolutions_ms", _RESOLUTION_INTERVAL_MS),
        # A proxy for the way out is none between services.
        ("grpc.enable_http_proxy", 0),
    ]
    if transport.tls_server_name:
        options.append(("grpc.ssl_target_name_override", transport.tls_server_name))
    return options


def _common_options(transport: Transport) -> Options:
    return [
        ("grpc.max_receive_message_length", transport.max_message_bytes),
        ("grpc.max_send_message_length", transport.max_message_bytes),
        ("grpc.keepalive_time_ms", round(transport.keepalive_time_s * 1e3)),
        ("grpc.keepalive_timeout_ms", round(transport.keepalive_timeout_s * 1e3)),
        # Alone, the line above changes nothing: a ping is waited for for a minute.
        ("grpc.http2.ping_timeout_ms", round(transport.keepalive_timeout_s * 1e3)),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
    ]


def _stays_here(address: str) -> bool:
    """Whether every part of a gRPC address is a unix socket or the loopback."""
    scheme, separator, rest = address.partition(":")
    if scheme in {"unix", "unix-abstract"} and separator:
        return True
    if scheme in {"ipv4", "ipv6"}:
        return all(_is_loopback(_host(part)) for part in rest.split(","))
    return _is_loopback(_host(address.removeprefix("dns:///")))


def _host(host_and_port: str) -> str:
    if host_and_port.startswith("["):
        return host_and_port[1:].partition("]")[0]
    return host_and_port.partition(":")[0]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
