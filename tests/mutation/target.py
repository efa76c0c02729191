"""What a module must hold out against, and how it is written down."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.mutation.mutants import Mutant, mutants_of

COMMON = "libs/common/tests"
GATEWAY = "services/gateway/tests"


@dataclass(frozen=True)
class Target:
    module: str
    tests: tuple[str, ...]
    """Those that fail soonest come first."""
    parts: tuple[str, ...] = ()
    """The functions and classes that count; empty: all of the module."""
    kept: float = 1.0
    """The share of mutants that must be noticed."""
    same: Mapping[str, str] = field(default_factory=dict)
    """Mutants that behave as the module does, as `what: line`, each with the reason."""
    mutants_of: Callable[[str], list[Mutant]] = mutants_of


def of_types(line: str) -> Mapping[str, str]:
    return {f"without part {part}: {line}": "a name of types" for part in (0, 1)}
