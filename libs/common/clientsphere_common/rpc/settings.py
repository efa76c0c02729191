"""Settings of gRPC between processes, read once at start from CLIENTSPHERE_RPC_* variables."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from clientsphere_common.rpc.frame import MAX_CONCURRENT_CALLS
from clientsphere_common.rpc.tls import TlsFiles
from clientsphere_common.rpc.transport import Transport

_MIB = 1024 * 1024


class RpcSettings(BaseSettings):
    """A missing or impossible value stops the process before it accepts a call."""

    model_config = SettingsConfigDict(env_prefix="CLIENTSPHERE_RPC_", frozen=True)

    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="Address on which gRPC is served. Without TLS only the loopback is.",
    )
    port: int = Field(
        default=50051, ge=0, le=65535, description="Port on which gRPC is served; 0: a free one."
    )
    tls_cert_file: Path | None = Field(
        default=None, description="Certificate chain of this process, in PEM; read anew on change."
    )
    tls_key_file: Path | None = Field(default=None, description="Its private key, in PEM.")
    tls_ca_file: Path | None = Field(
        default=None,
        description="Authority whose certificates servers and clients must show, in PEM.",
    )
    tls_server_name: str = Field(
        default="",
        description="Name in the certificates of servers. Empty: the host of their address.",
    )
    allow_plaintext: bool = Field(
        default=False, description="Speak without TLS beyond this machine, on a trusted network."
    )
    keepalive_time_s: float = Field(
        default=10, ge=1, le=7200, description="Silence after which a peer is asked, in seconds."
    )
    keepalive_timeout_s: float = Field(
        default=5, gt=0, le=300, description="Wait for its sign of life, in seconds."
    )
    max_connection_age_s: float = Field(
        default=300,
        ge=1,
        description="Age at which clients connect anew and so find new servers, in seconds.",
    )
    max_message_mib: int = Field(default=16, ge=1, le=256, description="Largest message, in MiB.")
    max_concurrent_calls: int = Field(
        default=MAX_CONCURRENT_CALLS,
        ge=1,
        description="Calls served at the same time; those beyond are refused.",
    )
    reflection: bool = Field(
        default=False, description="Tell clients, such as grpcurl, what can be called."
    )
    audit_address: str = Field(
        default="dns:///audit:50051", description="gRPC address of the audit service."
    )
    ingestion_address: str = Field(
        default="dns:///ingestion:50051", description="gRPC address of the ingestion service."
    )
    retrieval_address: str = Field(
        default="dns:///retrieval:50051", description="gRPC address of the retrieval service."
    )
    llm_proxy_address: str = Field(
        default="dns:///llm-proxy:50051", description="gRPC address of the llm-proxy."
    )

    @property
    def address(self) -> str:
        """What this process listens on."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def transport(self) -> Transport:
        return Transport(
            tls=self._tls(),
            tls_server_name=self.tls_server_name,
            allow_plaintext=self.allow_plaintext,
            keepalive_time_s=self.keepalive_time_s,
            keepalive_timeout_s=self.keepalive_timeout_s,
            max_message_bytes=self.max_message_mib * _MIB,
            max_connection_age_s=self.max_connection_age_s,
        )

    @model_validator(mode="after")
    def _serves_nobody_unprotected(self) -> Self:
        self.transport.check(self.address)
        return self

    def _tls(self) -> TlsFiles | None:
        certificate, key, authority = self.tls_cert_file, self.tls_key_file, self.tls_ca_file
        if certificate and key and authority:
            return TlsFiles(certificate, key, authority)
        if certificate or key or authority:
            raise ValueError(
                "tls_cert_file, tls_key_file and tls_ca_file belong together: set all or none"
            )
        return None
