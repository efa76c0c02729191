"""Ties each sentence of an answer to the passages that support it, whatever the model cited."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from clientsphere_common.sentences import split_sentences
from gateway.model.answers import Citation, Passage
from gateway.quotes import QuotablePassage, Quote
from gateway.words import content_words, numbers

# White space is tried once, from its beginning: long runs of it stay linear.
_MARKERS = re.compile(r"(?:(?<!\s)\s*\[\d+(?:\s*,\s*\d+)*\])+")
_SUPPORTING_COVERAGE = 0.6
_RELATED_COVERAGE = 0.25
_FEWEST_WORDS = 2


@dataclass(frozen=True)
class CitedText:
    text: str
    """The answer with one marker [n] for every citation, after the sentence it supports."""
    citations: tuple[Citation, ...]
    """In the order of the text; several of one passage when its sentences are quoted apart."""
    groundedness: float
    """0 to 1: the share of the sentences whose content words and numbers their citations have."""


@dataclass(frozen=True)
class _Claim:
    """A sentence, or the part of one that has markers of its own: [start, end) of the answer."""

    start: int
    end: int
    words: frozenset[str]
    cited: tuple[int, ...]


@dataclass(frozen=True)
class _Verdict:
    quotes: tuple[Quote, ...]
    is_supported: bool


def cite(answer: str, passages: Sequence[Passage]) -> CitedText:
    """Check the markers that a model wrote into `answer`, and write those it should have written.

    A marker stays when its passage says something of what its sentence says. A sentence without
    support from its markers is tied to the passage that does support it, if one does. Numbers
    count: a sentence with a number that its quotes do not have is not supported.
    """
    quotable = {passage.rank: QuotablePassage(passage) for passage in passages}
    text, citations, verdicts = "", dict[Citation, None](), []
    position = 0
    for claim in _claims(answer):
        verdict = _judge(claim, quotable)
        between = _MARKERS.sub("", answer[position : claim.start])
        cited = dict.fromkeys(quote.citation for quote in verdict.quotes)
        text += between + answer[claim.start : claim.end] + _markers(cited)
        citations |= cited
        position = claim.end
        if len(claim.words) >= _FEWEST_WORDS:
            verdicts.append(verdict.is_supported)
    text += _MARKERS.sub("", answer[position:])
    groundedness = sum(verdicts) / len(verdicts) if verdicts else 0.0
    return CitedText(text.strip(), tuple(citations), groundedness)


def _claims(answer: str) -> Iterator[_Claim]:
    """Every stretch of `answer` that says something; markers belong to what stands before them."""
    position = 0
    for markers in [*_MARKERS.finditer(answer), None]:
        stretch_end = len(answer) if markers is None else markers.start()
        cited = () if markers is None else _numbers_in(markers.group())
        spans = split_sentences(answer[position:stretch_end])
        for place, (start, end) in enumerate(spans, start=1):
            words = content_words(answer[position + start : position + end])
            if words:
                is_last = place == len(spans)
                yield _Claim(position + start, position + end, words, cited if is_last else ())
        position = stretch_end if markers is None else markers.end()


def _numbers_in(markers: str) -> tuple[int, ...]:
    return tuple(dict.fromkeys(int(digits) for digits in re.findall(r"\d{1,9}", markers)))


def _judge(claim: _Claim, passages: Mapping[int, QuotablePassage]) -> _Verdict:
    cited = [passages[number] for number in claim.cited if number in passages]
    quotes = [quote for one in cited if (quote := one.best_quote(claim.words))]
    related = tuple(quote for quote in quotes if quote.coverage >= _RELATED_COVERAGE)
    if _supports(related, claim.words):
        return _Verdict(related, is_supported=True)
    if claim.cited or len(claim.words) >= _FEWEST_WORDS:
        found = [quote for one in passages.values() if (quote := one.best_quote(claim.words))]
        best = tuple(sorted(found, key=lambda quote: -quote.coverage)[:1])
        if _supports(best, claim.words):
            return _Verdict(best, is_supported=True)
    return _Verdict(related, is_supported=False)


def _supports(quotes: Sequence[Quote], claim: frozenset[str]) -> bool:
    said = frozenset[str]().union(*(quote.words for quote in quotes))
    covered = len(claim & said) / len(claim)
    return covered >= _SUPPORTING_COVERAGE and numbers(claim) <= said


def _markers(citations: Mapping[Citation, None]) -> str:
    return "".join(f" [{number}]" for number in dict.fromkeys(one.number for one in citations))
