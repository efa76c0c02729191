"""From which address a request comes, when proxies stand in between."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_IPV6_PREFIX_LENGTH = 64
"""What one customer has at least: within it addresses are free."""
_UNKNOWN = "unknown"
_WITH_PORT = re.compile(r"\[([^\]]+)\](?::\d+)?|([^:]+):\d+")
_FOR = re.compile(r'(?i)(?:^|;)\s*for\s*=\s*(?:"([^"\\]*)"|([^\s;"]+))\s*(?:;|$)')

IpAddress = IPv4Address | IPv6Address


@dataclass(frozen=True)
class ClientAddress:
    text: str
    """Empty when there is none, as on a unix socket."""
    network: str
    """Under which it is counted: the IPv4 address, or the /64 of the IPv6 address."""


class ClientAddresses:
    """Believes `header` only when a trusted peer sent it, and only what trusted proxies added.

    Each proxy adds the address that called it on the right. So the list is read from there, for
    as long as what it names is a trusted proxy itself, and at most `hops` entries of it; what is
    further left may be the invention of a client.
    """

    def __init__(
        self, trusted: Sequence[IPv4Network | IPv6Network], header: str, hops: int
    ) -> None:
        self._trusted = tuple(trusted)
        self._header = header
        self._hops = hops
        self._parse = _PARSERS[header]

    def find(
        self, peer: str | None, header_values: Callable[[str], Sequence[str]]
    ) -> ClientAddress:
        """`header_values` gives the values of a header by its name, in the order of the request."""
        address = _address(peer or "")
        if address is None:
            return ClientAddress("", _UNKNOWN)
        if self._trusted and self._is_trusted(address):
            address = self._behind(address, ",".join(header_values(self._header)))
        text = str(address)
        if isinstance(address, IPv6Address):
            network = IPv6Network((address, _IPV6_PREFIX_LENGTH), strict=False)
            return ClientAddress(text, str(network))
        return ClientAddress(text, text)

    def _behind(self, proxy: IpAddress, listed: str) -> IpAddress:
        address = proxy
        for entry in reversed(listed.rsplit(",", self._hops)[-self._hops :]):
            named = _address(self._parse(entry))
            if named is None:
                break
            address = named
            if not self._is_trusted(address):
                break
        return address

    def _is_trusted(self, address: IpAddress) -> bool:
        return any(address in network for network in self._trusted)


def _address(written: str) -> IpAddress | None:
    try:
        address = ip_address(written)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _without_port(written: str) -> str:
    found = _WITH_PORT.fullmatch(written)
    return written if found is None else found[1] or found[2]


def _in_x_forwarded_for(entry: str) -> str:
    return _without_port(entry.strip())


def _in_forwarded(entry: str) -> str:
    """RFC 7239; an obfuscated or unknown node is no address."""
    found = _FOR.search(entry.strip())
    return "" if found is None else _without_port(found[1] or found[2] or "")


_PARSERS: Mapping[str, Callable[[str], str]] = {
    "x-forwarded-for": _in_x_forwarded_for,
    "forwarded": _in_forwarded,
}
