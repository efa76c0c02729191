"""Settings of the passage index, read once at start from CLIENTSPHERE_QDRANT_* variables."""

from __future__ import annotations

from enum import StrEnum
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Quantization(StrEnum):
    NONE = "none"
    SCALAR = "scalar"
    """A quarter of the memory; candidates are chosen by 8-bit vectors and scored by whole ones."""


class QdrantSettings(BaseSettings):
    """What shapes the collection counts when it is made, and changes nothing afterwards."""

    model_config = SettingsConfigDict(
        env_prefix="CLIENTSPHERE_QDRANT_", frozen=True, hide_input_in_errors=True
    )

    url: str = Field(
        default="",
        description="Address of the gRPC port of a Qdrant server, such as `http://qdrant:6334`;"
        " `https` for TLS. Empty: the engine in the data folder.",
    )
    collection: str = Field(
        default="passages",
        pattern=r"^[a-zA-Z0-9_-]+$",
        description="The alias that every call uses; the collection behind it has a number after"
        " the name.",
    )
    dimension: int = Field(
        default=256,
        ge=1,
        le=65_536,
        description="Length of the embedding model's vectors, in numbers, for processes without"
        " the model.",
    )
    read_timeout_s: float = Field(
        default=5, gt=0, description="Longest time for one search or count, in seconds."
    )
    write_timeout_s: float = Field(
        default=30, gt=0, description="Longest time for one write, in seconds."
    )
    snapshot_timeout_s: float = Field(
        default=600, gt=0, description="Longest time for taking a snapshot, in seconds."
    )
    shards: int = Field(default=1, ge=1, description="Shards of a new collection.")
    replicas: int = Field(default=1, ge=1, description="Copies of each shard of a new collection.")
    quantization: Quantization = Field(
        default=Quantization.NONE,
        description="`scalar`: a new collection takes a quarter of the memory, and finds nearly"
        " the same. `none`: it keeps whole vectors only.",
    )

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        address = urlsplit(url)
        is_usable = address.scheme in {"http", "https"} and address.hostname
        if url and (not is_usable or address.password):
            raise ValueError("no address of a Qdrant server, such as http://qdrant:6334")
        return url
