"""Settings of the audit service, read once at start from CLIENTSPHERE_AUDIT_* variables."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class AuditSettings(BaseSettings):
    """A missing or impossible value stops the process before it accepts a call."""

    model_config = SettingsConfigDict(env_prefix="CLIENTSPHERE_AUDIT_", frozen=True)

    record_attempts: int = Field(
        default=8,
        gt=0,
        description="Failed deliveries of an event before it is set aside as a dead letter; those"
        " in an outage do not count.",
    )
    record_timeout_s: float = Field(
        default=30.0, gt=0, description="Longest time for recording one event, in seconds."
    )
    retry_delay_s: float = Field(
        default=0.5, gt=0, description="Wait before the second delivery, in seconds; then doubled."
    )
