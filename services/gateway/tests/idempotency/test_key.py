"""Which lines of the header are a key, and which key."""

from __future__ import annotations

import pytest

from clientsphere_common.errors import InvalidInputError
from gateway.idempotency.key import MAX_CHARS, idempotency_key

UUID = "8e03978e-40d5-43dd-bc93-6894a57f9324"


class TestIdempotencyKey:
    def test_is_none_without_the_header(self) -> None:
        assert idempotency_key([]) is None

    @pytest.mark.parametrize(
        ("line", "key"),
        [
            (f'"{UUID}"', UUID),
            (UUID, UUID),
            (f' "{UUID}" ', UUID),
            ('"two words"', "two words"),
            (r'"a \"quoted\" \\ one"', r'a "quoted" \ one'),
            ("x" * MAX_CHARS, "x" * MAX_CHARS),
        ],
    )
    def test_is_the_string_or_the_bare_token(self, line: str, key: str) -> None:
        assert idempotency_key([line]) == key

    @pytest.mark.parametrize(
        "lines",
        [
            [""],
            ['""'],
            ['"'],
            ['"open'],
            ["two words"],
            ['"a\tb"'],
            ['"café"'],
            ["café"],
            [r'"a\n"'],
            ['"a"; b=c'],
            ['"a", "b"'],
            ["a", "a"],
            ["x" * (MAX_CHARS + 1)],
        ],
    )
    def test_is_refused_when_it_is_neither(self, lines: list[str]) -> None:
        with pytest.raises(InvalidInputError) as refused:
            idempotency_key(lines)
        assert refused.value.code == "idempotency_key_malformed"
