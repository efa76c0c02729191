"""Finds the part of a passage that says what a sentence of an answer says."""

from __future__ import annotations

from dataclasses import dataclass

from clientsphere_common.sentences import split_sentences
from gateway.model.answers import Citation, Passage
from gateway.words import content_words

_MOST_SENTENCES = 3
_COST_OF_FURTHER_SENTENCE = 0.1
"""Coverage that a further sentence must add to be quoted too."""


@dataclass(frozen=True)
class Quote:
    """Whole sentences of a passage, [start, end) in its text."""

    passage: Passage
    start: int
    end: int
    words: frozenset[str]
    coverage: float
    """0 to 1: share of the claim's content words that the quote has too."""

    @property
    def citation(self) -> Citation:
        passage = self.passage
        return Citation(
            number=passage.rank,
            document_id=passage.document_id,
            document_name=passage.document_name,
            page=passage.page,
            heading_path=passage.heading_path,
            quote=passage.text[self.start : self.end],
            start=passage.start + self.start,
            end=passage.start + self.end,
        )


class QuotablePassage:
    """A passage cut into every run of one to three sentences, ready to be searched many times."""

    def __init__(self, passage: Passage) -> None:
        self._passage = passage
        spans = split_sentences(passage.text)
        words = [content_words(passage.text[start:end]) for start, end in spans]
        self._runs = [
            _Run(
                start=spans[first][0],
                end=spans[last][1],
                words=frozenset[str]().union(*words[first : last + 1]),
                further_sentences=last - first,
            )
            for first in range(len(spans))
            for last in range(first, min(first + _MOST_SENTENCES, len(spans)))
        ]

    def best_quote(self, claim: frozenset[str]) -> Quote | None:
        """The run that shares most with the content words of a claim; None when none shares any.

        Among equals the shorter run wins, then the earlier.
        """
        best, best_score = None, 0.0
        for run in self._runs:
            coverage = len(claim & run.words) / len(claim)
            score = coverage - _COST_OF_FURTHER_SENTENCE * run.further_sentences
            if score > best_score:
                best = Quote(self._passage, run.start, run.end, run.words, coverage)
                best_score = score
        return best


@dataclass(frozen=True)
class _Run:
    start: int
    end: int
    words: frozenset[str]
    further_sentences: int
