"""Which addresses are this machine, where plaintext does no harm."""

from __future__ import annotations

from pathlib import Path

import pytest

from clientsphere_common.rpc.tls import TlsFiles
from clientsphere_common.rpc.transport import LOCAL, PlaintextRefusedError, Transport

HERE = (
    "unix:/run/clientsphere/grpc.sock",
    "unix:grpc.sock",
    "unix-abstract:clientsphere",
    "127.0.0.1:50051",
    "[::1]:50051",
    "localhost:50051",
    "dns:///localhost:50051",
    "ipv4:127.0.0.1:1,127.0.0.2:2",
    "ipv6:[::1]:1",
)
ELSEWHERE = (
    "retrieval:50051",
    "unix",
    "dns:///retrieval:50051",
    "dns://127.0.0.1:53/retrieval:50051",
    "10.0.0.1:50051",
    "[2001:db8::1]:50051",
    "ipv4:127.0.0.1:1,10.0.0.1:1",
    "localhost.example.com:50051",
    "xds:///localhost",
    "",
)


class TestPlaintext:
    @pytest.mark.parametrize("address", HERE)
    def test_may_be_spoken_on_this_machine(self, address: str) -> None:
        LOCAL.check(address)

    @pytest.mark.parametrize("address", ELSEWHERE)
    def test_is_refused_everywhere_else(self, address: str) -> None:
        with pytest.raises(PlaintextRefusedError, match="Plaintext is refused"):
            LOCAL.check(address)

    @pytest.mark.parametrize("address", ELSEWHERE)
    def test_is_no_question_with_certificates(self, address: str) -> None:
        Transport(tls=TlsFiles(Path("a"), Path("b"), Path("c"))).check(address)

    @pytest.mark.parametrize("address", ELSEWHERE)
    def test_may_be_spoken_where_that_was_asked_for(self, address: str) -> None:
        Transport(allow_plaintext=True).check(address)
