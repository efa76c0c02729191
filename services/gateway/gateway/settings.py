"""Settings of the gateway, read once at start from CLIENTSPHERE_GATEWAY_* variables."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, IPvAnyNetwork, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from gateway.limit_rules import LimitName, LimitRule

_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def _as_origin(url: str) -> str:
    """As browsers write it in the header `Origin`. Raises ValueError."""
    parts = urlsplit(url)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    is_bare = url.rstrip("/") == f"{parts.scheme}://{parts.netloc}" and "@" not in parts.netloc
    if not (is_safe and is_bare and parts.hostname):
        raise ValueError("must be https://host or https://host:port, without anything behind it")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    is_usual = parts.port in (None, {"https": 443, "http": 80}[parts.scheme])
    return f"{parts.scheme}://{host}" + ("" if is_usual else f":{parts.port}")


class GatewaySettings(BaseSettings):
    """A missing or impossible value stops the process before it accepts a call."""

    model_config = SettingsConfigDict(env_prefix="CLIENTSPHERE_GATEWAY_", frozen=True)

    host: str = Field(default="127.0.0.1", description="Address on which HTTP is served.")
    port: int = Field(
        default=8080,
        ge=0,
        le=65535,
        description="Port on which HTTP is served; 0: a free one.",
    )
    tls_cert_file: Path | None = Field(
        default=None,
        description="Certificate chain for HTTPS, in PEM; read anew on change. Empty: plain HTTP.",
    )
    tls_key_file: Path | None = Field(
        default=None, description="Its private key, in PEM, without a password."
    )
    hsts_max_age_s: int = Field(
        default=31_536_000,
        ge=0,
        description="How long browsers that came over TLS refuse to come without, in seconds;"
        " 0: they are not told to.",
    )
    cors_origins: tuple[str, ...] = Field(
        default=(),
        description="Origins whose pages may call the API, as a JSON list such as"
        ' `["https://app.example.com"]`.',
    )
    max_connections: int = Field(
        default=2000, gt=0, description="Connections at the same time; those beyond are refused."
    )
    header_timeout_s: float = Field(
        default=10.0,
        gt=0,
        description="Longest time from the first byte of a request to the end of its headers, in"
        " seconds.",
    )
    body_timeout_s: float = Field(
        default=30.0,
        gt=0,
        description="Longest time for the body of a request, and for the next piece of an upload,"
        " in seconds.",
    )
    write_timeout_s: float = Field(
        default=30.0,
        gt=0,
        description="Longest time in which a client takes the next 32 KiB of a response, in"
        " seconds.",
    )
    request_timeout_s: float = Field(
        default=30.0,
        gt=0,
        description="Longest time for one request, in seconds; questions, uploads and downloads"
        " have limits of their own.",
    )
    most_requests_at_once: int = Field(
        default=500, gt=0, description="Requests worked on at the same time, at most."
    )
    least_requests_at_once: int = Field(
        default=50, gt=0, description="Requests worked on at the same time under any load."
    )
    overload_lag_ms: float = Field(
        default=10.0,
        gt=0,
        description="Lateness of the process, for half a second, from which it takes fewer"
        " requests, in milliseconds.",
    )
    token_issuer: str = Field(
        default="clientsphere", description="Issuer that access tokens name and must name."
    )
    token_lifetime_s: int = Field(
        default=900, ge=60, le=86400, description="Life of an access token, in seconds."
    )
    oidc_ca_file: Path | None = Field(
        default=None,
        description="Certificates, in PEM, that those of token issuers may rest on beside the"
        " public authorities.",
    )
    oidc_timeout_s: float = Field(
        default=3.0,
        gt=0,
        description="Longest wait for a document of a token issuer, in seconds.",
    )
    public_url: Annotated[str, AfterValidator(_as_origin)] | None = Field(
        default=None,
        description="Address under which browsers reach the API, such as"
        " `https://rag.example.com`; without it nobody can sign in with a browser.",
    )
    session_idle_s: int = Field(
        default=3600,
        ge=300,
        le=86400,
        description="Time after which a session that is not used ends, in seconds.",
    )
    session_lifetime_s: int = Field(
        default=43_200,
        ge=300,
        le=604_800,
        description="Time after which every session ends, in seconds.",
    )
    bootstrap_default_tenant: bool = Field(
        default=True,
        description="Create the tenant `default` at the first start and write the key of its"
        " owner to `credentials.json` of the data folder.",
    )
    limits: dict[LimitName, LimitRule] = Field(
        default={},
        description="Limits that differ from [those for all](limits.md), as JSON by name:"
        ' `{"tenant": {"per_minute": 6000, "burst": 600, "shadow": false}}`.',
    )
    reserved_tokens: int = Field(
        default=8000,
        gt=0,
        description="Tokens that one question sets aside before a model is asked.",
    )
    trusted_proxies: tuple[IPvAnyNetwork, ...] = Field(
        default=(),
        description="Networks whose word is believed about the address that called them, as a"
        ' JSON list such as `["10.0.0.0/8"]`.',
    )
    proxy_header: Literal["x-forwarded-for", "forwarded"] = Field(
        default="x-forwarded-for",
        description="Header in which trusted proxies name that address; any other is ignored.",
    )
    proxy_hops: int = Field(
        default=1, ge=1, le=10, description="Trusted proxies that a request passes, at most."
    )
    idempotency_hours: int = Field(
        default=24,
        ge=1,
        le=168,
        description="How long an idempotency key and the response to its request are kept, in"
        " hours.",
    )
    max_upload_mib: int = Field(
        default=100, gt=0, le=4096, description="Largest file that is accepted, in MiB."
    )
    passages_per_answer: int = Field(
        default=8, ge=1, le=50, description="Passages that an answer may rest on."
    )
    answer_model: str = Field(
        default="", description="Model that answers questions; empty: the default model."
    )
    call_timeout_s: float = Field(
        default=10.0, gt=0, description="Longest wait for another service, in seconds."
    )
    answer_timeout_s: float = Field(
        default=60.0, gt=0, description="Longest time for one answer, in seconds."
    )
    transfer_timeout_s: float = Field(
        default=600.0, gt=0, description="Longest time for one upload or download, in seconds."
    )

    @field_validator("cors_origins")
    @classmethod
    def _are_exact(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(
                    "an origin is a scheme and a host in small letters, perhaps a port, and"
                    " nothing else: https://app.example.com"
                )
        return value

    @model_validator(mode="after")
    def _belong_together(self) -> Self:
        if (self.tls_cert_file is None) != (self.tls_key_file is None):
            raise ValueError("tls_cert_file and tls_key_file belong together: set both or none")
        if self.least_requests_at_once > self.most_requests_at_once:
            raise ValueError("least_requests_at_once must not be above most_requests_at_once")
        return self
