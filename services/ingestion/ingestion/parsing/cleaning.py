"""Takes out of extracted text what a reader cannot see but a model or an index would."""

from __future__ import annotations

import re
import textwrap
import unicodedata

# Controls, soft hyphen, zero-width and bidirectional marks, lone surrogates, private use,
# tag characters and the variation selectors that can smuggle bytes: none of them is visible.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\ufffe\uffff\ud800-\udfff\ue000-\uf8ff\U000e0000-\U000e0fff\U000f0000-\U0010ffff]"
)
_SYMBOL_FONT_BULLETS = {ord(bullet): "\u2022" for bullet in "\uf0b7\uf0a7\uf076\uf0d8\uf0fc"}
_LINE_BREAKS = re.compile(r"\r\n?|[\v\f\x85\u2028\u2029]")
_SPACES = re.compile(r"[^\S\n]+")
_SPACES_AROUND_BREAKS = re.compile(r" ?\n[ \n]*")


def clean_text(text: str) -> str:
    """One space between words, no blank lines, NFC, only visible characters."""
    visible = _visible(text)
    return _SPACES_AROUND_BREAKS.sub("\n", _SPACES.sub(" ", visible)).strip()


def clean_code(text: str) -> str:
    """As `clean_text`, but the indentation and the blank lines inside stay."""
    lines = _visible(text).expandtabs(4).split("\n")
    return textwrap.dedent("\n".join(line.rstrip() for line in lines)).strip()


def _visible(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    unified = _LINE_BREAKS.sub("\n", text.translate(_SYMBOL_FONT_BULLETS))
    return unicodedata.normalize("NFC", _INVISIBLE.sub("", unified))
