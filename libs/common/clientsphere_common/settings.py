"""Settings that every process of the product shares, read once at start."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from clientsphere_common.logging import LogFormat


class PlatformSettings(BaseSettings):
    """A missing or impossible value stops the process before it accepts a call."""

    model_config = SettingsConfigDict(
        env_prefix="CLIENTSPHERE_", frozen=True, validate_default=True
    )

    data_dir: Path = Field(
        default=Path("~/.clientsphere"),
        description="Folder of the embedded stores: tables, events, vectors, objects and keys.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least serious log line that is written."
    )
    log_format: LogFormat = Field(
        default="json", description="`json` for machines, `console` for a person."
    )

    @field_validator("data_dir")
    @classmethod
    def _expand_home(cls, value: Path) -> Path:
        return value.expanduser().absolute()
