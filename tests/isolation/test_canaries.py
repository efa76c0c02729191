"""The detector of canaries finds them in every form in which a system may let them out."""

from __future__ import annotations

import base64
import html
import json
import unicodedata
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest

from tests.isolation.canaries import Canaries

FORMS: dict[str, Callable[[str], str | bytes]] = {
    "as it is": str,
    "utf-8": str.encode,
    "utf-16": lambda text: text.encode("utf-16"),
    "lower case": str.lower,
    "upper case": str.upper,
    "decomposed": lambda text: unicodedata.normalize("NFD", text),
    "full width": lambda text: "".join(
        chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text
    ),
    "URL": lambda text: quote(text, safe=""),
    "form": quote_plus,
    "URL, twice": lambda text: quote(quote(text, safe=""), safe=""),
    "JSON": json.dumps,
    "JSON in JSON": lambda text: json.dumps({"inner": json.dumps({"text": text})}),
    "repr of bytes": lambda text: repr(text.encode()),
    "octal escapes": lambda text: "".join(f"\\{byte:03o}" for byte in text.encode()),
    "HTML": lambda text: html.escape(text).encode("ascii", "xmlcharrefreplace"),
    "HTML, every character": lambda text: "".join(f"&#{ord(c)};" for c in text),
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
    "hex with colons": lambda text: text.encode().hex(":"),
    "hex, off by one": lambda text: "a" + text.encode().hex(),
    "base64": lambda text: base64.b64encode(text.encode()),
    "base64, off by one": lambda text: base64.b64encode(b"a" + text.encode()),
    "base64, off by two": lambda text: base64.b64encode(b"aa" + text.encode()),
    "base64 after a letter": lambda text: b"v" + base64.b64encode(text.encode()),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(b"??>" + text.encode()).rstrip(b"="),
    "base64 of JSON": lambda text: base64.b64encode(json.dumps({"name": text}).encode()),
    "base64 in a URL": lambda text: quote(base64.b64encode(text.encode())),
    "hex of base64": lambda text: base64.b64encode(text.encode()).hex(),
    "tokens": lambda text: json.dumps([text[i : i + 3] for i in range(0, len(text), 3)]),
    "word pieces": lambda text: " ##".join(text[i : i + 2] for i in range(0, len(text), 2)),
    "zero width spaces": "\N{ZERO WIDTH SPACE}".join,
    "lines": "\n".join,
}


@pytest.mark.parametrize("part", ["plain", "accented", "text"])
@pytest.mark.parametrize("form", FORMS)
def test_a_canary_is_found_as(form: str, part: str) -> None:
    canaries = Canaries()
    # Not one, whose letters may happen to need no escape at all.
    for number in range(20):
        canary = canaries.mark(f"tenant-{number}")
        written = FORMS[form](getattr(canary, part))
        whole = written if isinstance(written, bytes) else f'{{"name": "{written}"}}'
        assert canaries.owners_in(whole) == {f"tenant-{number}"}


def test_every_owner_is_told() -> None:
    canaries = Canaries()
    words = [canaries.mark(owner).accented for owner in ("a", "b")]
    assert canaries.owners_in(" and ".join(words)) == {"a", "b"}


def test_other_words_are_nobodys() -> None:
    canaries = Canaries()
    canary = canaries.mark("a")
    assert canaries.owners_in(canary.plain[:-1] + " qzxqzxqzxqzxqzx deadbeef" * 20) == frozenset()
