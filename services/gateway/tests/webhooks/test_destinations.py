"""Deliveries go to public hosts, however an address inside is written."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from gateway.webhooks.destinations import DestinationRules

RULES = DestinationRules()
LAPTOP = DestinationRules(plain_http_to_loopback=True)
PUBLIC = RULES.destination("https://hooks.kestrand.example/in")
LONG = "a" * 64

REFUSED_URLS = [
    "",
    "hooks.kestrand.example",
    "//hooks.kestrand.example/",
    "http://hooks.kestrand.example/",
    "ftp://hooks.kestrand.example/",
    "file:///etc/passwd",
    "gopher://hooks.kestrand.example/",
    "javascript:alert(1)",
    "data:,x",
    "unix:///run/docker.sock",
    "https://",
    "https:///path",
    "https:hooks.kestrand.example/",
    "https:/hooks.kestrand.example/",
    "https:\\\\hooks.kestrand.example\\",
    "https://user@hooks.kestrand.example/",
    "https://user:secret@hooks.kestrand.example/",
    "https://hooks.kestrand.example@127.0.0.1/",
    "https://127.0.0.1\\@hooks.kestrand.example/",
    "https://hooks.kestrand.example#@127.0.0.1/",
    "https://hooks.kestrand.example/#fragment",
    "https://hooks.kestrand.example/a b",
    "https://hooks.kestrand.example/\r\nHost: inside",
    "https://hooks.kestrand.example/\x00",
    "https://hooks.kestrand.example/é",
    " https://hooks.kestrand.example/",
    "https://hooks.kestrand.example/\n",
    "https://hooks.kestrand.example?x",
    "https://hooks.kestrand.example:80/",
    "https://hooks.kestrand.example:22/",
    "https://hooks.kestrand.example:0/",
    "https://hooks.kestrand.example:65536/",
    "https://hooks.kestrand.example:99999999999/",
    "https://hooks.kestrand.example:/",
    "https://hooks.kestrand.example:-443/",
    "https://hooks.kestrand.example:443:80/",
    "https://localhost/",
    "https://metadata/",
    "https://hooks.kestrand.example./",
    "https://.example/",
    "https://a..example/",
    "https://-a.example/",
    "https://a-.example/",
    "https://a_b.example/",
    f"https://{LONG}.example/",
    f"https://{'.'.join(['a' * 60] * 5)}.example/",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://017700000001/",
    "https://0177.0.0.1/",
    "https://127.0.0.1.",
    "https://169.254.169.254/latest/meta-data/",
    "https://0xa9fea9fe/",
    "https://a.0x7f/",
    "https://1.2.3.4.5/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:a9fe:a9fe]/",
    "https://[fd00:ec2::254]/",
    "https://[fe80::1%25eth0]/",
    "https://[64:ff9b::7f00:1]/",
    "https://①②⑦.⓪.⓪.①/",
    "https://\uff11\uff12\uff17.0.0.1/",
    "https://hooks。kestrand。example/",
    "https://ⓛocalhost.example/",
    "https://%6c%6fcalhost/",
    "https://hooks%2ekestrand%2eexample/",
    "http://localhost/",
    "http://127.0.0.1:8080/",
    "http://[::1]/",
]

REFUSED_ADDRESSES = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.168.255.255",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a00:1",
    "100::1",
    "2001::1",
    "2001:0:7f00:1::",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]
PUBLIC_ADDRESSES = ["8.8.8.8", "100.63.255.255", "172.32.0.1", "2606:4700::1111", "2a00::1"]


class TestDestination:
    @pytest.mark.parametrize("url", REFUSED_URLS)
    def test_is_none_for(self, url: str) -> None:
        with pytest.raises(ValueError, match="must"):
            RULES.destination(url)

    def test_knows_host_and_port(self) -> None:
        found = RULES.destination("HTTPS://Hooks.Kestrand.Example/in?token=a%2Fb")
        assert (found.host, found.port) == ("hooks.kestrand.example", 443)
        assert found.url == "https://hooks.kestrand.example:443/in?token=a%2Fb"

    def test_is_looked_up_by_its_complete_name(self) -> None:
        assert PUBLIC.lookup_name == "hooks.kestrand.example."

    def test_may_have_another_port_where_the_operator_says_so(self) -> None:
        rules = DestinationRules(ports=frozenset({443, 8443}))
        assert rules.destination("https://hooks.kestrand.example:8443").port == 8443

    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
    def test_may_be_this_machine_where_the_operator_says_so(self, host: str) -> None:
        found = LAPTOP.destination(f"http://{host}:8000/in")
        assert found.is_loopback
        assert LAPTOP.admit(found, ["127.0.0.1"])
        with pytest.raises(ValueError, match="no address"):
            LAPTOP.admit(found, ["10.0.0.1"])

    @pytest.mark.parametrize(
        "url",
        [
            "http://hooks.kestrand.example/",
            "http://localhost.example/",
            "http://127.0.0.2/",
            "http://localhost:0/",
            "http://localhost:65536/",
            "http://user@localhost/",
        ],
    )
    def test_is_no_other_without_tls_even_then(self, url: str) -> None:
        with pytest.raises(ValueError, match=r"must|does not exist"):
            LAPTOP.destination(url)


class TestAdmit:
    @pytest.mark.parametrize("address", REFUSED_ADDRESSES)
    def test_refuses(self, address: str) -> None:
        for addresses in ([address], ["8.8.8.8", address], [address, "8.8.8.8"]):
            with pytest.raises(ValueError, match="nothing is sent to"):
                RULES.admit(PUBLIC, addresses)

    def test_refuses_a_name_without_addresses(self) -> None:
        with pytest.raises(ValueError, match="no address"):
            RULES.admit(PUBLIC, [])

    def test_refuses_what_is_no_address(self) -> None:
        with pytest.raises(ValueError, match="appear"):
            RULES.admit(PUBLIC, ["inside"])

    @pytest.mark.parametrize("address", PUBLIC_ADDRESSES)
    def test_lets_public_ones_through(self, address: str) -> None:
        assert RULES.admit(PUBLIC, [address]) == [address]

    def test_lets_a_network_through_that_the_operator_allows(self) -> None:
        rules = DestinationRules(allowed=[ip_network("10.1.0.0/16")])
        assert rules.admit(PUBLIC, ["10.1.2.3"])
        with pytest.raises(ValueError, match="nothing is sent to"):
            rules.admit(PUBLIC, ["10.2.0.1"])

    def test_refuses_a_public_network_that_the_operator_refuses(self) -> None:
        rules = DestinationRules(
            allowed=[ip_network("8.8.0.0/16")], refused=[ip_network("8.8.8.0/24")]
        )
        with pytest.raises(ValueError, match="nothing is sent to"):
            rules.admit(PUBLIC, ["8.8.8.8"])
