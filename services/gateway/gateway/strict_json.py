"""Reads JSON that somebody signed: whatever two readers could understand differently is refused."""

from __future__ import annotations

import json
from typing import NoReturn

MAX_DEPTH = 8
"""Of objects and lists in each other, the outermost object included."""


def parse_object(text: bytes) -> dict[str, object]:
    """The JSON object in `text`.

    Raises ValueError for anything else: other values, a name that comes twice at any depth,
    NaN, Infinity and numbers that would become it, half a surrogate pair, invalid UTF-8, a byte
    order mark, nesting beyond `MAX_DEPTH`.
    """
    try:
        value = _READER.decode(text.decode())
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    if b"\\u" in text:
        # Only an escape can write half a pair, and nothing could send or store it later.
        json.dumps(value, ensure_ascii=False).encode()
    _check_depth(value, MAX_DEPTH)
    return value


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError("a name comes twice")
    return names


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise ValueError("a number beyond every float")
    return number


def _check_depth(value: dict[str, object] | list[object], allowed: int) -> None:
    if not allowed:
        raise ValueError("nested too deeply")
    for inner in value.values() if isinstance(value, dict) else value:
        if isinstance(inner, dict | list):
            _check_depth(inner, allowed - 1)


# One for all: making it takes as long as reading a token with it.
_READER = json.JSONDecoder(
    object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant, parse_float=_finite
)
