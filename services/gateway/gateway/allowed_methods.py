"""Which methods a path knows: what the answer to another one must list (RFC 9110, 15.5.6)."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.routing import compile_path


class AllowedMethods:
    """The framework itself would name those of the first route that has the path, and no more."""

    def __init__(self, routes: Iterable[str]) -> None:
        """`routes` as the access table names them: method, space, path."""
        split = [route.split(" ", 1) for route in routes]
        self._paths = [(compile_path(path)[0], method) for method, path in split]

    def of(self, path: str) -> str:
        """For the header `Allow`."""
        return ", ".join(sorted({method for regex, method in self._paths if regex.match(path)}))
