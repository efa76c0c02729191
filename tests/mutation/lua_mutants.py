"""Makes the mistakes that people make in what a module has Redis do, one at a time."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.mutation.mutants import Mutant

_MISTAKES = (
    (r" == ", " ~= "),
    (r" > ", " >= "),
    (r" > ", " <= "),
    (r" \+ ", " - "),
    (r" - ", " + "),
    (r" \* ", " + "),
    (r" / ", " * "),
    (r" and ", " or "),
    (r" or ", " and "),
    (r"\btrue\b", "false"),
    (r"if .* then", "if true then"),
    (r"if .* then", "if false then"),
    (r"(?<![\w.])\d+", r"(\g<0> + 1)"),
    (r"math\.max\(", "math.min("),
    (r"math\.min\(", "math.max("),
    # Of what it chooses from, always the same.
    (r"math\.(max|min)\(", "select(1, "),
    (r"math\.(max|min)\(", "select(2, "),
    (r"math\.ceil\(", "math.floor("),
    # Kept for ever.
    (r", 'PX', .*\)$", ")"),
    (r"return .*", "return nil"),
    (r"^ *(redis\.call|owe|hold)\(.*", ""),
    (r"^ *[\w\[\]]+ = .*", ""),
)
"""What is found in a line, and what comes in its place."""


def lua_mutants_of(text: str) -> list[Mutant]:
    """Of a module whose texts of several lines are all in Lua, in the order of their lines."""
    lines, made = text.splitlines(), []
    for number in _numbers_of_lua(text):
        written = lines[number - 1]
        for what, mistaken in _mistakes_in(written):
            source = "\n".join([*lines[: number - 1], mistaken, *lines[number:]])
            made.append(Mutant(number, written.strip(), what, source))
    return made


def _numbers_of_lua(text: str) -> Iterator[int]:
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            yield from range(node.lineno + 1, node.value.end_lineno or 0)


def _mistakes_in(line: str) -> Iterator[tuple[str, str]]:
    for pattern, replacement in _MISTAKES:
        for found in re.finditer(pattern, line):
            other = found.expand(replacement)
            what = f"{other.strip()} for {found[0].strip()}" if other else "drop it"
            yield what, line[: found.start()] + other + line[found.end() :]
