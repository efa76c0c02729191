"""The static model gives the vectors of the package whose files it reads."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from llm_proxy.adapters.wordllama import WordllamaModel
from llm_proxy.model import Vectors
from tests.harness.modules import running

TEXTS = [
    "Every full-time employee receives 28 days of paid annual leave per calendar year.",
    "short",
    "  spaces\tand\nline breaks ",
    "Ünïcödé, 日本語 and \u200b odd \x07 characters",
    "long " * 3000,
]
LIBRARY = """
import sys, numpy, pathlib, wordllama
model = wordllama.WordLlama.load(
    cache_dir=pathlib.Path(wordllama.__file__).parent, disable_download=True
)
numpy.save(sys.argv[1], model.embed(sys.argv[2:], norm=True))
"""


def vectors_of_the_library(texts: list[str], file: Path) -> Vectors:
    """From a process of its own: importing the library configures the logging of this one."""
    command = [sys.executable, "-c", LIBRARY, str(file), *texts]
    subprocess.run(command, check=True, timeout=60)
    vectors: Vectors = np.load(file)
    return vectors


@pytest.fixture
async def model() -> AsyncIterator[WordllamaModel]:
    started = WordllamaModel()
    async with running(started):
        yield started


class TestEmbed:
    async def test_equals_the_library_up_to_rounding(
        self, model: WordllamaModel, tmp_path: Path
    ) -> None:
        expected = vectors_of_the_library(TEXTS, tmp_path / "vectors.npy")
        np.testing.assert_allclose(await model.embed(TEXTS), expected, rtol=0, atol=1e-7)

    async def test_gives_unit_rows_whatever_the_text(self, model: WordllamaModel) -> None:
        vectors = await model.embed(TEXTS)
        assert vectors.shape == (len(TEXTS), model.dimension)
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)

    async def test_puts_related_texts_closer_than_unrelated_ones(
        self, model: WordllamaModel
    ) -> None:
        question, related, unrelated = await model.embed(
            ["price of the car", "what the vehicle costs", "annual leave of employees"]
        )
        assert question @ related > question @ unrelated


class TestWordVectors:
    async def test_are_longer_for_words_that_tell_more(self, model: WordllamaModel) -> None:
        of, vacation = np.linalg.norm(model.vectors(["of", "vacation"]), axis=1)
        assert vacation > 5 * of


class TestLifecycle:
    async def test_start_does_not_import_the_library(self) -> None:
        async with running(WordllamaModel()):
            assert "wordllama" not in sys.modules

    async def test_cannot_be_used_before_start(self) -> None:
        with pytest.raises(RuntimeError):
            await WordllamaModel().embed(["text"])

    async def test_cannot_be_used_after_stop(self) -> None:
        stopped = WordllamaModel()
        async with running(stopped):
            await stopped.embed(["text"])
        with pytest.raises(RuntimeError):
            await stopped.embed(["text"])
