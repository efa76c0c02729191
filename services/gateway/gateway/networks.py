"""Where a request may come from: networks in CIDR notation."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network


def canonical_network(text: str) -> str:
    """`text` as it is stored. Raises ValueError when it is not one network, exactly."""
    return str(ip_network(text))


def is_within(networks: Iterable[str], address: str) -> bool:
    """Whether `address` is in one of `networks`; what is no IP address is in none."""
    try:
        own = _unwrapped(ip_address(address))
    except ValueError:
        return False
    return any(own in ip_network(network) for network in networks)


def _unwrapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """A socket for both kinds sees IPv4 peers as ::ffff:192.0.2.1."""
    return getattr(address, "ipv4_mapped", None) or address
