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
    spare_passages: int = Field(
        default=4,
        ge=0,
        le=50,
        description="Passages fetched beyond those asked for, to replace copies of others.",
    )
