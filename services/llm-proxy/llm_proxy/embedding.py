"""Turns texts into vectors, and lets no unusable vector through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clientsphere_common.errors import (
    DependencyUnavailableError,
    InvalidInputError,
    PayloadTooLargeError,
)
from llm_proxy.model import ModelCard, Vectors
from llm_proxy.ports import Embedder

_UNIT_TOLERANCE = 1e-3


@dataclass(frozen=True)
class EmbeddingLimits:
    max_texts: int
    max_chars: int
    """Of all texts of a request together."""


class TextEmbedding:
    def __init__(self, embedder: Embedder, limits: EmbeddingLimits) -> None:
        self._embedder = embedder
        self._limits = limits

    @property
    def card(self) -> ModelCard:
        return ModelCard(self._embedder.model, "embedding", self._embedder.dimension)

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """One unit row per text, in their order. Raises InvalidInputError, PayloadTooLargeError."""
        self._check_texts(texts)
        vectors = await self._embedder.embed(texts)
        self._check_vectors(vectors, len(texts))
        return vectors

    def _check_texts(self, texts: Sequence[str]) -> None:
        if not 1 <= len(texts) <= self._limits.max_texts:
            raise InvalidInputError(
                "text_count_invalid",
                f"Send 1 to {self._limits.max_texts} texts at a time, not {len(texts)}.",
            )
        for place, text in enumerate(texts):
            if not text.strip():
                raise InvalidInputError("text_empty", f"Text {place} is empty.")
        if sum(map(len, texts)) > self._limits.max_chars:
            raise PayloadTooLargeError(
                "texts_too_large",
                f"The texts of one request may have {self._limits.max_chars} characters together.",
            )

    def _check_vectors(self, vectors: Vectors, n_texts: int) -> None:
        """Checked here for every model: one NaN in the index spoils all searches that meet it."""
        expected = (n_texts, self._embedder.dimension)
        if vectors.shape != expected:
            raise DependencyUnavailableError(
                "embedding_shape_unexpected",
                f"The embedding model gave {vectors.shape} numbers instead of {expected}.",
            )
        # Written so that NaN fails it as well.
        if not np.all(np.abs(np.linalg.norm(vectors, axis=1) - 1) < _UNIT_TOLERANCE):
            raise DependencyUnavailableError(
                "embedding_not_a_direction", "The embedding model gave a vector without direction."
            )
