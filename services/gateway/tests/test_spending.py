"""What a request is charged: what the model says that it used, or what was set aside for it."""

from __future__ import annotations

import asyncio

import pytest

from clientsphere_common.errors import DependencyUnavailableError
from gateway.model.answers import Delta, Finish, Question, Usage
from gateway.spending import MeteredAnswers, Spending, set_spending
from tests.fakes.gateway_ports import FakeAnswerModel

RESERVED = 100
QUESTION = Question("How many?")


@pytest.fixture
def spending() -> Spending:
    """Of the request in hand."""
    return Spending(RESERVED)


async def ask(model: FakeAnswerModel) -> list[Delta | Finish]:
    return [part async for part in MeteredAnswers(model).answer(QUESTION, "Answer.", [])]


class TestSpending:
    def test_is_nothing_until_a_model_is_asked(self, spending: Spending) -> None:
        assert spending.tokens == 0

    async def test_is_what_the_model_says(self, spending: Spending) -> None:
        set_spending(spending)
        await ask(FakeAnswerModel())
        assert spending.tokens == 13

    async def test_of_several_answers_is_that_of_all(self, spending: Spending) -> None:
        set_spending(spending)
        await ask(FakeAnswerModel())
        model = FakeAnswerModel()
        model.finish = Finish(declined=False, model="fake", usage=Usage(200, 1))
        await ask(model)
        assert spending.tokens == 214

    async def test_of_an_answer_that_failed_is_what_was_set_aside(self, spending: Spending) -> None:
        set_spending(spending)
        await ask(FakeAnswerModel())
        model = FakeAnswerModel("Twe")
        model.failure = DependencyUnavailableError("model_unavailable", "No model answers.")
        with pytest.raises(DependencyUnavailableError):
            await ask(model)
        assert spending.tokens == 13 + RESERVED

    async def test_of_a_model_that_does_not_say_is_what_was_set_aside(
        self, spending: Spending
    ) -> None:
        set_spending(spending)
        model = FakeAnswerModel()
        model.finish = Finish(declined=False, model="fake", usage=Usage())
        await ask(model)
        await ask(FakeAnswerModel())
        assert spending.tokens == RESERVED + 13

    async def test_of_an_answer_in_hand_is_what_was_set_aside(self, spending: Spending) -> None:
        set_spending(spending)
        model = FakeAnswerModel("Twelve")
        model.waits = asyncio.Event()
        asking = asyncio.create_task(ask(model))
        while not model.instructions:
            await asyncio.sleep(0)
        assert spending.tokens == RESERVED
        model.waits.set()
        await asking
        assert spending.tokens == 13


class TestMeteredAnswers:
    async def test_are_those_of_the_model(self) -> None:
        model = FakeAnswerModel("Twelve ", "weeks.")
        assert await ask(model) == [Delta("Twelve "), Delta("weeks."), model.finish]

    async def test_that_nobody_listens_to_any_more_stop_the_model(self) -> None:
        model = FakeAnswerModel("Twelve ", "weeks.")
        async for _ in MeteredAnswers(model).answer(QUESTION, "Answer.", []):
            break
        async with asyncio.timeout(5):
            await model.was_cancelled.wait()
