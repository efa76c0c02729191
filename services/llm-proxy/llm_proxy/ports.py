"""What llm-proxy needs from outside: models that embed, models that answer, a sense of words."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from llm_proxy.model import CompletionRequest, Finish, Vectors


class Embedder(Protocol):
    @property
    def model(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """(n_texts, dimension), unit rows, in the order of the texts.

        Raises DependencyUnavailableError or DeadlineExceededError when the model does not answer.
        """


class CompletionModel(Protocol):
    @property
    def model(self) -> str: ...

    def stream(self, request: CompletionRequest) -> AsyncGenerator[str | Finish, None]:
        """The answer piece by piece, then one Finish, last. Ending without it is a failure.

        Closing it early stops the model. Raises DependencyUnavailableError,
        DeadlineExceededError or LimitExceededError when the model does not answer, and
        InvalidInputError when it refuses to.
        """


class Lexicon(Protocol):
    def vectors(self, words: Sequence[str]) -> Vectors:
        """(n_words, dimension): direction is what a word means, length how much it tells.

        Never a zero row.
        """
