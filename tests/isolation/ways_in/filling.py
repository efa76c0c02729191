"""Makes a request out of a plan: puts ids and new words where the recipe has places for them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.isolation.ways_in.plans import Plan, Slot
from tests.isolation.ways_in.recipes import Id, Word

_numbers = itertools.count(1)
Ids = Mapping[Slot, str]


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    json: Any = None
    form: dict[str, str] = field(default_factory=dict)
    file: bytes = b""


def request_of(plan: Plan, ids: Ids, own_key: str) -> Request:
    method, path = plan.name.split(" ")
    for slot in plan.slots:
        if slot.place == "path":
            path = path.replace(f"{{{slot.name}}}", ids[slot])
    body = filled(plan.recipe.body, ids, own_key)
    is_form = bool(plan.recipe.file)
    return Request(
        method,
        path,
        _named(ids, "query"),
        _named(ids, "header"),
        json=None if is_form else body,
        form=body or {} if is_form else {},
        file=plan.recipe.file,
    )


def filled(value: Any, ids: Ids, own_key: str = "") -> Any:
    """`value` of a recipe with the id of each body slot, and a new word for each Word."""
    of_body = {slot.name: one for slot, one in ids.items() if slot.place == "body"}
    words: dict[Word, Callable[[], str]] = {
        Word.NEW_NAME: lambda: f"thing {next(_numbers)}",
        Word.NEW_URL: lambda: f"https://login-{next(_numbers)}.example",
        Word.OWN_KEY: lambda: own_key,
    }

    def fill(part: Any, path: str) -> Any:
        if isinstance(part, Id):
            return of_body[path]
        if isinstance(part, Word):
            return words[part]()
        if isinstance(part, Mapping):
            return {k: fill(one, f"{path}.{k}" if path else k) for k, one in part.items()}
        if isinstance(part, list):
            return [fill(one, f"{path}.{index}") for index, one in enumerate(part)]
        return part

    return fill(value, "")


def _named(ids: Ids, place: str) -> dict[str, str]:
    return {slot.name: one for slot, one in ids.items() if slot.place == place}
