"""Questions of a SQuAD-format file, each with the passages that a simple hybrid search finds."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qdrant_edge import Bm25, SparseVector

from llm_proxy.adapters.wordllama import WordllamaModel
from llm_proxy.model import GroundingPassage
from llm_proxy.vectors import unit_rows

_RRF_K = 60


@dataclass(frozen=True)
class Paragraph:
    article: str
    text: str


@dataclass(frozen=True)
class GoldAnswer:
    start: int
    text: str

    @property
    def end(self) -> int:
        """Without a full stop or comma that the annotators took along."""
        return self.start + len(self.text.rstrip(" .,;"))


@dataclass(frozen=True)
class GoldQuestion:
    id: str
    text: str
    paragraph: int
    answers: tuple[GoldAnswer, ...]

    @property
    def is_held_out(self) -> bool:
        """Half of the questions, always the same ones, are kept out of tuning."""
        return hashlib.sha256(self.id.encode()).digest()[-1] % 2 == 1


@dataclass(frozen=True)
class Xquad:
    paragraphs: tuple[Paragraph, ...]
    questions: tuple[GoldQuestion, ...]

    def without_answer(self, question: GoldQuestion) -> list[int]:
        """All paragraphs but the gold one and those of its article that hold the answer's words."""
        gold = self.paragraphs[question.paragraph]
        answer = question.answers[0].text.strip(" .,;").lower()
        return [
            place
            for place, paragraph in enumerate(self.paragraphs)
            if place != question.paragraph
            and not (paragraph.article == gold.article and answer in paragraph.text.lower())
        ]

    def without_article(self, question: GoldQuestion) -> list[int]:
        article = self.paragraphs[question.paragraph].article
        return [n for n, paragraph in enumerate(self.paragraphs) if paragraph.article != article]


def read_xquad(path: Path) -> Xquad:
    paragraphs: list[Paragraph] = []
    questions: list[GoldQuestion] = []
    for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            questions.extend(_question(one, len(paragraphs)) for one in paragraph["qas"])
            title = article["title"].replace("_", " ")
            paragraphs.append(Paragraph(title, paragraph["context"]))
    return Xquad(tuple(paragraphs), tuple(questions))


class HybridSearch:
    """BM25 and dense rankings of the paragraphs, fused by reciprocal rank."""

    def __init__(self, paragraphs: Sequence[Paragraph], model: WordllamaModel) -> None:
        self._paragraphs = paragraphs
        self._model = model
        self._bm25 = Bm25()
        texts = [paragraph.text for paragraph in paragraphs]
        self._terms = [_terms(self._bm25.embed_document(text)) for text in texts]
        self._frequency = Counter(term for terms in self._terms for term in terms)
        self._rows = unit_rows(model.vectors(texts))

    def search(self, question: str, among: Iterable[int], limit: int) -> list[int]:
        """Places of the best paragraphs, best first."""
        allowed = list(among)
        dense = self._rows @ unit_rows(self._model.vectors([question]))[0]
        fused = dict.fromkeys(allowed, 0.0)
        for scores in (self._sparse(question), dense.tolist()):
            ranking = sorted(allowed, key=lambda place: -scores[place])
            for rank, place in enumerate(ranking, start=1):
                fused[place] += 1 / (_RRF_K + rank)
        return sorted(allowed, key=lambda place: -fused[place])[:limit]

    def passages(self, places: Sequence[int]) -> list[GroundingPassage]:
        found = [self._paragraphs[place] for place in places]
        return [
            GroundingPassage(number, (paragraph.article,), paragraph.text)
            for number, paragraph in enumerate(found, start=1)
        ]

    def _sparse(self, question: str) -> list[float]:
        asked = _terms(self._bm25.embed_query(question))
        weight = {term: value * self._idf(term) for term, value in asked.items()}
        return [sum(weight[t] * terms[t] for t in weight if t in terms) for terms in self._terms]

    def _idf(self, term: int) -> float:
        frequency = self._frequency[term]
        return math.log1p((len(self._terms) - frequency + 0.5) / (frequency + 0.5))


def _terms(vector: SparseVector) -> dict[int, float]:
    return dict(zip(vector.indices, vector.values, strict=True))


def _question(record: dict[str, Any], paragraph: int) -> GoldQuestion:
    answers = tuple(GoldAnswer(one["answer_start"], one["text"]) for one in record["answers"])
    return GoldQuestion(record["id"], record["question"], paragraph, answers)
