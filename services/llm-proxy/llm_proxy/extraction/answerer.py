"""Answers a question with the sentences that answer it, word for word, or declines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from llm_proxy.extraction.candidates import Candidate, cut_passages
from llm_proxy.extraction.support import Supported, weigh_support
from llm_proxy.model import CompletionRequest, Finish, FinishReason, GroundingPassage, Usage
from llm_proxy.ports import Lexicon


@dataclass(frozen=True)
class ExtractionRules:
    min_support: float
    """0 to 1: an answer whose best sentence has less is declined."""
    further_share: float
    """0 to 1: a further sentence needs this share of the best one's score."""
    max_sentences: int


@dataclass(frozen=True)
class Quote:
    sentence: str
    passage_number: int

    def __str__(self) -> str:
        return f"{self.sentence} [{self.passage_number}]"


class ExtractiveAnswerer:
    """A completion model that writes nothing of its own, so it cannot make anything up.

    The same request always gets the same answer.
    """

    model = "extractive"

    def __init__(self, lexicon: Lexicon, rules: ExtractionRules) -> None:
        self._lexicon = lexicon
        self._rules = rules

    async def stream(self, request: CompletionRequest) -> AsyncGenerator[str | Finish, None]:
        quotes = await asyncio.to_thread(self.quote, request.question, request.passages)
        kept = _within(quotes, request.max_output_tokens)
        for place, quote in enumerate(kept):
            yield f" {quote}" if place else str(quote)
        yield Finish(_reason(quotes, kept), self.model, _usage(request, kept))

    def quote(self, question: str, passages: Sequence[GroundingPassage]) -> list[Quote]:
        """The answer to `question`; empty when the passages do not support one.

        Sentences of one passage stand in reading order, passages in the order of their best one.
        """
        candidates = cut_passages(passages)
        ranked = weigh_support(question, candidates, self._lexicon)
        if not ranked or ranked[0].support < self._rules.min_support:
            return []
        chosen = self._choose(ranked, candidates)
        return [Quote(one.text, passages[one.passage_rank].number) for one in _in_order(chosen)]

    def _choose(
        self, ranked: Sequence[Supported], candidates: Sequence[Candidate]
    ) -> list[Candidate]:
        at = {(one.passage_rank, one.position): one for one in candidates}
        chosen: list[Candidate] = []
        for supported in ranked:
            if supported.score < self._rules.further_share * ranked[0].score:
                break
            for wanted in _with_companions(supported.candidate, at):
                # Neighbouring chunks overlap: the same sentence may stand in two passages.
                is_new = all(wanted.text != one.text for one in chosen)
                if is_new and len(chosen) < self._rules.max_sentences:
                    chosen.append(wanted)
        return chosen


def _with_companions(candidate: Candidate, at: dict[tuple[int, int], Candidate]) -> list[Candidate]:
    """The candidate first, then the neighbours without which it does not say enough."""
    rank, position = candidate.passage_rank, candidate.position
    neighbours = []
    if candidate.refers_back:
        neighbours.append(at.get((rank, position - 1)))
    if candidate.leads_on:
        neighbours.extend([at.get((rank, position + 1)), at.get((rank, position + 2))])
    return [candidate, *(one for one in neighbours if one is not None)]


def _in_order(chosen: Sequence[Candidate]) -> list[Candidate]:
    ranks = list(dict.fromkeys(one.passage_rank for one in chosen))
    return sorted(chosen, key=lambda one: (ranks.index(one.passage_rank), one.position))


def _within(quotes: Sequence[Quote], max_output_tokens: int) -> list[Quote]:
    """The first quotes that fit whole; half a sentence would no longer be a quote."""
    if not max_output_tokens:
        return list(quotes)
    kept: list[Quote] = []
    for quote in quotes:
        if _count_words([*kept, quote]) > max_output_tokens:
            break
        kept.append(quote)
    return kept


def _reason(quotes: Sequence[Quote], kept: Sequence[Quote]) -> FinishReason:
    if not quotes:
        return FinishReason.DECLINED
    return FinishReason.STOP if len(kept) == len(quotes) else FinishReason.LENGTH


def _usage(request: CompletionRequest, quotes: Sequence[Quote]) -> Usage:
    read = [request.question, *(passage.text for passage in request.passages)]
    return Usage(input_tokens=_count_words(read), output_tokens=_count_words(quotes))


def _count_words(texts: Sequence[object]) -> int:
    return sum(len(str(text).split()) for text in texts)
