"""Questions are checked, routed to a model, and always end in a finish or an error."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest

from clientsphere_common.answers import NO_ANSWER
from clientsphere_common.errors import (
    DependencyUnavailableError,
    InvalidInputError,
    NotFoundError,
    PayloadTooLargeError,
    ServiceError,
)
from llm_proxy.completion import Completions
from llm_proxy.model import (
    CompletionRequest,
    Finish,
    FinishReason,
    GroundingPassage,
    Message,
    ModelCard,
    Usage,
)

QUESTION = CompletionRequest((Message("user", "How many days?"),))


class FakeModel:
    """Says the parts that it was made with and notes that it was closed."""

    def __init__(self, model: str, *parts: str | Finish) -> None:
        self.model = model
        self.closed = False
        self._parts = parts or (f"said by {model}", self.finish())

    def finish(self, reason: FinishReason = FinishReason.STOP) -> Finish:
        return Finish(reason, self.model, Usage(10, 2))

    async def stream(self, request: CompletionRequest) -> AsyncGenerator[str | Finish, None]:
        try:
            for part in self._parts:
                yield part
        finally:
            self.closed = True


async def complete(
    request: CompletionRequest, *models: FakeModel, max_prompt_chars: int = 100
) -> list[str | Finish]:
    completions = Completions(models or (FakeModel("fake"),), max_prompt_chars)
    return [part async for part in completions.complete(request)]


async def refusal(request: CompletionRequest) -> ServiceError:
    with pytest.raises(ServiceError) as refused:
        await complete(request)
    return refused.value


class TestModel:
    async def test_is_the_first_on_offer_unless_named(self) -> None:
        parts = await complete(QUESTION, FakeModel("first"), FakeModel("second"))
        assert parts[0] == "said by first"

    async def test_is_the_one_that_the_request_names(self) -> None:
        named = replace(QUESTION, model="second")
        parts = await complete(named, FakeModel("first"), FakeModel("second"))
        assert parts[0] == "said by second"

    async def test_that_nobody_offers_is_not_found(self) -> None:
        error = await refusal(replace(QUESTION, model="other"))
        assert isinstance(error, NotFoundError)
        assert error.code == "model_not_found"

    def test_is_listed_in_order_of_preference(self) -> None:
        cards = Completions([FakeModel("first"), FakeModel("second")], 100).cards
        assert cards == [ModelCard("first", "completion"), ModelCard("second", "completion")]


class TestAnswer:
    async def test_ends_with_its_finish(self) -> None:
        model = FakeModel("fake")
        assert (await complete(QUESTION, model))[-1] == model.finish()

    async def test_of_only_the_agreed_marker_is_declined(self) -> None:
        model = FakeModel("fake", NO_ANSWER, FakeModel("fake").finish())
        assert await complete(QUESTION, model) == [model.finish(FinishReason.DECLINED)]

    async def test_without_finish_is_an_error_never_a_clean_end(self) -> None:
        with pytest.raises(DependencyUnavailableError) as failed:
            await complete(QUESTION, FakeModel("fake", "28 da"))
        assert failed.value.code == "answer_cut_off"

    async def test_left_early_closes_the_model(self) -> None:
        model = FakeModel("fake", "28", " days", FakeModel("fake").finish())
        parts = Completions([model], 100).complete(QUESTION)
        await anext(parts)
        await parts.aclose()
        assert model.closed


class TestRefused:
    @pytest.mark.parametrize(
        ("messages", "code"),
        [
            ((), "question_missing"),
            ((Message("user", "Hi"), Message("assistant", "Hello")), "question_missing"),
            ((Message("robot", "Hi"), Message("user", "Hi")), "role_unknown"),
            ((Message("user", " \n"),), "question_empty"),
        ],
    )
    async def test_conversation_without_a_question(
        self, messages: tuple[Message, ...], code: str
    ) -> None:
        error = await refusal(CompletionRequest(messages))
        assert isinstance(error, InvalidInputError)
        assert error.code == code

    @pytest.mark.parametrize("numbers", [(0,), (1, 1)])
    async def test_passages_that_cannot_be_cited(self, numbers: tuple[int, ...]) -> None:
        passages = tuple(GroundingPassage(number, (), "text") for number in numbers)
        assert (
            await refusal(replace(QUESTION, passages=passages))
        ).code == "passage_number_invalid"

    async def test_negative_output_limit(self) -> None:
        error = await refusal(replace(QUESTION, max_output_tokens=-1))
        assert error.code == "max_output_tokens_invalid"

    @pytest.mark.parametrize(
        "too_large",
        [
            CompletionRequest((Message("user", "x" * 101),)),
            replace(QUESTION, passages=(GroundingPassage(1, (), "x" * 101),)),
        ],
    )
    async def test_prompt_that_is_too_large(self, too_large: CompletionRequest) -> None:
        error = await refusal(too_large)
        assert isinstance(error, PayloadTooLargeError)
        assert error.code == "prompt_too_large"
