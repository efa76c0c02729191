"""What retrieval needs from outside, besides the passage index that all services share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class EmbeddedQuestion:
    vector: Sequence[float]
    """float32, of unit length."""
    model: str
    """The vectors of two models cannot be compared."""


class QuestionEmbedder(Protocol):
    async def embed(self, tenant_id: str, question: str) -> Sequence[float]:
        """A float32 vector of unit length. Raises DependencyUnavailableError."""
        ...


class EmbeddingModel(Protocol):
    async def embed(self, question: str) -> EmbeddedQuestion:
        """Raises DependencyUnavailableError."""
        ...
