"""Signed JSON has one meaning or none."""

from __future__ import annotations

import pytest

from gateway.strict_json import parse_object


class TestParseObject:
    def test_reads_an_object(self) -> None:
        assert parse_object(b'{"a": {"b": [1, "x", null]}}') == {"a": {"b": [1, "x", None]}}
        assert parse_object(b'{"a": "\\ud83d\\ude00", "b": -1.5e3}') == {
            "a": "\U0001f600",
            "b": -1500.0,
        }

    @pytest.mark.parametrize(("opens", "closes"), [("[", "]"), ('{"b":', "}")])
    def test_reads_eight_levels_and_no_more(self, opens: str, closes: str) -> None:
        def nested(levels: int) -> bytes:
            return f'{{"a":{opens * (levels - 1)}0{closes * (levels - 1)}}}'.encode()

        assert parse_object(nested(8))
        with pytest.raises(ValueError, match="deeply"):
            parse_object(nested(9))

    @pytest.mark.parametrize(
        "text",
        [
            b'{"a": 1, "a": 2}',
            b'{"a": {"b": 1, "b": 1}}',
            b'{"a": [{"b": 1, "b": 1}]}',
            b'{"a": 1, "\\u0061": 2}',
            b'{"a": NaN}',
            b'{"a": Infinity}',
            b'{"a": -Infinity}',
            b"[1]",
            b'"text"',
            b"null",
            b"",
            b"{",
            b'{"a": 1} {"a": 1}',
            b'\xef\xbb\xbf{"a": 1}',
            b'{"a": "\xff"}',
            b'{"a":' * 2000 + b"1" + b"}" * 2000,
            b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
            b'{"a": ' + b"9" * 5000 + b"}",
            b'{"a": 1e400}',
            b'{"a": -1e400}',
            b'{"a": "\\ud800"}',
            b'{"a": ["\\udc00x"]}',
            b'{"\\ud800": 1}',
        ],
        ids=lambda text: text[:24].decode(errors="replace"),
    )
    def test_refuses(self, text: bytes) -> None:
        with pytest.raises(ValueError):  # noqa: PT011 - any reason will do
            parse_object(text)
