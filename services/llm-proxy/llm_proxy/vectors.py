"""Unit length for vectors: cosine becomes a plain product everywhere behind."""

from __future__ import annotations

import numpy as np

from llm_proxy.model import Vectors


def unit_rows(rows: Vectors) -> Vectors:
    """Each row at length 1. A row of zeros has no direction and comes out as NaN."""
    with np.errstate(invalid="ignore"):
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)
