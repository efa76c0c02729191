"""What kind of thing a question asks for, and whether a sentence offers one."""

from __future__ import annotations

import re
from enum import Enum

from llm_proxy.extraction.words import telling_words


class AnswerKind(Enum):
    NUMBER = "number"
    DATE = "date"
    NAME = "name"
    ANY = "any"


_ASKS_FOR = (
    (
        AnswerKind.NUMBER,
        re.compile(
            r"\bhow (?:many|much|long|old|far|often|tall|large|big|high|deep|wide|fast|soon|late)\b"
            r"|\b(?:what|which) (?:is the |are the )?"
            r"(?:percent|percentage|number|amount|price|cost|rate|fee|limit|share|total)\b"
            r"|\bcosts?\b",
            re.IGNORECASE,
        ),
    ),
    (
        AnswerKind.DATE,
        re.compile(
            r"\bwhen\b|\b(?:what|which) (?:year|date|day|month|century|decade|time)\b",
            re.IGNORECASE,
        ),
    ),
    (
        AnswerKind.NAME,
        re.compile(
            r"\b(?:who|whom|whose|where)\b"
            r"|\b(?:what|which) (?:city|country|state|place|region|person|company)\b",
            re.IGNORECASE,
        ),
    ),
)

_NUMBER_WORDS = (
    "one two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty "
    "sixty seventy eighty ninety hundred thousand million billion dozen half third quarter once "
    "twice first second no none unlimited free"
)
_NUMBER = re.compile(rf"\d|\b(?:{'|'.join(_NUMBER_WORDS.split())})\b", re.IGNORECASE)
_DATE = re.compile(
    r"\b(?:1\d|20)\d\ds?\b|\b\d{1,2}:\d\d\b|\bcentur(?:y|ies)\b"
    r"|\b(?:january|february|march|april|may|june|july|august|september|october|november|december)\b"
    r"|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b"
    r"|\b\w+ (?:hours?|days?|weeks?|months?|quarters?|years?)\b",
    re.IGNORECASE,
)
_CAPITALISED = re.compile(r"\b[A-Z]\w*")


def asked_kind(question: str) -> AnswerKind:
    return next((kind for kind, asks in _ASKS_FOR if asks.search(question)), AnswerKind.ANY)


def offers(kind: AnswerKind, sentence: str, question: str) -> bool:
    """Whether `sentence` holds something of that kind that the question has not said already."""
    if kind is AnswerKind.ANY:
        return True
    asked = set(question.lower().split())
    new = " ".join(word for word in sentence.split() if word.lower().strip(".,;:?!") not in asked)
    if kind is AnswerKind.NUMBER:
        return bool(_NUMBER.search(new))
    if kind is AnswerKind.DATE:
        return bool(_DATE.search(new))
    return any(telling_words(name) for name in _CAPITALISED.findall(new))
