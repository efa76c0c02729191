"""How well each candidate supports an answer to a question.

The support of a candidate is the share of the question, weighed word by word, that the candidate
and what surrounds it speak about. A word weighs what it tells (the length of its vector) times how
rare it is among the candidates. The constants were chosen on one half of XQuAD and confirmed on the
other (tests/eval/extraction.py); every optimum is flat.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from llm_proxy.extraction.answer_kinds import AnswerKind, asked_kind, offers
from llm_proxy.extraction.candidates import Candidate
from llm_proxy.extraction.words import same_at_work, stem, telling_words
from llm_proxy.ports import Lexicon

_SAID_IN_TITLE = 0.8
_SAID_IN_PREVIOUS_SENTENCE = 0.7
_SAID_ELSEWHERE_IN_PASSAGE = 0.4
_IN_OTHER_WORDS = 0.9
_FIRST_PASSAGE_BONUS = 0.1
_KIND_OFFERED_BONUS = 0.16

_Table = NDArray[np.float64]
"""(n_candidates, n_words of the question)."""


@dataclass(frozen=True)
class Supported:
    candidate: Candidate
    support: float
    """0 to 1: whether it answers at all."""
    score: float
    """Whether it answers better than others: a passage of high rank and a thing of the kind that
    was asked for count too."""


def weigh_support(
    question: str, candidates: Sequence[Candidate], lexicon: Lexicon
) -> list[Supported]:
    """The candidates that say something new about the question, best first; equals keep order."""
    asked = {stem(word): word for word in telling_words(question)}
    candidates = [candidate for candidate in candidates if _says_something_new(candidate, asked)]
    if not asked or not candidates:
        return []
    telling, likeness = _likeness(list(asked.values()), candidates, lexicon)
    said = _said(list(asked), candidates)
    weights = telling * np.sqrt(_rarity(said))
    support = np.maximum(said, likeness) @ weights / weights.sum()
    score_of = partial(_score, kind=asked_kind(question), question=question)
    supported = [
        Supported(candidate, float(share), score_of(candidate, float(share)))
        for candidate, share in zip(candidates, support, strict=True)
    ]
    return sorted(supported, key=lambda one: -one.score)


def _says_something_new(candidate: Candidate, asked: dict[str, str]) -> bool:
    known = asked.keys() | _stems(candidate.title)
    return candidate.leads_on or not _stems(candidate.text) <= known


def _likeness(
    asked: Sequence[str], candidates: Sequence[Candidate], lexicon: Lexicon
) -> tuple[NDArray[np.float64], _Table]:
    """How telling each asked word is, and how like it the likest word of each candidate.

    Likeness is the squared cosine: related words count a little, unrelated ones next to nothing.
    Numbers are like nothing but themselves.
    """
    column = {word: place for place, word in enumerate(_vocabulary(candidates))}
    vectors = lexicon.vectors([*asked, *column]).astype(np.float64)
    lengths = np.linalg.norm(vectors, axis=1)
    unit = vectors / lengths[:, np.newaxis]
    cosines = np.clip(unit[: len(asked)] @ unit[len(asked) :].T, 0.0, 1.0)
    cosines[[any(map(str.isdigit, word)) for word in asked]] = 0.0
    rows = [
        cosines[:, [column[word] for word in telling_words(candidate.text)]].max(axis=1)
        for candidate in candidates
    ]
    return lengths[: len(asked)], np.square(rows)


def _vocabulary(candidates: Sequence[Candidate]) -> list[str]:
    return sorted({word for candidate in candidates for word in telling_words(candidate.text)})


def _said(asked: Sequence[str], candidates: Sequence[Candidate]) -> _Table:
    """How directly each candidate, or what surrounds it, says each asked word."""
    passages: dict[int, set[str]] = {}
    for candidate in candidates:
        passages.setdefault(candidate.passage_rank, set()).update(_stems(candidate.text))
    return np.array(
        [
            [_credit(term, places) for term in asked]
            for places in (_places(one, passages[one.passage_rank]) for one in candidates)
        ]
    )


def _places(candidate: Candidate, passage: Set[str]) -> list[tuple[float, Set[str]]]:
    """What a candidate can lean on, best first. One row of a table says nothing of another."""
    own = _stems(candidate.text)
    return [
        (1.0, own),
        (_SAID_IN_TITLE, _stems(candidate.title)),
        (_SAID_IN_PREVIOUS_SENTENCE, _stems(candidate.previous)),
        (_SAID_ELSEWHERE_IN_PASSAGE, own if candidate.is_row else passage),
    ]


def _credit(term: str, places: Sequence[tuple[float, Set[str]]]) -> float:
    """What the best place is worth that says `term`, or says it in other words."""
    synonyms = same_at_work(term)
    exact = (worth for worth, place in places if term in place)
    other = (worth for worth, place in places if not synonyms.isdisjoint(place))
    return max(next(exact, 0.0), _IN_OTHER_WORDS * next(other, 0.0))


def _rarity(said: _Table) -> NDArray[np.float64]:
    """Inverse document frequency over the candidates: highest for what none of them says."""
    frequency = (said == 1.0).sum(axis=0)
    return np.asarray(np.log1p(len(said) / (frequency + 0.5)))


def _score(candidate: Candidate, support: float, kind: AnswerKind, question: str) -> float:
    rank_bonus = _FIRST_PASSAGE_BONUS / (1 + candidate.passage_rank)
    kind_bonus = _KIND_OFFERED_BONUS * offers(kind, candidate.text, question)
    return support + rank_bonus + kind_bonus


def _stems(text: str) -> set[str]:
    return {stem(word) for word in telling_words(text)}
