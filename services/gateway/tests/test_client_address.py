"""Whose address counts: never one that the client could have made up."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_network

import pytest

from gateway.client_address import ClientAddress, ClientAddresses

PROXY, INNER, CLIENT = "10.0.0.1", "10.0.0.2", "203.0.113.9"
X, FORWARDED = "x-forwarded-for", "forwarded"


def found(
    *values: str,
    peer: str | None = PROXY,
    trusted: Sequence[str] = ("10.0.0.0/8", "fd00::/8"),
    header: str = X,
    hops: int = 1,
) -> ClientAddress:
    networks = [ip_network(network) for network in trusted]
    sent = {header: values}
    return ClientAddresses(networks, header, hops).find(peer, lambda name: sent.get(name, ()))


class TestWithoutAProxy:
    def test_the_peer_counts_whatever_it_says(self) -> None:
        assert found("198.51.100.1", trusted=(), peer=CLIENT).network == CLIENT

    def test_a_peer_that_is_not_trusted_is_not_believed(self) -> None:
        assert found("198.51.100.1", peer=CLIENT).network == CLIENT

    @pytest.mark.parametrize("peer", [None, "", "a.sock"])
    def test_a_peer_without_an_address_counts_with_all_others_of_the_kind(
        self, peer: str | None
    ) -> None:
        address = found(CLIENT, peer=peer)
        assert (address.text, address.network) == ("", "unknown")


class TestBehindAProxy:
    def test_what_it_added_counts(self) -> None:
        assert found(CLIENT).network == CLIENT

    @pytest.mark.parametrize("hops", [1, 2, 5])
    def test_what_the_client_sent_before_does_not(self, hops: int) -> None:
        assert found(f"198.51.100.1, {CLIENT}", hops=hops).network == CLIENT
        assert found("198.51.100.1", CLIENT, hops=hops).network == CLIENT

    def test_a_client_that_claims_to_be_a_proxy_counts_itself(self) -> None:
        assert found(f"198.51.100.1, {INNER}, {CLIENT}", hops=5).network == CLIENT

    def test_two_proxies_are_looked_through_when_there_may_be_two(self) -> None:
        assert found(f"{CLIENT}, {INNER}", hops=2).network == CLIENT
        assert found(f"198.51.100.1, {CLIENT}, {INNER}", hops=2).network == CLIENT

    def test_no_more_than_there_may_be_are_looked_through(self) -> None:
        assert found(f"{CLIENT}, {INNER}", hops=1).network == INNER
        assert found(f"{CLIENT}, 10.0.0.3, {INNER}", hops=2).network == "10.0.0.3"

    @pytest.mark.parametrize("value", ["", "nonsense", "1.2.3", "1.2.3.4.5", "unknown", ",", "é"])
    def test_what_is_no_address_leaves_the_proxy(self, value: str) -> None:
        assert found(value).network == PROXY
        assert found(f"{CLIENT}, {value}").network == PROXY

    def test_nothing_said_leaves_the_proxy(self) -> None:
        assert found().network == PROXY

    def test_a_very_long_list_is_read_from_its_end(self) -> None:
        assert found("1.1.1.1," * 10_000 + CLIENT).network == CLIENT

    @pytest.mark.parametrize("value", [f"{CLIENT}:4711", f" {CLIENT} ", f"::ffff:{CLIENT}"])
    def test_an_address_may_be_written_in_several_ways(self, value: str) -> None:
        assert found(value).network == CLIENT


class TestForwarded:
    @pytest.mark.parametrize(
        "value",
        [
            f"for={CLIENT}",
            f"For={CLIENT};proto=https;by=10.0.0.1",
            f'proto=https; for="{CLIENT}:4711"',
            f"for=198.51.100.1, for={CLIENT}",
            f'for="unfinished, for={CLIENT}',
        ],
    )
    def test_names_the_client(self, value: str) -> None:
        assert found(value, header=FORWARDED).network == CLIENT

    @pytest.mark.parametrize("value", ["for=_hidden", "for=unknown", "by=1.2.3.4", "for=", 'for="'])
    def test_that_names_nobody_leaves_the_proxy(self, value: str) -> None:
        assert found(value, header=FORWARDED).network == PROXY

    def test_names_addresses_of_version_six(self) -> None:
        assert found('for="[2001:db8:1:2::9]:80"', header=FORWARDED).network == "2001:db8:1:2::/64"

    def test_is_ignored_when_the_other_header_is_believed(self) -> None:
        sent = {FORWARDED: [f"for={CLIENT}"]}
        addresses = ClientAddresses([ip_network("10.0.0.0/8")], X, 1)
        assert addresses.find(PROXY, lambda name: sent.get(name, [])).network == PROXY


class TestVersionSix:
    def test_is_told_whole(self) -> None:
        assert found("2001:db8:1:2::9").text == "2001:db8:1:2::9"

    def test_a_network_of_64_bits_counts_together(self) -> None:
        assert found(peer="2001:db8:1:2::1").network == found(peer="2001:db8:1:2:ffff::1").network
        assert found(peer="2001:db8:1:2::1").network != found(peer="2001:db8:1:3::1").network

    def test_a_mapped_address_is_one_of_version_four(self) -> None:
        assert found(peer=f"::ffff:{CLIENT}").network == CLIENT

    def test_a_mapped_proxy_is_trusted_as_itself(self) -> None:
        assert found(CLIENT, peer=f"::ffff:{PROXY}").network == CLIENT

    @pytest.mark.parametrize("value", ["[2001:db8::1]:443", "[2001:db8::1]", "2001:db8::1"])
    def test_may_be_written_with_a_port(self, value: str) -> None:
        assert found(value).network == "2001:db8::/64"

    def test_a_proxy_may_have_one(self) -> None:
        assert found(CLIENT, peer="fd00::1").network == CLIENT
