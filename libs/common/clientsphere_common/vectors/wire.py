"""Vectors as llm-proxy sends them: float32, little-endian, row after row."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence


def decode_vectors(raw: bytes, dimension: int) -> list[array[float]]:
    """The rows of `raw`, each of `dimension` numbers. Raises ValueError when they do not fit."""
    numbers = array("f", raw)
    if sys.byteorder == "big":
        numbers.byteswap()
    if dimension < 1 or len(numbers) % dimension:
        raise ValueError(f"{len(numbers)} numbers are not rows of {dimension}")
    return [numbers[start : start + dimension] for start in range(0, len(numbers), dimension)]


def encode_vector(vector: Sequence[float]) -> bytes:
    """One row."""
    numbers = array("f", vector)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()
