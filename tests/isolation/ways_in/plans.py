"""Which ids a request has, and where: what the API's own description and a recipe say together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.isolation.ways_in.recipes import IDS, KINDS, METHODS, PLAIN, ROUTES, Id, Recipe, Word

_IN_PATH = re.compile(r"{(\w+)}")
_LOOKS_LIKE_IDS = ("_id", "_ids")
_WHERE = "tests/isolation/ways_in/recipes.py"


class RecipeMissingError(AssertionError):
    """The suite does not know how to use a route or a method; says what to add."""


@dataclass(frozen=True)
class Slot:
    """A place of a request where an id goes."""

    place: str
    """`path`, `query`, `header` or `body`."""
    name: str
    kind: str


@dataclass(frozen=True)
class Operation:
    """Of the OpenAPI document."""

    route: str
    parameters: Sequence[tuple[str, str]]
    """Place and name."""
    has_body: bool
    body_fields: frozenset[str]
    """Names of all its fields, nested ones too."""
    successes: frozenset[int]


@dataclass(frozen=True)
class Plan:
    """One way to use a route or a method."""

    name: str
    recipe: Recipe
    slots: tuple[Slot, ...]

    @property
    def needs_key(self) -> bool:
        """Whether the caller's API key is part of the body."""
        return Word.OWN_KEY in (self.recipe.body or {}).values()


def operations_of(document: Mapping[str, Any]) -> dict[str, Operation]:
    """By their names in the access table."""
    found = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            route = f"{method.upper()} {path}"
            media_types = operation.get("requestBody", {}).get("content", {}).values()
            fields = {name for one in media_types for name in _fields(document, one["schema"])}
            found[route] = Operation(
                route,
                [_named(document, one) for one in operation.get("parameters", ())],
                bool(media_types),
                frozenset(fields),
                frozenset(int(code) for code in operation["responses"] if code.startswith("2")),
            )
    return found


def plans_of_route(route: str, operation: Operation | None) -> list[Plan]:
    """`operation` is None for a page that is not part of the API. Raises RecipeMissingError."""
    if operation is None:
        return [Plan(route, Recipe(), ())]
    if operation.has_body and route not in ROUTES:
        raise RecipeMissingError(f"{route} takes a body: add a recipe to ROUTES in {_WHERE}.")
    slots = [slot for slot in map(_parameter(route), operation.parameters) if slot]
    recipes = ROUTES.get(route, [Recipe()])
    plans = [Plan(route, one, _slots_of(slots, one)) for one in recipes]
    require_ids(route, operation.body_fields, plans)
    return plans


def _slots_of(parameters: Sequence[Slot], recipe: Recipe) -> tuple[Slot, ...]:
    """A form that has a field of the query says it in the form alone."""
    of_body = slots_of_body(recipe.body)
    given = {slot.name for slot in of_body}
    return (*(slot for slot in parameters if slot.name not in given), *of_body)


def plans_of_method(method: str, fields: frozenset[str]) -> list[Plan]:
    """`fields` are those of its message, nested ones too. Raises RecipeMissingError."""
    if method not in METHODS:
        raise RecipeMissingError(f"{method} has no recipe: add one to METHODS in {_WHERE}.")
    plans = [Plan(method, one, slots_of_body(one.body)) for one in METHODS[method]]
    require_ids(method, fields, plans)
    return plans


def slots_of_body(body: Mapping[str, Any] | None) -> tuple[Slot, ...]:
    return tuple(_slots_within(body, ""))


def require_ids(name: str, fields: frozenset[str], plans: Sequence[Plan]) -> None:
    """Raises RecipeMissingError for a field that looks like an id and never gets one."""
    given = {part for plan in plans for slot in plan.slots for part in slot.name.split(".")}
    for field in fields - given - PLAIN:
        if field in IDS or field.endswith(_LOOKS_LIKE_IDS):
            raise RecipeMissingError(
                f"{name} has a field {field!r}, which no recipe fills: put an Id(...) of its kind"
                f" into a recipe of {name} in {_WHERE}."
            )


def require_kinds() -> None:
    """Raises RecipeMissingError for a kind that nothing is known about."""
    for name, kind in IDS.items():
        if kind not in KINDS:
            raise RecipeMissingError(f"{name!r} is of the kind {kind!r}: add it to KINDS.")


def _parameter(route: str) -> Any:
    def slot(parameter: tuple[str, str]) -> Slot | None:
        place, name = parameter
        if name in IDS:
            return Slot(place, name, IDS[name])
        if place != "path" and name in PLAIN:
            return None
        raise RecipeMissingError(
            f"{route} has the {place} parameter {name!r}, of which nothing is known: add it to IDS"
            f" in {_WHERE} when it is an id"
            + (", or to PLAIN when it names nothing of a tenant." if place != "path" else ".")
        )

    return slot


def _slots_within(value: Any, path: str) -> Iterator[Slot]:
    if isinstance(value, Id):
        yield Slot("body", path, value.kind)
    elif isinstance(value, Mapping):
        for name, one in value.items():
            yield from _slots_within(one, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _slots_within(one, f"{path}.{index}")


def _named(document: Mapping[str, Any], parameter: Mapping[str, Any]) -> tuple[str, str]:
    """Place and name."""
    if "$ref" in parameter:
        return _named(document, _referred(document, parameter["$ref"]))
    return parameter["in"], parameter["name"]


def _fields(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    if "$ref" in schema:
        yield from _fields(document, _referred(document, schema["$ref"]))
    for name, one in schema.get("properties", {}).items():
        yield name
        yield from _fields(document, one)
    for key in ("anyOf", "allOf", "oneOf", "prefixItems"):
        for one in schema.get(key, ()):
            yield from _fields(document, one)
    if isinstance(schema.get("items"), Mapping):
        yield from _fields(document, schema["items"])


def _referred(document: Mapping[str, Any], reference: str) -> Mapping[str, Any]:
    found: Any = document
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return dict(found)
