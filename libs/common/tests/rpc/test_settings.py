"""What may be set for gRPC, and what keeps a process from starting."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from clientsphere_common.rpc.settings import RpcSettings
from clientsphere_common.rpc.tls import TlsFiles

CERTIFICATE, KEY, AUTHORITY = Path("/tls/tls.crt"), Path("/tls/tls.key"), Path("/tls/ca.crt")


class TestRpcSettings:
    def test_without_any_the_loopback_is_served_in_plaintext(self) -> None:
        settings = RpcSettings()
        assert settings.address == "127.0.0.1:50051"
        assert settings.transport.tls is None

    @pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.9", "::1", "localhost"])
    def test_the_loopback_has_many_names(self, host: str) -> None:
        assert RpcSettings(host=host).transport.tls is None

    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "retrieval"])
    def test_plaintext_is_refused_on_the_network_with_the_ways_out(self, host: str) -> None:
        with pytest.raises(ValidationError) as refused:
            RpcSettings(host=host)
        assert "CLIENTSPHERE_RPC_TLS_CERT_FILE" in str(refused.value)
        assert "CLIENTSPHERE_RPC_ALLOW_PLAINTEXT" in str(refused.value)

    def test_plaintext_is_spoken_on_a_trusted_network(self) -> None:
        assert RpcSettings(host="0.0.0.0", allow_plaintext=True).address == "0.0.0.0:50051"

    def test_a_server_of_the_network_has_three_files(self) -> None:
        settings = RpcSettings(
            host="::", tls_cert_file=CERTIFICATE, tls_key_file=KEY, tls_ca_file=AUTHORITY
        )
        assert settings.address == "[::]:50051"
        assert settings.transport.tls == TlsFiles(CERTIFICATE, KEY, AUTHORITY)

    @pytest.mark.parametrize("missing", ["tls_cert_file", "tls_key_file", "tls_ca_file"])
    def test_two_of_the_three_files_are_a_mistake(self, missing: str) -> None:
        files = {"tls_cert_file": CERTIFICATE, "tls_key_file": KEY, "tls_ca_file": AUTHORITY}
        del files[missing]
        with pytest.raises(ValidationError, match="belong together"):
            RpcSettings.model_validate(files)

    def test_the_environment_is_where_they_come_from(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CLIENTSPHERE_RPC_PORT", "0")
        monkeypatch.setenv("CLIENTSPHERE_RPC_MAX_MESSAGE_MIB", "4")
        monkeypatch.setenv("CLIENTSPHERE_RPC_LLM_PROXY_ADDRESS", "dns:///models:1")
        settings = RpcSettings()
        assert settings.address == "127.0.0.1:0"
        assert settings.transport.max_message_bytes == 4 * 1024 * 1024
        assert settings.llm_proxy_address == "dns:///models:1"
