"""Which questions the model is asked, and which the cache answers."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import pytest

from clientsphere_common.errors import DependencyUnavailableError
from retrieval.ports import EmbeddedQuestion
from retrieval.question_vectors import CachedQuestionEmbedder
from tests.harness.cache import new_cache

TTL_S = 60.0


class FakeModel:
    """Gives every question a vector of its own."""

    def __init__(self) -> None:
        self.name = "fake-1"
        self.asked: list[str] = []
        self.failure: Exception | None = None

    async def embed(self, question: str) -> EmbeddedQuestion:
        if self.failure is not None:
            raise self.failure
        self.asked.append(question)
        return EmbeddedQuestion(vector_of(question, self.name), self.name)


def vector_of(question: str, model: str = "fake-1") -> Sequence[float]:
    return array("f", [len(question), hash((question, model)) % 1000])


@pytest.fixture
def model() -> FakeModel:
    return FakeModel()


@pytest.fixture
async def embedder(model: FakeModel) -> CachedQuestionEmbedder:
    """Has asked one question, so that it knows the model."""
    embedder = CachedQuestionEmbedder(model, new_cache(), TTL_S)
    await embedder.embed("tnt_a", "first")
    model.asked.clear()
    return embedder


class TestCachedQuestionEmbedder:
    async def test_asks_the_model_once_for_a_question(
        self, embedder: CachedQuestionEmbedder, model: FakeModel
    ) -> None:
        for _ in range(3):
            assert await embedder.embed("tnt_a", "why?") == vector_of("why?")
        assert model.asked == ["why?"]

    async def test_asks_for_every_question_that_differs(
        self, embedder: CachedQuestionEmbedder, model: FakeModel
    ) -> None:
        for question in ("why?", "Why?", "why ?"):
            assert await embedder.embed("tnt_a", question) == vector_of(question)
        assert model.asked == ["why?", "Why?", "why ?"]

    async def test_answers_no_tenant_from_what_another_has_asked(
        self, embedder: CachedQuestionEmbedder, model: FakeModel
    ) -> None:
        await embedder.embed("tnt_a", "why?")
        await embedder.embed("tnt_b", "why?")
        assert model.asked == ["why?", "why?"]

    async def test_asks_the_model_first_after_a_start(self, model: FakeModel) -> None:
        cache = new_cache()
        for _ in range(2):
            await CachedQuestionEmbedder(model, cache, TTL_S).embed("tnt_a", "why?")
        assert model.asked == ["why?", "why?"]

    async def test_forgets_the_vectors_of_a_model_that_was_replaced(
        self, embedder: CachedQuestionEmbedder, model: FakeModel
    ) -> None:
        await embedder.embed("tnt_a", "why?")
        model.name = "fake-2"
        await embedder.embed("tnt_a", "new?")
        assert await embedder.embed("tnt_a", "why?") == vector_of("why?", "fake-2")

    async def test_keeps_nothing_of_a_failure(
        self, embedder: CachedQuestionEmbedder, model: FakeModel
    ) -> None:
        model.failure = DependencyUnavailableError("llm_away", "The model does not answer.")
        with pytest.raises(DependencyUnavailableError):
            await embedder.embed("tnt_a", "why?")
        model.failure = None
        assert await embedder.embed("tnt_a", "why?") == vector_of("why?")
