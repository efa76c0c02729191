"""Settings of webhooks, read once at start from CLIENTSPHERE_WEBHOOK_* variables."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field, IPvAnyNetwork
from pydantic_settings import BaseSettings, SettingsConfigDict

from gateway.webhooks.destinations import DestinationRules
from gateway.webhooks.worker import WorkLimits

Port = Annotated[int, Field(ge=1, le=65535)]


class WebhookSettings(BaseSettings):
    """A missing or impossible value stops the process before it accepts a call."""

    model_config = SettingsConfigDict(env_prefix="CLIENTSPHERE_WEBHOOK_", frozen=True)

    per_tenant: int = Field(
        default=20, ge=0, le=1000, description="Webhooks that one tenant may have."
    )
    timeout_s: float = Field(
        default=10.0, gt=0, le=30, description="Longest time for one attempt, in seconds."
    )
    attempts: int = Field(
        default=64, gt=0, le=1000, description="Attempts at once, of one gateway; all receivers."
    )
    attempts_per_tenant: int = Field(
        default=8, gt=0, le=1000, description="Attempts at once, of one gateway; of one tenant."
    )
    disable_after_h: int = Field(
        default=120,
        gt=0,
        description="A webhook whose receiver accepts nothing for so long is disabled, in hours.",
    )
    retention_days: int = Field(
        default=30, gt=0, description="Life of the record of a settled delivery, in days."
    )
    ports: tuple[Port, ...] = Field(
        default=(443,), description="Ports that receivers may have, as a JSON list."
    )
    allowed_networks: tuple[IPvAnyNetwork, ...] = Field(
        default=(),
        description="Networks that are not public and yet may have receivers, as a JSON list.",
    )
    refused_networks: tuple[IPvAnyNetwork, ...] = Field(
        default=(),
        description="Public networks that may have none, such as your own, as a JSON list.",
    )
    plain_http_to_loopback: bool = Field(
        default=False,
        description="Allow `http://localhost` and `http://127.0.0.1`, to try webhooks out on one"
        " machine. Never where tenants are strangers.",
    )
    ca_file: Path | None = Field(
        default=None,
        description="Certificates, in PEM, that those of receivers may rest on beside the public"
        " authorities.",
    )

    @property
    def rules(self) -> DestinationRules:
        return DestinationRules(
            frozenset(self.ports),
            self.allowed_networks,
            self.refused_networks,
            self.plain_http_to_loopback,
        )

    @property
    def limits(self) -> WorkLimits:
        # An attempt, as much again for the tables and keys, and a little for slow clocks.
        lease = timedelta(seconds=2 * self.timeout_s + 20)
        return WorkLimits(self.attempts, self.attempts_per_tenant, lease=lease)

    @property
    def disable_after(self) -> timedelta:
        return timedelta(hours=self.disable_after_h)

    @property
    def retention(self) -> timedelta:
        return timedelta(days=self.retention_days)
