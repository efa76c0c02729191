"""What counts as a word that says something, and which words say the same."""

from __future__ import annotations

import re
from functools import lru_cache

import snowballstemmer

_WORD = re.compile(r"[^\W\d_]+-\d\w*|[^\W_]+(?:[.,:]\d+)*")

# Not among them: before, after, without, no, not; they turn what a sentence says around.
_STOP_WORDS = """
    a about again all also am an and any are as at be because been being both but by can could d
    did do does doing down each few for from get got had has have having he her here hers him
    his how i if in into is it its itself just kind ll many may me might more most much must my
    name of off on one only or other our out own per please re s same shall she should so some
    sort such t tell than that the their them then there these they this those through to too
    type up upon us ve very via was we were what when where which while who whom whose why will
    with within would you your
"""

# Words that people at work use for one another and that word vectors do not bring close enough.
_SAME_AT_WORK = (
    "vacation holiday leave pto",
    "price cost fee charge",
    "sick ill sickness illness",
    "salary pay wage compensation",
    "remote remotely home telework",
    "quit resign resignation termination",
    "boss manager supervisor",
    "reimburse reimbursement refund",
)


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """The part of an English word that its inflections share: employees, employee -> employe."""
    # A stemmer keeps state while it works, so threads cannot share one; making one costs 1 us.
    stemmed: str = snowballstemmer.stemmer("english").stemWord(word)
    return stemmed


def telling_words(text: str) -> list[str]:
    """The words of `text` that say what it is about, lower case, in order.

    Numbers and codes stay whole: 4.2, 1,000, 10:30, HX-224.
    """
    lower = (word.lower() for word in _WORD.findall(text))
    return [word for word in lower if word not in _SAYING_NOTHING]


def same_at_work(stemmed: str) -> frozenset[str]:
    """The stems of the words that stand for the same thing at work, itself included."""
    return _SYNONYMS.get(stemmed, frozenset((stemmed,)))


_SAYING_NOTHING = frozenset(_STOP_WORDS.split())
_SYNONYMS = {
    stem(word): frozenset(stem(other) for other in group.split())
    for group in _SAME_AT_WORK
    for word in group.split()
}
