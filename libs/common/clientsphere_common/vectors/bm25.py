"""BM25 weights of texts, computed alike for every engine; the engine adds how rare each word is."""

from __future__ import annotations

from qdrant_edge import Bm25, Bm25Config

from clientsphere_common.vectors.schema import Tuning


def open_bm25() -> Bm25:
    """Spelled out though they are the defaults: weights in the index must stay comparable."""
    return Bm25(
        Bm25Config(
            k=Tuning.BM25_K,
            b=Tuning.BM25_B,
            avg_len=Tuning.BM25_AVERAGE_TOKENS,
            language=Tuning.BM25_LANGUAGE,
        )
    )
