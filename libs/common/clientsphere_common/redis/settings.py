"""Settings of the cache and the rate limits, read once at start from CLIENTSPHERE_REDIS_*."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class RedisSettings(BaseSettings):
    """A missing or impossible value stops the process before it accepts a call.

    The password is the secret `redis-password`. An address that has one in it is refused, and
    not repeated in the message.
    """

    model_config = SettingsConfigDict(
        env_prefix="CLIENTSPHERE_REDIS_", frozen=True, hide_input_in_errors=True
    )

    url: str = Field(
        default="",
        pattern=r"^(rediss?://[^@/?#\s]+(/\d+)?)?$",
        description="Address of Redis, such as `redis://redis:6379/0`; `rediss://` for TLS."
        " Empty: cache and rate limits are kept in each process.",
    )
    username: str = Field(default="", description="User to log in as. Empty: the default one.")
    ca_file: Path | None = Field(
        default=None,
        description="Certificates that the server's is checked against. Unset: public ones.",
    )
    timeout_s: float = Field(
        default=0.05,
        gt=0,
        le=5,
        description="Longest wait for Redis, connecting included, in seconds.",
    )
    retry_interval_s: float = Field(
        default=1.0,
        gt=0,
        le=5,
        description="Time for which Redis is left alone after a failure, in seconds.",
    )
    max_connections: int = Field(
        default=16,
        ge=1,
        le=1000,
        description="Most connections of one process, for the cache and for the limits each.",
    )
    in_process_cache_mib: int = Field(
        default=32, ge=1, description="Size of a cache that is kept in the process, in MiB."
    )

    @model_validator(mode="after")
    def _needs_tls(self) -> Self:
        if self.ca_file is not None and not self.url.startswith("rediss:"):
            raise ValueError("CLIENTSPHERE_REDIS_CA_FILE is for an address that begins rediss://")
        return self
