"""Settings of the ingestion service, read once at start from CLIENTSPHERE_INGESTION_* variables."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class IngestionSettings(BaseSettings):
    """A missing or impossible value stops the process before it accepts a call."""

    model_config = SettingsConfigDict(env_prefix="CLIENTSPHERE_INGESTION_", frozen=True)

    max_file_mib: int = Field(
        default=100, gt=0, le=4096, description="Largest file that is accepted, in MiB."
    )
    workers: int = Field(
        default=2, gt=0, le=64, description="Documents processed at the same time."
    )
    parse_memory_mib: int = Field(
        default=512, ge=128, description="Most memory that reading one document may take, in MiB."
    )
    parse_timeout_s: float = Field(
        default=45.0, gt=0, description="Longest time for reading one document, in seconds."
    )
    chunk_chars: int = Field(
        default=1000,
        ge=200,
        le=4000,
        description="Length that chunks aim at, in characters; none is longer than 1.6 times it.",
    )
    chunks_per_batch: int = Field(
        default=64, gt=0, le=256, description="Chunks embedded and indexed in one step."
    )
    embed_timeout_s: float = Field(
        default=60.0, gt=0, description="Longest wait for the vectors of one batch, in seconds."
    )
    job_timeout_s: float = Field(
        default=1800.0, gt=0, description="Longest time for one document, in seconds."
    )
    job_attempts: int = Field(
        default=12,
        gt=0,
        description="Failed deliveries of a document before it is set aside as a dead letter; those"
        " in an outage do not count.",
    )
    retry_delay_s: float = Field(
        default=1.0, gt=0, description="Wait before the second delivery, in seconds; then doubled."
    )
    orphan_age_s: float = Field(
        default=3600.0,
        ge=0,
        description="Age at which a stored file that no document names is removed, in seconds.",
    )
