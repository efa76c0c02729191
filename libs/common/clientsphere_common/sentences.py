"""Sentence boundaries by rule: chunking, quoting and grounding cut a text at the same places."""

from __future__ import annotations

import re

_LINE = re.compile(r"[^\n\r\v\f\x85\u2028\u2029]+")
# A run of terminators is tried once, from its first character: dot leaders stay linear.
_TERMINATOR = re.compile(
    r"(?<![.!?\u2026])[.!?\u2026]+[\"'\u2019\u201d\xbb)\]]*(?=\s)"
    r"|[\u3002\uff01\uff1f\u0964]+[\u300d\u300f\u201d\u2019\uff09]*"
)
_NEXT_WORD = re.compile(r"[\"'\u2018\u201c\u201e\xab(\[]*(\w+)")
_NUMERAL = re.compile(r"[0-9]|[ivxlc]+\b", re.IGNORECASE)
_DOTTED_LETTERS = re.compile(r"[a-z](?:\.[a-z])*", re.IGNORECASE)
# "3. ", "2.1. ", "Item 7A. ", "Note 4. ", "b. " at the start of a line number what follows.
_LEADING_NUMBER = re.compile(
    r"(?:(?:item|note|section|part|chapter|article|exhibit|appendix|table|figure|step)\s+)?"
    r"(?:\d{1,3}(?:\.\d{1,3})*[a-z]?|[ivxlc]{1,5}|[a-z])",
    re.IGNORECASE,
)


def _words(spaced: str) -> frozenset[str]:
    return frozenset(spaced.split())


_NEVER_ENDS_A_SENTENCE = _words(
    "mr mrs ms messrs dr prof rev hon gen col capt lt sgt gov sen rep st mt "
    "e.g eg i.e ie cf viz vs approx ca incl excl resp z.b d.h u.a bzw vgl"
)
_MAY_END_A_SENTENCE = _words(
    "inc corp co cos ltd llc plc bros dept assn est jr sr etc usw "
    "jan feb mar apr jun jul aug sep sept oct nov dec"
)
_STANDS_BEFORE_A_NUMERAL = _words(
    "no nos nr fig figs sec secs art arts vol vols ch chap p pp par para abs eq eqs ref refs "
    "tab app ex cl reg"
)
_SENTENCE_STARTERS = _words(
    "a all also although an and any are as at because before both but by can did do does during "
    "each every for from has have he her here his how however if in is it its many most my no not "
    "of on once one or our please see several she since some such that the their then there these "
    "they this those to under until upon was we were what when where whether which while who why "
    "will with within you your"
)
_GERMAN_MONTHS = _words(
    "januar februar m\xe4rz april mai juni juli august september oktober november dezember"
)


def split_sentences(text: str) -> list[tuple[int, int]]:
    """The sentences of `text` as [start, end) spans in order, without the white space around them.

    Every character that is not white space lies in exactly one span. A line break always ends a
    sentence: join wrapped lines first.
    """
    return [span for line in _LINE.finditer(text) for span in _sentences_of_line(text, line.span())]


def _sentences_of_line(text: str, line_span: tuple[int, int]) -> list[tuple[int, int]]:
    start, line_end = line_span
    line = text[start:line_end]
    cuts = [found.end() for found in _TERMINATOR.finditer(line) if _ends_sentence(line, found)]
    spans = []
    for left, right in zip([0, *cuts], [*cuts, len(line)], strict=True):
        sentence = line[left:right]
        if stripped := sentence.strip():
            first = start + left + len(sentence) - len(sentence.lstrip())
            spans.append((first, first + len(stripped)))
    return spans


def _ends_sentence(line: str, terminator: re.Match[str]) -> bool:
    after = line[terminator.end() : terminator.end() + 40].lstrip()
    is_dot_leader = terminator.group().startswith("....")
    if after[:1].islower() or is_dot_leader:
        return False
    if not terminator.group().startswith(".") or terminator.group().startswith(".."):
        return True
    before = line[max(0, terminator.start() - 40) : terminator.start()]
    if terminator.start() <= len("Appendix 12.10.1a") and _LEADING_NUMBER.fullmatch(before.strip()):
        return False
    return _full_stop_ends_sentence(before, after)


def _full_stop_ends_sentence(before: str, after: str) -> bool:
    words = before.split()
    last_word = words[-1].lstrip("\"'(\u201c\u2018[").lower() if words else ""
    found = _NEXT_WORD.match(after)
    next_word = found.group(1).lower() if found else ""
    if last_word in _NEVER_ENDS_A_SENTENCE:
        return False
    if last_word in _STANDS_BEFORE_A_NUMERAL:
        return not _NUMERAL.match(after)
    if last_word in _MAY_END_A_SENTENCE or _DOTTED_LETTERS.fullmatch(last_word):
        return next_word in _SENTENCE_STARTERS
    return not (last_word.isdecimal() and next_word in _GERMAN_MONTHS)
