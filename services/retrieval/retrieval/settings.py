"""Settings of the retrieval service, read once at start from CLIENTSPHERE_RETRIEVAL_* variables."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class RetrievalSettings(BaseSettings):
    """A missing or impossible value stops the process before it accepts a call."""

    model_config = SettingsConfigDict(env_prefix="CLIENTSPHERE_RETRIEVAL_", frozen=True)

    embed_timeout_s: float = Field(
        default=5.0, gt=0, description="Longest wait for the vector of a question, in seconds."
    )
    question_vector_ttl_s: float = Field(
        default=3600.0,
        gt=0,
        description="Time for which the vector of a question is kept in the cache, in seconds.",
    )
    candidates: int = Field(
        default=64,
        ge=1,
        le=200,
        description="Passages asked of the index, so that enough are left without the copies.",
    )
    passages_per_document: int | None = Field(
        default=None, ge=1, description="Most passages of one document; unset: as many as fit."
    )
