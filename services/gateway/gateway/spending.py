"""How many tokens the models take for the request in hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextvars import ContextVar

from gateway.model.answers import Delta, Finish, Passage, Question
from gateway.ports import AnswerModel


class Spending:
    """Nothing until a model is asked; what was reserved until it says what it used."""

    def __init__(self, reserved_tokens: int) -> None:
        self._reserved_tokens = reserved_tokens
        self._known_tokens = 0
        self._unknown_tokens = 0

    @property
    def tokens(self) -> int:
        return self._known_tokens + self._unknown_tokens

    def begin(self) -> None:
        self._unknown_tokens = self._reserved_tokens

    def finish(self, tokens: int) -> None:
        """0: the model does not say what it used, and nobody answers for nothing."""
        self._known_tokens += tokens or self._reserved_tokens
        self._unknown_tokens = 0


_spending: ContextVar[Spending | None] = ContextVar("clientsphere_spending", default=None)


def set_spending(spending: Spending) -> None:
    """Have what the request in hand uses noted in `spending`."""
    _spending.set(spending)


class MeteredAnswers:
    """An AnswerModel that notes what `model` uses. An answer that broke off counts as reserved."""

    def __init__(self, model: AnswerModel) -> None:
        self._model = model

    async def answer(
        self, question: Question, instructions: str, passages: Sequence[Passage]
    ) -> AsyncIterator[Delta | Finish]:
        spending = _spending.get() or Spending(0)
        spending.begin()
        async for part in self._model.answer(question, instructions, passages):
            if isinstance(part, Finish):
                spending.finish(part.usage.input_tokens + part.usage.output_tokens)
            yield part
