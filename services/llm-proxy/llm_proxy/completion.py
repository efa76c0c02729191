"""Has a question answered by the model that it names, or by the first on offer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from clientsphere_common.errors import (
    DependencyUnavailableError,
    InvalidInputError,
    NotFoundError,
    PayloadTooLargeError,
)
from llm_proxy.declining import spot_declining
from llm_proxy.model import CompletionRequest, Finish, ModelCard
from llm_proxy.ports import CompletionModel

_ROLES = ("system", "user", "assistant")


class Completions:
    """`models` in order of preference: the first is the default."""

    def __init__(self, models: Sequence[CompletionModel], max_prompt_chars: int) -> None:
        self._models = {model.model: model for model in models}
        self._default = models[0]
        self._max_prompt_chars = max_prompt_chars

    @property
    def cards(self) -> list[ModelCard]:
        return [ModelCard(name, "completion") for name in self._models]

    async def complete(self, request: CompletionRequest) -> AsyncGenerator[str | Finish, None]:
        """The answer piece by piece, then exactly one Finish, last; a declined answer has no text.

        Closing it early stops the model. Raises InvalidInputError, PayloadTooLargeError,
        NotFoundError, and what the model raises.
        """
        _check_messages(request)
        _check_passages(request)
        self._check_size(request)
        parts = self._model(request.model).stream(request)
        async with aclosing(spot_declining(parts)) as checked:
            async for part in checked:
                yield part
                if isinstance(part, Finish):
                    return
        raise DependencyUnavailableError(
            "answer_cut_off", "The model stopped in the middle of its answer."
        )

    def _model(self, name: str) -> CompletionModel:
        if not name:
            return self._default
        if name not in self._models:
            raise NotFoundError("model_not_found", f"There is no model {name!r}.")
        return self._models[name]

    def _check_size(self, request: CompletionRequest) -> None:
        prompt = sum(len(message.text) for message in request.messages)
        passages = sum(len(passage.text) for passage in request.passages)
        if max(prompt, passages) > self._max_prompt_chars:
            raise PayloadTooLargeError(
                "prompt_too_large",
                f"A prompt may have {self._max_prompt_chars} characters.",
            )


def _check_messages(request: CompletionRequest) -> None:
    unknown = {message.role for message in request.messages} - {*_ROLES}
    if unknown:
        raise InvalidInputError("role_unknown", f"A message's role is one of {', '.join(_ROLES)}.")
    if not request.messages or request.messages[-1].role != "user":
        raise InvalidInputError("question_missing", "The last message must be the user's.")
    if not request.question.strip():
        raise InvalidInputError("question_empty", "The question is empty.")
    if request.max_output_tokens < 0:
        raise InvalidInputError(
            "max_output_tokens_invalid", "The output limit must not be negative."
        )


def _check_passages(request: CompletionRequest) -> None:
    numbers = [passage.number for passage in request.passages]
    if min(numbers, default=1) < 1 or len(set(numbers)) < len(numbers):
        raise InvalidInputError(
            "passage_number_invalid", "Passages need numbers from 1, each used once."
        )
