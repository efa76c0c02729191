"""Makes the mistakes that people make, one at a time: each mutant is a module with one of them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any

Change = tuple[str, Callable[[], ast.AST]]
"""What is done to a node, and the node that comes in its place."""

_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Mod: ast.Add,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
_OTHERS = {
    "Field": ("TENANT_ID", "DOCUMENT_ID"),
    "State": ("VISIBLE", "STAGED"),
}
"""Of enumerations: the member that takes the place of all others, and the one in its own place."""
_CALLS = {"any": "all", "all": "any"}


@dataclass(frozen=True)
class Mutant:
    line: int
    written: str
    """The line that is changed, as it was."""
    what: str
    source: str

    def __str__(self) -> str:
        return f"{self.line}: {self.what}: {self.written}"


@dataclass(frozen=True)
class _Place:
    parent: ast.AST
    field: str
    index: int | None

    @property
    def node(self) -> ast.AST:
        value = getattr(self.parent, self.field)
        found: ast.AST = value if self.index is None else value[self.index]
        return found

    def put(self, node: ast.AST) -> None:
        if self.index is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.index] = node


def mutants_of(text: str) -> list[Mutant]:
    """In the order of their lines."""
    tree, lines = ast.parse(text), text.splitlines()
    made = []
    for number, place in enumerate(_places(tree)):
        for which, (what, _) in enumerate(_changes(place.node)):
            copy = deepcopy(tree)
            copied = _places(copy)[number]
            copied.put(list(_changes(copied.node))[which][1]())
            line = _line_of(place.node)
            source = ast.unparse(ast.fix_missing_locations(copy))
            made.append(Mutant(line, lines[line - 1].strip(), what, source))
    return sorted(made, key=lambda one: (one.line, one.what))


def _line_of(node: Any) -> int:
    """Comprehensions do not tell theirs, but what they go through does."""
    line: int = (node.iter if isinstance(node, ast.comprehension) else node).lineno
    return line


def _places(node: ast.AST) -> list[_Place]:
    """Everything that may be changed: no types, no names of things, no words for people."""
    return list(_places_in(node))


def _places_in(node: ast.AST) -> Iterator[_Place]:
    for field, value in ast.iter_fields(node):
        if field in {"annotation", "returns", "decorator_list", "bases"}:
            continue
        for index, one in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(one, ast.AST) or _is_for_people(one):
                continue
            yield _Place(node, field, index)
            if not isinstance(one, ast.Raise):
                yield from _places_in(one)


def _is_for_people(node: ast.AST) -> bool:
    """Imports, docstrings and log lines: no behaviour that a test should hold on to."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return True
    if not isinstance(node, ast.Expr):
        return False
    is_log = ast.unparse(node.value).startswith("log.")
    return is_log or isinstance(node.value, ast.Constant)


def _changes(node: ast.AST) -> list[Change]:
    """None for most nodes."""
    return [change for kind, make in _KINDS if isinstance(node, kind) for change in make(node)]


def _of_not(node: Any) -> Iterator[Change]:
    if isinstance(node.op, ast.Not):
        yield "drop not", lambda: node.operand


def _of_branch(node: Any) -> Iterator[Change]:
    for value in (True, False):
        yield f"if {value}", _with(node, test=ast.Constant(value))


def _of_operation(node: Any) -> Iterator[Change]:
    if type(node.op) in _OPERATORS:
        other = _OPERATORS[type(node.op)]
        yield f"{other.__name__} for it", _with(node, op=other())


def _of_return(node: Any) -> Iterator[Change]:
    if node.value is not None and ast.unparse(node.value) != "None":
        yield "return None", _with(node, value=ast.Constant(None))


def _of_statement(node: Any) -> Iterator[Change]:
    yield "drop it", ast.Pass


def _of_several(node: Any) -> Iterator[Change]:
    if len(node.elts) > 1:
        yield from _without_one(node, "elts")


def _of_filter(node: Any) -> Iterator[Change]:
    if node.ifs:
        yield "drop its filter", _with(node, ifs=[])


def _of_member(node: Any) -> Iterator[Change]:
    if isinstance(node.value, ast.Name) and node.value.id in _OTHERS:
        first, second = _OTHERS[node.value.id]
        member = second if node.attr == first else first
        yield f"{node.value.id}.{member} for it", _with(node, attr=member)


def _of_comparison(node: Any) -> Iterator[Change]:
    for other in _COMPARISONS[type(node.ops[0])]:
        yield f"{other.__name__} for it", _with(node, ops=[other(), *node.ops[1:]])


def _of_condition(node: Any) -> Iterator[Change]:
    other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    yield f"{type(other).__name__} for it", _with(node, op=other)
    if len(node.values) == 2:
        for index, value in enumerate(node.values):
            yield f"only operand {index}", partial(_itself, value)
    else:
        yield from _without_one(node, "values")


def _of_constant(node: Any) -> Iterator[Change]:
    value = node.value
    if isinstance(value, bool):
        yield f"{not value} for it", _with(node, value=not value)
    elif isinstance(value, int | float):
        yield "one more", _with(node, value=value + 1)
    elif isinstance(value, str | bytes) and value:
        other: object = f"{value}?" if isinstance(value, str) else value + b"?"
        yield "another text", _with(node, value=other)


def _of_call(node: Any) -> Iterator[Change]:
    if isinstance(node.func, ast.Name) and node.func.id in _CALLS:
        other = ast.Name(_CALLS[node.func.id], ast.Load())
        yield f"{other.id} for it", _with(node, func=other)
    for index, keyword in enumerate(node.keywords):
        rest = [*node.keywords[:index], *node.keywords[index + 1 :]]
        yield f"without {keyword.arg}", _with(node, keywords=rest)
    if len(node.args) > 1 and all(isinstance(one, ast.Compare) for one in node.args[1:]):
        yield from _without_one(node, "args")


def _without_one(node: ast.AST, field: str) -> Iterator[Change]:
    every = getattr(node, field)
    for index in range(len(every)):
        rest = [*every[:index], *every[index + 1 :]]
        yield f"without part {index}", _with(node, **{field: rest})


def _with(node: ast.AST, **changed: object) -> Callable[[], ast.AST]:
    def make() -> ast.AST:
        fields = {**dict(ast.iter_fields(node)), **changed}
        return ast.copy_location(type(node)(**fields), node)

    return make


def _itself(node: ast.AST) -> ast.AST:
    return node


_KINDS: tuple[tuple[Any, Callable[[Any], Iterator[Change]]], ...] = (
    (ast.Compare, _of_comparison),
    (ast.BoolOp, _of_condition),
    (ast.UnaryOp, _of_not),
    (ast.If | ast.IfExp, _of_branch),
    (ast.Constant, _of_constant),
    (ast.BinOp, _of_operation),
    (ast.Return, _of_return),
    (ast.Raise | ast.AugAssign | ast.Expr, _of_statement),
    (ast.Tuple | ast.List | ast.Set, _of_several),
    (ast.comprehension, _of_filter),
    (ast.Call, _of_call),
    (ast.Attribute, _of_member),
)
