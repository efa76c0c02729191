"""Settings of the operations endpoints, read once at start from CLIENTSPHERE_OPS_* variables."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class OpsSettings(BaseSettings):
    """A missing or impossible value stops the process before it accepts a call."""

    model_config = SettingsConfigDict(env_prefix="CLIENTSPHERE_OPS_", frozen=True)

    host: str = Field(
        default="127.0.0.1",
        description="Address on which a service that runs alone serves its health and metrics.",
    )
    port: int = Field(
        default=9090, ge=0, le=65535, description="Port for health and metrics; 0: a free one."
    )
