"""Texts in, checked vectors out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from clientsphere_common.errors import (
    DependencyUnavailableError,
    InvalidInputError,
    PayloadTooLargeError,
)
from llm_proxy.embedding import EmbeddingLimits, TextEmbedding
from llm_proxy.model import ModelCard, Vectors

LIMITS = EmbeddingLimits(max_texts=3, max_chars=20)


class FakeEmbedder:
    """Gives the vectors that it was made with, whatever it is asked."""

    model = "fake"
    dimension = 2

    def __init__(self, *rows: tuple[float, ...]) -> None:
        self._rows = rows

    async def embed(self, texts: Sequence[str]) -> Vectors:
        return np.array(self._rows, dtype=np.float32)


def embedding(*rows: tuple[float, ...]) -> TextEmbedding:
    return TextEmbedding(FakeEmbedder(*rows), LIMITS)


class TestEmbed:
    async def test_gives_one_row_per_text_in_their_order(self) -> None:
        vectors = await embedding((1, 0), (0, 1)).embed(["first", "second"])
        assert vectors.tolist() == [[1, 0], [0, 1]]

    @pytest.mark.parametrize("texts", [[], ["a", "b", "c", "d"]])
    async def test_refuses_no_texts_and_too_many(self, texts: list[str]) -> None:
        with pytest.raises(InvalidInputError) as refused:
            await embedding((1, 0)).embed(texts)
        assert refused.value.code == "text_count_invalid"

    async def test_names_the_text_that_is_empty(self) -> None:
        with pytest.raises(InvalidInputError, match="Text 1") as refused:
            await embedding((1, 0), (1, 0)).embed(["a", " \n"])
        assert refused.value.code == "text_empty"

    async def test_refuses_texts_that_are_too_large_together(self) -> None:
        with pytest.raises(PayloadTooLargeError) as refused:
            await embedding((1, 0), (1, 0)).embed(["a" * 11, "b" * 10])
        assert refused.value.code == "texts_too_large"


class TestUnusableVectors:
    @pytest.mark.parametrize("rows", [[(1, 0, 0)], [(1, 0), (0, 1)]])
    async def test_of_another_shape_are_an_error(self, rows: list[tuple[float, ...]]) -> None:
        with pytest.raises(DependencyUnavailableError) as failed:
            await embedding(*rows).embed(["text"])
        assert failed.value.code == "embedding_shape_unexpected"

    @pytest.mark.parametrize("row", [(float("nan"), 0), (float("inf"), 0), (0, 0), (2, 0)])
    async def test_without_direction_or_unit_length_are_an_error(
        self, row: tuple[float, float]
    ) -> None:
        with pytest.raises(DependencyUnavailableError) as failed:
            await embedding(row).embed(["text"])
        assert failed.value.code == "embedding_not_a_direction"


class TestCard:
    def test_names_model_and_dimension(self) -> None:
        assert embedding().card == ModelCard("fake", "embedding", 2)
