"""Where the Qdrant server is, and how the collection is laid out on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit


class Quantization(StrEnum):
    NONE = "none"
    SCALAR = "scalar"
    """A quarter of the memory; candidates are chosen by 8-bit vectors and scored by whole ones."""


@dataclass(frozen=True, kw_only=True)
class QdrantSettings:
    """What shapes the collection counts when it is made, and changes nothing afterwards."""

    url: str = "http://localhost:6334"
    """Of the gRPC port; `https` for TLS."""
    api_key: str = field(default="", repr=False)
    collection: str = "passages"
    """The alias that every call uses; the collection behind it has a number after the name."""
    read_timeout_s: float = 5.0
    write_timeout_s: float = 30.0
    snapshot_timeout_s: float = 600.0
    shards: int = 1
    replicas: int = 1
    quantization: Quantization = Quantization.NONE

    def __post_init__(self) -> None:
        address = urlsplit(self.url)
        if address.scheme not in {"http", "https"} or not address.hostname:
            raise ValueError(f"{self.url!r} is no address of a Qdrant server: http://host:6334")
