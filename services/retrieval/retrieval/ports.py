"""What retrieval needs from outside, besides the passage index that all services share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class QuestionEmbedder(Protocol):
    async def embed(self, question: str) -> Sequence[float]:
        """A float32 vector of unit length. Raises DependencyUnavailableError."""
        ...
