"""Where a request may come from: networks in CIDR notation."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)


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


def is_no_wider(networks: Collection[str], than: Collection[str]) -> bool:
    """Whether what is bound to `networks` can be used only where `than` allows; none: anywhere."""
    if not than:
        return True
    outer = [ip_network(network) for network in than]
    return bool(networks) and all(
        any(_is_part(ip_network(network), whole) for whole in outer) for network in networks
    )


def _is_part(network: IPv4Network | IPv6Network, whole: IPv4Network | IPv6Network) -> bool:
    if isinstance(network, IPv4Network):
        return isinstance(whole, IPv4Network) and network.subnet_of(whole)
    return isinstance(whole, IPv6Network) and network.subnet_of(whole)


def _unwrapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """A socket for both kinds sees IPv4 peers as ::ffff:192.0.2.1."""
    return getattr(address, "ipv4_mapped", None) or address
