"""How well the extractive answerer answers, and declines what it cannot answer.

    python -m tests.eval.extraction --xquad FILE [--further-share 0.8]

FILE is in SQuAD format. Each question is asked three times, with the eight passages that a simple
hybrid search finds among all paragraphs, among all but those of its article that hold the answer
("near": what remains is about the same thing), and among those of other articles ("far").
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from llm_proxy.adapters.wordllama import WordllamaModel
from llm_proxy.extraction.answerer import ExtractionRules, ExtractiveAnswerer, Quote
from llm_proxy.extraction.candidates import cut_passages
from llm_proxy.extraction.support import weigh_support
from llm_proxy.model import GroundingPassage
from llm_proxy.settings import LlmProxySettings
from tests.eval.xquad import GoldQuestion, HybridSearch, Xquad, read_xquad

_PASSAGES = 8
_THRESHOLDS = [round(0.30 + 0.05 * step, 2) for step in range(11)]


@dataclass(frozen=True)
class Outcome:
    """What became of one question, were nothing declined."""

    is_held_out: bool
    support: float
    is_hit: bool
    """A gold answer stands within one of the quoted sentences."""
    sentences: int
    near_support: float
    """The best support without the passage that holds the answer."""
    far_support: float
    """The best support among passages of other articles."""
    elapsed_s: float


class Measurement:
    def __init__(self, xquad: Xquad, model: WordllamaModel, rules: ExtractionRules) -> None:
        self._xquad = xquad
        self._model = model
        self._answerer = ExtractiveAnswerer(model, rules)
        self._search = HybridSearch(xquad.paragraphs, model)

    def outcome(self, question: GoldQuestion) -> Outcome:
        everywhere = range(len(self._xquad.paragraphs))
        places = self._search.search(question.text, everywhere, _PASSAGES)
        passages = self._search.passages(places)
        started = time.perf_counter()
        quotes = self._answerer.quote(question.text, passages)
        elapsed_s = time.perf_counter() - started
        return Outcome(
            is_held_out=question.is_held_out,
            support=self._support(question, passages),
            is_hit=any(self._holds_answer(quote, places, question) for quote in quotes),
            sentences=len(quotes),
            near_support=self._support_among(question, self._xquad.without_answer(question)),
            far_support=self._support_among(question, self._xquad.without_article(question)),
            elapsed_s=elapsed_s,
        )

    def _support_among(self, question: GoldQuestion, among: Sequence[int]) -> float:
        places = self._search.search(question.text, among, _PASSAGES)
        return self._support(question, self._search.passages(places))

    def _support(self, question: GoldQuestion, passages: Sequence[GroundingPassage]) -> float:
        ranked = weigh_support(question.text, cut_passages(passages), self._model)
        return ranked[0].support if ranked else 0.0

    def _holds_answer(self, quote: Quote, places: Sequence[int], question: GoldQuestion) -> bool:
        place = places[quote.passage_number - 1]
        start = self._xquad.paragraphs[place].text.find(quote.sentence)
        end = start + len(quote.sentence)
        is_gold = place == question.paragraph
        return is_gold and any(start <= gold.start and gold.end <= end for gold in question.answers)


def report(outcomes: Sequence[Outcome]) -> str:
    """The curve from which the operating point is chosen: one line per threshold."""
    quoted = [one.sentences for one in outcomes if one.sentences]
    elapsed_ms = sorted(one.elapsed_s * 1e3 for one in outcomes)
    head = (
        f"{len(outcomes)} questions, {_mean(quoted):.2f} sentences quoted, "
        f"p50 {elapsed_ms[len(elapsed_ms) // 2]:.1f} ms, "
        f"p95 {elapsed_ms[len(elapsed_ms) * 95 // 100]:.1f} ms an answer\n"
        "  min_support  answered     hit  hit of answered  declined near  declined far  balanced"
    )
    return "\n".join([head, *(_line(outcomes, threshold) for threshold in _THRESHOLDS)])


def _line(outcomes: Sequence[Outcome], threshold: float) -> str:
    answered = [one for one in outcomes if one.support >= threshold]
    hit = sum(one.is_hit for one in answered) / len(outcomes)
    near = _mean(one.near_support < threshold for one in outcomes)
    far = _mean(one.far_support < threshold for one in outcomes)
    return (
        f"  {threshold:11.2f}  {len(answered) / len(outcomes):8.1%}  {hit:6.1%}"
        f"  {_mean(one.is_hit for one in answered):15.1%}"
        f"  {near:13.1%}  {far:12.1%}  {(hit + near) / 2:8.1%}"
    )


def _mean(values: Iterable[float]) -> float:
    counted = list(values)
    return sum(counted) / len(counted) if counted else 0.0


async def _measure(path: Path, further_share: float, max_sentences: int) -> None:
    model = WordllamaModel()
    await model.start()
    rules = ExtractionRules(0.0, further_share, max_sentences)
    xquad = read_xquad(path)
    measurement = Measurement(xquad, model, rules)
    outcomes = [measurement.outcome(question) for question in xquad.questions]
    for name, held_out in (("tuning half", False), ("held-out half", True)):
        half = [one for one in outcomes if one.is_held_out is held_out]
        sys.stdout.write(f"\n{name}: {report(half)}\n")


def main() -> None:
    settings = LlmProxySettings()
    parser = argparse.ArgumentParser(description="Measure the extractive answerer.")
    parser.add_argument("--xquad", type=Path, required=True, help="questions in SQuAD format")
    parser.add_argument("--further-share", type=float, default=settings.extractive_further_share)
    parser.add_argument("--max-sentences", type=int, default=settings.extractive_max_sentences)
    chosen = parser.parse_args()
    if not chosen.xquad.is_file():
        sys.exit(f"SKIPPED: there is no file {chosen.xquad}; nothing was measured.")
    asyncio.run(_measure(chosen.xquad, chosen.further_share, chosen.max_sentences))


if __name__ == "__main__":
    main()
