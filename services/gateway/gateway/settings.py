"""Settings of the gateway, read once at start from CLIENTSPHERE_GATEWAY_* variables."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, IPvAnyNetwork
from pydantic_settings import BaseSettings, SettingsConfigDict

from gateway.limit_rules import LimitName, LimitRule


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
    cors_origins: tuple[str, ...] = Field(
        default=(), description="Origins whose pages may call the API, as a JSON list."
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
