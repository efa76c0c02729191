"""Finds the route of a request before the framework does, for those that stand in front of it."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.types import Scope


class RouteNames:
    """`names` as the access table has them: `GET /v1/documents/{document_id}`."""

    def __init__(self, names: Iterable[str]) -> None:
        self._by_shape: dict[tuple[str, int], list[tuple[str, tuple[str, ...]]]] = {}
        for name in names:
            method, _, path = name.partition(" ")
            parts = tuple(path.split("/"))
            self._by_shape.setdefault((method, len(parts)), []).append((name, parts))

    def of(self, scope: Scope) -> str:
        """Empty when there is none."""
        parts = scope["path"].split("/")
        for name, pattern in self._by_shape.get((scope["method"], len(parts)), ()):
            if all(_fits(*pair) for pair in zip(pattern, parts, strict=True)):
                return name
        return ""


def _fits(pattern: str, part: str) -> bool:
    return pattern == part or (pattern.startswith("{") and bool(part))
