"""Where deliveries may go: never to anything that only we can reach."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Network = IPv4Network | IPv6Network

_HTTPS = 443
_HTTP = 80
_LAST_PORT = 65_535
_MAX_NAME_CHARS = 253
_REST = r"(?::(?P<port>[0-9]{1,5}))?(?P<target>/[A-Za-z0-9._~:/?@!$&'()*+,;=%\[\]-]*)?"
_PUBLIC_URL = re.compile(rf"[Hh][Tt][Tt][Pp][Ss]://(?P<host>[A-Za-z0-9.-]+){_REST}")
_LOOPBACK_URL = re.compile(rf"http://(?P<host>localhost|127\.0\.0\.1|\[::1\]){_REST}")
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
# A name that ends in a number is one of the many ways to write an address.
_LAST_LABEL = re.compile(r"[a-z][a-z0-9-]{0,61}[a-z0-9]")

# Spelled out after the registries of IANA: what Python's own lists know depends on its version.
_REFUSED_V4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",  # the platform of Azure, behind a public address
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# Whatever is not global unicast is refused: loopback, ULA, link-local, multicast, and the forms
# that carry an IPv4 address (mapped, compatible, NAT64). Of the rest, 6to4 and Teredo carry one.
_GLOBAL_UNICAST_V6 = IPv6Network("2000::/3")
_REFUSED_V6 = tuple(
    IPv6Network(network)
    for network in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)


@dataclass(frozen=True)
class Destination:
    url: str
    """As it is requested."""
    host: str
    port: int
    is_loopback: bool = False
    """Plain HTTP to this machine; never true unless the operator allows it."""

    @property
    def lookup_name(self) -> str:
        """Complete: the machine's search domains must not be tried after it."""
        return self.host if self.is_loopback else f"{self.host}."


@dataclass(frozen=True)
class DestinationRules:
    ports: frozenset[int] = frozenset({_HTTPS})
    allowed: Sequence[Network] = ()
    """Networks that are not public and yet may be sent to."""
    refused: Sequence[Network] = ()
    """Networks that may not, whatever else is said about them."""
    plain_http_to_loopback: bool = False
    """For trying things out on one machine."""

    def destination(self, url: str) -> Destination:
        """Raises ValueError, in words for whoever wrote the URL."""
        if self.plain_http_to_loopback and (parts := _LOOPBACK_URL.fullmatch(url)):
            host, port = parts["host"], int(parts["port"] or _HTTP)
            if not 0 < port <= _LAST_PORT:
                raise ValueError("has a port that does not exist")
            return Destination(url, host.strip("[]"), port, is_loopback=True)
        parts = _PUBLIC_URL.fullmatch(url)
        if parts is None:
            raise ValueError("must be an https URL, without user, fragment and special characters")
        host, port = parts["host"].lower(), int(parts["port"] or _HTTPS)
        if not _is_public_name(host):
            raise ValueError("must have the full name of a public host, and no address")
        if port not in self.ports:
            known = ", ".join(str(one) for one in sorted(self.ports))
            raise ValueError(f"must have the port {known}")
        return Destination(f"https://{host}:{port}{parts['target'] or '/'}", host, port)

    def admit(self, destination: Destination, addresses: Sequence[str]) -> Sequence[str]:
        """`addresses` of the destination. Raises ValueError unless every one may be sent to."""
        if not addresses or not all(self._admits(destination, one) for one in addresses):
            raise ValueError("the name has no address, or one that nothing is sent to")
        return addresses

    def _admits(self, destination: Destination, text: str) -> bool:
        address = ip_address(text)
        if destination.is_loopback:
            return address.is_loopback
        if _is_within(address, self.refused):
            return False
        return is_public(address) or _is_within(address, self.allowed)


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether the address means the same host for everybody on the internet."""
    if isinstance(address, IPv4Address):
        return not _is_within(address, _REFUSED_V4)
    return address in _GLOBAL_UNICAST_V6 and not _is_within(address, _REFUSED_V6)


def parse_network(text: str) -> Network:
    """Raises ValueError."""
    return ip_network(text)


def _is_within(address: IPv4Address | IPv6Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def _is_public_name(host: str) -> bool:
    *labels, last = host.split(".")
    return (
        len(host) <= _MAX_NAME_CHARS
        and bool(labels)
        and all(_LABEL.fullmatch(label) for label in labels)
        and _LAST_LABEL.fullmatch(last) is not None
    )
