"""Words that each belong to one tenant, and the search for them in whatever a system lets out."""

from __future__ import annotations

import binascii
import html
import re
import secrets
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote_plus

_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
_MARK = "qzx"
_LENGTH = 10
_WORD = re.compile(rf"(?=({_MARK}[a-z0-9]{{{_LENGTH}}}))")
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})|\\([0-7]{3})")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{12,}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}[: ]?){12,}[0-9a-fA-F]?")
_BETWEEN = re.compile(r"[^a-z0-9]+")
_LAYERS = 3
_ILLEGIBLE = re.compile("[\N{REPLACEMENT CHARACTER}\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_MOST_ILLEGIBLE = 0.4
"""Of the characters of a text it is 0, of random bytes read as UTF-8 about 0.56."""
_URL_SAFE = str.maketrans("-_", "+/")


@dataclass(frozen=True)
class Canary:
    """Two words; each of them alone gives its owner away."""

    plain: str
    """ASCII, in both cases."""
    accented: str
    """With letters that JSON, URLs and normal forms spell differently."""

    @property
    def text(self) -> str:
        return f"{self.plain} {self.accented}"


class Canaries:
    """Makes canaries and knows whose they are.

    Found whatever the case, the normal form, the encoding (UTF-8, UTF-16) and the characters that
    split a word, also in URL-quoted, HTML-, JSON- or octal-escaped, base64 (both alphabets, any
    offset) or hexadecimal form, three layers deep. Not found in what is hashed, compressed,
    encrypted or embedded as a vector.
    """

    def __init__(self) -> None:
        self._owners: dict[str, str] = {}

    def mark(self, owner: str) -> Canary:
        plain, accented = (self._new_word(owner) for _ in range(2))
        return Canary(
            plain=f"QzX{plain[len(_MARK) :]}",
            accented=f"Q\N{LATIN SMALL LETTER Z WITH CARON}x{accented[len(_MARK) :]}".replace(
                "a", "\N{LATIN SMALL LETTER A WITH DIAERESIS}"
            ),
        )

    def hand_over(self, owner: str, new_owner: str) -> None:
        """For an owner that had no name when its first words were written."""
        for word, known_as in self._owners.items():
            if known_as == owner:
                self._owners[word] = new_owner

    def owners_in(self, content: bytes | str) -> frozenset[str]:
        """Those whose words `content` holds in any of the forms."""
        return frozenset(
            self._owners[word]
            for text in _texts(content)
            for form in _forms(text)
            if _MARK in (squeezed := _squeezed(form))
            for word in _WORD.findall(squeezed)
            if word in self._owners
        )

    def _new_word(self, owner: str) -> str:
        word = _MARK + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
        self._owners[word] = owner
        return word


def _texts(content: bytes | str) -> Iterator[str]:
    if isinstance(content, str):
        yield content
        return
    yield content.decode(errors="replace")
    if b"\0" in content:
        yield from (content[offset:].decode("utf-16-le", errors="replace") for offset in (0, 1))


def _squeezed(text: str) -> str:
    """Nothing but plain letters and digits: neither case nor accents nor what splits words."""
    plain = text if text.isascii() else unicodedata.normalize("NFKD", text)
    return _BETWEEN.sub("", plain.casefold())


def _forms(text: str) -> set[str]:
    """`text`, and what it may be an encoding of."""
    known, newest = {text}, {text}
    for _ in range(_LAYERS):
        newest = {decoded for form in newest for decoded in _decoded(form)} - known
        known |= newest
    return known


def _decoded(text: str) -> Iterator[str]:
    if "%" in text:
        yield unquote_plus(text, errors="replace")
    if "&" in text:
        yield html.unescape(text)
    if "\\" in text:
        yield from _unescaped(text)
    yield " ".join(map(_from_hex, set(_HEX.findall(text)))).strip()
    yield " ".join(map(_from_base64, set(_BASE64.findall(text)))).strip()


def _unescaped(text: str) -> Iterator[str]:
    """As characters, and where those are the bytes of UTF-8 as what they spell."""

    def character(found: re.Match[str]) -> str:
        wide, narrow, octal = found.groups()
        return chr(int(octal, 8) if octal else int(wide or narrow, 16))

    characters = _ESCAPE.sub(character, text)
    if characters != text:
        yield characters
        yield characters.encode("latin-1", "replace").decode(errors="replace")


@lru_cache(maxsize=2**14)
def _from_hex(run: str) -> str:
    digits = re.sub("[: ]", "", run)
    pieces = (digits[offset : len(digits) - (len(digits) - offset) % 2] for offset in (0, 1))
    return " ".join(_legible(bytes.fromhex(piece)) for piece in pieces)


@lru_cache(maxsize=2**14)
def _from_base64(run: str) -> str:
    letters = run.translate(_URL_SAFE)
    # One letter alone in the last group says nothing.
    rows = (
        letters[offset : len(letters) - ((len(letters) - offset) % 4 == 1)] for offset in range(4)
    )
    return " ".join(_legible(binascii.a2b_base64(row + "=" * (-len(row) % 4))) for row in rows)


def _legible(content: bytes) -> str:
    """`content` as text unless it is none: most of what looks encoded is random."""
    text = content.decode(errors="replace")
    is_text = len(_ILLEGIBLE.findall(text)) <= _MOST_ILLEGIBLE * len(text)
    return text if is_text or _MARK in text.casefold() else ""
