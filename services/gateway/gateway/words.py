"""The words of a text that carry its content, folded so that they can be compared."""

from __future__ import annotations

import re

_WORD = re.compile(
    r"\d+(?:[.,:/]\d+)*|[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W\d_]+|\w+", re.UNICODE
)


def _words(spaced: str) -> frozenset[str]:
    return frozenset(spaced.split())


_FUNCTION_WORDS = _words(
    "a about after all also an and any are as at be been before but by can could did do does for "
    "from had has have he her his how if in into is it its may more most must of on or our she "
    "should so some such than that the their them then there these they this those to under until "
    "up was we were what when where which while who will with within would you your"
)


def content_words(text: str) -> frozenset[str]:
    """Lower case, without function words; numbers as written; CJK text character by character."""
    words = (found.group().casefold() for found in _WORD.finditer(text))
    return frozenset(_singular(word) for word in words if word not in _FUNCTION_WORDS)


def numbers(words: frozenset[str]) -> frozenset[str]:
    return frozenset(word for word in words if word[0].isdigit())


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
