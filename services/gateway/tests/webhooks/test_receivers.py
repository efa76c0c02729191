"""What is sent over real sockets and TLS, to names of a real name server, and what never is."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Sequence
from functools import partial
from ipaddress import ip_network
from pathlib import Path

import pytest

from gateway.adapters.name_lookup import MachineNames
from gateway.adapters.webhook_receivers import HttpReceivers
from gateway.webhooks.destinations import DestinationRules
from gateway.webhooks.model import Answer, FailureReason
from tests.harness.certificates import CertificateAuthority, make_authority
from tests.harness.modules import running
from tests.harness.name_server import NameServer, ask, name_server
from tests.harness.webhook_receiver import WebhookReceiver, webhook_receiver

NAME = "hooks.kestrand.example"
TRICKS = {
    "loopback": ["127.0.0.1"],
    "any address of this machine": ["0.0.0.0"],
    "private": ["10.0.0.7"],
    "metadata": ["169.254.169.254"],
    "carrier's": ["100.64.0.1"],
    "first public, then loopback": ["8.8.8.8", "127.0.0.1"],
    "first loopback, then public": ["127.0.0.1", "8.8.8.8"],
    "loopback of IPv6": ["::1"],
    "mapped loopback": ["::ffff:127.0.0.1"],
    "NAT64 of loopback": ["64:ff9b::7f00:1"],
    "6to4 of loopback": ["2002:7f00:1::"],
    "public, and private of IPv6": ["8.8.8.8", "fd00:ec2::254"],
    "link-local": ["fe80::1"],
    "multicast": ["ff02::1"],
}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def receiver(authority: CertificateAuthority) -> AsyncIterator[WebhookReceiver]:
    async with webhook_receiver(authority, NAME) as receiver:
        yield receiver


@pytest.fixture
async def names() -> AsyncIterator[NameServer]:
    async with name_server() as names:
        names.addresses[NAME] = ["127.0.0.1"]
        yield names


def allowing(receiver: WebhookReceiver, *networks: str) -> DestinationRules:
    return DestinationRules(
        ports=frozenset({receiver.port}), allowed=[ip_network(one) for one in networks]
    )


@pytest.fixture
def receivers(
    receiver: WebhookReceiver, names: NameServer, authority: CertificateAuthority
) -> HttpReceivers:
    """They may be on 127.0.0.1, where those of tests are."""
    rules = allowing(receiver, "127.0.0.1/32")
    return HttpReceivers(rules, partial(ask, names.port), authority.file, timeout_s=3)


def url_of(receiver: WebhookReceiver, name: str = NAME) -> str:
    return f"https://{name}:{receiver.port}/in?token=x"


class TestPost:
    async def test_sends_the_bytes_and_headers(
        self, receiver: WebhookReceiver, receivers: HttpReceivers
    ) -> None:
        answer = await receivers.post(url_of(receiver), {"webhook-id": "evt_1"}, b'{"a":1}')
        assert answer == Answer(204, None)
        ((line, headers, body),) = receiver.requests
        assert line == "POST /in?token=x HTTP/1.1"
        assert headers["host"] == f"{NAME}:{receiver.port}"
        assert headers["webhook-id"] == "evt_1"
        assert headers["content-type"] == "application/json"
        assert body == b'{"a":1}'

    @pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 401, 404, 410, 429, 500, 503])
    async def test_takes_other_statuses_for_refusals_and_follows_none(
        self, receiver: WebhookReceiver, receivers: HttpReceivers, status: int
    ) -> None:
        inside = f"Location: http://127.0.0.1:{receiver.plain_port}/\r\nContent-Length: 0"
        receiver.answer = f"HTTP/1.1 {status} X\r\n{inside}\r\n\r\n".encode()
        answer = await receivers.post(url_of(receiver), {}, b"{}")
        assert answer == Answer(status, FailureReason.NOT_ACCEPTED)
        assert receiver.connections == 1

    async def test_reads_a_little_of_what_never_ends(
        self, receiver: WebhookReceiver, receivers: HttpReceivers
    ) -> None:
        receiver.answer = b"HTTP/1.1 200 OK\r\n\r\n"
        receiver.answers_endlessly = b"x" * 65536
        assert await receivers.post(url_of(receiver), {}, b"{}") == Answer(200, None)

    async def test_minds_no_answer_that_breaks_off_after_its_status(
        self, receiver: WebhookReceiver, receivers: HttpReceivers
    ) -> None:
        receiver.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"
        assert await receivers.post(url_of(receiver), {}, b"{}") == Answer(200, None)

    async def test_ends_when_nobody_answers(
        self, receiver: WebhookReceiver, names: NameServer, authority: CertificateAuthority
    ) -> None:
        receiver.waits = True
        hasty = HttpReceivers(
            allowing(receiver, "127.0.0.1/32"), partial(ask, names.port), authority.file, 0.3
        )
        answer = await hasty.post(url_of(receiver), {}, b"{}")
        assert answer == Answer(None, FailureReason.TIMED_OUT)

    async def test_minds_no_slow_rest_of_an_answer(
        self, receiver: WebhookReceiver, names: NameServer, authority: CertificateAuthority
    ) -> None:
        receiver.answer = b"HTTP/1.1 200 OK\r\n\r\n"
        # Chunks so small that the limit in bytes is never reached.
        receiver.answers_endlessly = b" "
        hasty = HttpReceivers(
            allowing(receiver, "127.0.0.1/32"), partial(ask, names.port), authority.file, 0.5
        )
        assert await hasty.post(url_of(receiver), {}, b"{}") == Answer(200, None)

    @pytest.mark.parametrize(
        "answer", [b"", b"220 mail.example ESMTP\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000]
    )
    async def test_is_told_of_what_is_no_http(
        self, receiver: WebhookReceiver, receivers: HttpReceivers, answer: bytes
    ) -> None:
        receiver.answer = answer
        failed = await receivers.post(url_of(receiver), {}, b"{}")
        assert failed == Answer(None, FailureReason.ANSWER_UNREADABLE)

    async def test_minds_no_proxy_of_the_environment(
        self,
        receiver: WebhookReceiver,
        receivers: HttpReceivers,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        for variable in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(variable, "http://127.0.0.1:1")
        assert await receivers.post(url_of(receiver), {}, b"{}") == Answer(204, None)

    async def test_tries_the_next_address_of_a_name(
        self, receiver: WebhookReceiver, names: NameServer, authority: CertificateAuthority
    ) -> None:
        names.addresses[NAME] = ["127.0.0.9", "127.0.0.1"]
        rules = allowing(receiver, "127.0.0.0/8")
        receivers = HttpReceivers(rules, partial(ask, names.port), authority.file, 3)
        assert await receivers.post(url_of(receiver), {}, b"{}") == Answer(204, None)
        names.addresses[NAME] = ["127.0.0.9", "127.0.0.8"]
        failed = await receivers.post(url_of(receiver), {}, b"{}")
        assert failed == Answer(None, FailureReason.NOT_CONNECTED)

    async def test_speaks_plain_http_to_this_machine_where_the_operator_says_so(
        self, receiver: WebhookReceiver
    ) -> None:
        names = MachineNames()
        async with running(names):
            receivers = HttpReceivers(
                DestinationRules(plain_http_to_loopback=True), names.addresses, None, 3
            )
            for host in ("localhost", "127.0.0.1"):
                url = f"http://{host}:{receiver.plain_port}/in"
                assert await receivers.post(url, {}, b"{}") == Answer(204, None)


class TestWhatIsInside:
    @pytest.mark.parametrize("trick", TRICKS)
    async def test_is_not_even_connected_to(
        self,
        receiver: WebhookReceiver,
        names: NameServer,
        authority: CertificateAuthority,
        trick: str,
    ) -> None:
        names.addresses[NAME] = TRICKS[trick]
        strict = HttpReceivers(allowing(receiver), partial(ask, names.port), authority.file, 3)
        answer = await strict.post(url_of(receiver), {}, b"{}")
        assert answer == Answer(None, FailureReason.ADDRESS_UNUSABLE)
        assert receiver.connections == 0

    async def test_is_not_reached_by_a_name_that_changes_its_mind(
        self, receiver: WebhookReceiver, names: NameServer, authority: CertificateAuthority
    ) -> None:
        async def lookup(name: str) -> Sequence[str]:
            """The address is fine when it is asked for, and another one afterwards."""
            found = await ask(names.port, name)
            names.addresses[NAME] = ["10.0.0.1"]
            return found

        rules = allowing(receiver, "127.0.0.1/32")
        receivers = HttpReceivers(rules, lookup, authority.file, 3)
        assert await receivers.post(url_of(receiver), {}, b"{}") == Answer(204, None)
        # One question for each kind of address, and none when it connected.
        assert names.asked == [NAME, NAME]
        refused = await receivers.post(url_of(receiver), {}, b"{}")
        assert refused == Answer(None, FailureReason.ADDRESS_UNUSABLE)
        assert receiver.connections == 1

    async def test_sounds_the_same_whether_a_name_exists_or_not(
        self, receiver: WebhookReceiver, names: NameServer, receivers: HttpReceivers
    ) -> None:
        names.addresses["db.kestrand.example"] = ["10.0.0.1"]
        answers = [
            await receivers.post(url_of(receiver, name), {}, b"{}")
            for name in ("db.kestrand.example", "nothing.kestrand.example")
        ]
        assert answers == [Answer(None, FailureReason.ADDRESS_UNUSABLE)] * 2

    async def test_is_not_reached_by_a_url_that_is_no_longer_allowed(
        self, receiver: WebhookReceiver, receivers: HttpReceivers
    ) -> None:
        for url in ("https://127.0.0.1/", f"http://127.0.0.1:{receiver.plain_port}/"):
            answer = await receivers.post(url, {}, b"{}")
            assert answer == Answer(None, FailureReason.ADDRESS_UNUSABLE)
        assert receiver.connections == 0


class TestTls:
    async def test_must_be_that_of_the_name(
        self, receiver: WebhookReceiver, names: NameServer, receivers: HttpReceivers
    ) -> None:
        names.addresses["other.kestrand.example"] = ["127.0.0.1"]
        answer = await receivers.post(url_of(receiver, "other.kestrand.example"), {}, b"{}")
        assert answer == Answer(None, FailureReason.TLS_FAILED)
        assert receiver.requests == []

    async def test_must_rest_on_an_authority_that_is_known(
        self, receiver: WebhookReceiver, names: NameServer, tmp_path: Path
    ) -> None:
        for ca_file in (None, make_authority(tmp_path).file):
            stranger = HttpReceivers(
                allowing(receiver, "127.0.0.1/32"), partial(ask, names.port), ca_file, 3
            )
            answer = await stranger.post(url_of(receiver), {}, b"{}")
            assert answer == Answer(None, FailureReason.TLS_FAILED)
        assert receiver.requests == []

    async def test_must_be_spoken(
        self, receiver: WebhookReceiver, names: NameServer, authority: CertificateAuthority
    ) -> None:
        rules = DestinationRules(
            frozenset({receiver.plain_port}), allowed=[ip_network("127.0.0.1/32")]
        )
        receivers = HttpReceivers(rules, partial(ask, names.port), authority.file, 1)
        url = f"https://{NAME}:{receiver.plain_port}/"
        answer = await receivers.post(url, {}, b"{}")
        assert answer.status is None
        assert receiver.requests == []
        # Not even one that hung in its handshake is left open.
        gc.collect()


class TestMachineNames:
    async def test_knows_this_machine_by_name_and_by_address(self) -> None:
        names = MachineNames()
        async with running(names):
            assert "127.0.0.1" in await names.addresses("localhost")
            assert await names.addresses("127.0.0.1") == ["127.0.0.1"]

    async def test_raises_for_what_is_no_name(self) -> None:
        names = MachineNames()
        async with running(names):
            for name in ("no-such-name.invalid.", f"{'a' * 64}.example."):
                with pytest.raises((OSError, UnicodeError)):
                    await names.addresses(name)

    async def test_answers_many_at_once(self) -> None:
        names = MachineNames()
        async with running(names):
            found = await asyncio.gather(*(names.addresses("localhost") for _ in range(50)))
        assert len(found) == 50
