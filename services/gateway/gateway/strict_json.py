"""Reads JSON that somebody signed: whatever two readers could understand differently is refused."""

from __future__ import annotations

import json
from typing import NoReturn


def parse_object(text: bytes) -> dict[str, object]:
    """The JSON object in `text`.

    Raises ValueError for anything else: other values, a name that comes twice at any depth,
    NaN and Infinity, invalid UTF-8, a byte order mark, nesting beyond the reader's depth.
    """
    try:
        value = json.loads(
            text.decode(), object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant
        )
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError("a name comes twice")
    return names


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
