"""Reads the code of the product for the rules about who may reach what."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).parents[3]
_PACKAGES = (
    "libs/common/clientsphere_common",
    "services/gateway/gateway",
    "services/retrieval/retrieval",
    "services/ingestion/ingestion",
    "services/llm-proxy/llm_proxy",
    "services/audit/audit",
    "services/all-in-one/all_in_one",
    "cli/clientsphere_cli",
)


@dataclass(frozen=True)
class Code:
    """One module of the product."""

    module: str
    tree: ast.Module

    @classmethod
    def of(cls, module: str, text: str) -> Code:
        return cls(module, ast.parse(text))

    def calls(self) -> Iterator[tuple[ast.Call, str]]:
        """Every call, with the last part of the name of what is called."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                yield node, last_name(node.func)

    def imports(self) -> Iterator[tuple[ast.stmt, str]]:
        """Every module and name that is imported, in full."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from ((node, f"{node.module}.{alias.name}") for alias in node.names)

    def functions(self) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
        """With their names as `Class.method`."""
        yield from _functions_in(self.tree, "")


@dataclass(frozen=True)
class Finding:
    module: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.module}:{self.line}: {self.what}"


Reasons = Mapping[str, str]
"""Why something is allowed, by module or by module and function."""


def product() -> list[Code]:
    """Every module that runs in the product; scripts of migrations only change tables."""
    found = []
    for package in _PACKAGES:
        for path in sorted((_ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to((_ROOT / package).parent).with_suffix("").parts)
            if ".migrations.versions." not in name:
                found.append(Code.of(name, path.read_text()))
    return found


def source_of(module: str) -> str:
    """The text of one module of the product."""
    first, *rest = module.split(".")
    parents = [_ROOT / package for package in _PACKAGES if package.endswith(f"/{first}")]
    return parents[0].joinpath(*rest).with_suffix(".py").read_text()


def last_name(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def argument(call: ast.Call, position: int, keyword: str) -> ast.expr | None:
    """What `call` passes there, by either way."""
    named = [one.value for one in call.keywords if one.arg == keyword]
    if named:
        return named[0]
    return call.args[position] if position < len(call.args) else None


def bound_to(function: ast.AST, name: str) -> list[ast.expr]:
    """Everything that `name` is assigned in `function`."""
    return [
        node.value
        for node in ast.walk(function)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and target.id == name
    ]


def annotation_of(function: ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> str:
    """The type of the parameter `name`; empty when there is no such parameter."""
    every = (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
    written = [one.annotation for one in every if one.arg == name and one.annotation]
    return ast.unparse(written[0]) if written else ""


def _functions_in(
    node: ast.AST, prefix: str
) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{prefix}{child.name}", child
        elif isinstance(child, ast.ClassDef):
            yield from _functions_in(child, f"{prefix}{child.name}.")
        elif not isinstance(child, ast.expr):
            yield from _functions_in(child, prefix)
