"""How calls and replies travel between a process and the child that runs its shard."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

LENGTH = struct.Struct(">Q")
"""Precedes each pickled message: its size in bytes."""


@dataclass(frozen=True)
class Reply:
    value: Any = None
    failure: str = ""
    """What the engine said; empty when the call went well."""
