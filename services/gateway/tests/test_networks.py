"""Tests of gateway.networks: which addresses a network has, and which network is part of which."""

from __future__ import annotations

import pytest

from gateway.networks import canonical_network, is_no_wider, is_within


class TestCanonicalNetwork:
    @pytest.mark.parametrize(
        ("written", "stored"),
        [
            ("192.0.2.0/24", "192.0.2.0/24"),
            ("192.0.2.7", "192.0.2.7/32"),
            ("2001:DB8:0::/48", "2001:db8::/48"),
        ],
    )
    def test_is_the_one_way_to_write_it(self, written: str, stored: str) -> None:
        assert canonical_network(written) == stored

    @pytest.mark.parametrize("written", ["192.0.2.1/24", "everywhere", "", "192.0.2.0/33"])
    def test_is_not_guessed(self, written: str) -> None:
        with pytest.raises(ValueError):  # noqa: PT011 - the library's words
            canonical_network(written)


class TestIsWithin:
    @pytest.mark.parametrize(
        "address", ["192.0.2.0", "192.0.2.255", "::ffff:192.0.2.7", "2001:db8::1"]
    )
    def test_one_of_several_networks_is_enough(self, address: str) -> None:
        assert is_within(["192.0.2.0/24", "2001:db8::/32"], address)

    @pytest.mark.parametrize(
        "address", ["192.0.3.0", "::ffff:192.0.3.0", "2001:db9::", "::c000:207", "", "localhost"]
    )
    def test_everything_else_is_outside(self, address: str) -> None:
        assert not is_within(["192.0.2.0/24", "2001:db8::/32"], address)

    def test_nothing_is_within_no_network(self) -> None:
        assert not is_within([], "192.0.2.7")


class TestIsNoWider:
    @pytest.mark.parametrize(
        ("networks", "than"),
        [
            (["192.0.2.0/24"], ["192.0.2.0/24"]),
            (["192.0.2.0/25"], ["198.51.100.0/24", "192.0.2.0/24"]),
            (["192.0.2.7/32", "2001:db8:1::/48"], ["192.0.2.0/24", "2001:db8::/32"]),
            (["192.0.2.0/24"], []),
            ([], []),
        ],
    )
    def test_what_lies_in_the_other_networks(self, networks: list[str], than: list[str]) -> None:
        assert is_no_wider(networks, than)

    @pytest.mark.parametrize(
        "networks",
        [
            ["192.0.2.0/23"],
            ["192.0.2.0/25", "198.51.100.0/24"],
            ["::ffff:192.0.2.0/121"],
            ["2001:db8::/31"],
            [],
        ],
    )
    def test_is_not_what_reaches_beyond_them(self, networks: list[str]) -> None:
        assert not is_no_wider(networks, ["192.0.2.0/24", "2001:db8::/32"])
