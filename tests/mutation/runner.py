"""Runs the tests of a target once for each mutant, each in a process that has only that mistake.

    python -m tests.mutation.runner clientsphere_common.vectors.tenant_filter [seconds]

prints what survived of as many as the time is enough for. The module on disk is never changed: the
mutant is what an import finds. The processes are forked from one that has loaded the libraries,
which takes longer than most tests.
"""

from __future__ import annotations

import ast
import gc
import importlib
import importlib.util
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib.abc import MetaPathFinder, SourceLoader
from importlib.machinery import ModuleSpec
from pathlib import Path
from random import Random
from types import ModuleType

import pytest
from hypothesis import Phase, settings

from tests.mutation.mutants import Mutant
from tests.mutation.target import Target
from tests.mutation.targets import target_of

_OURS = (
    *("all_in_one", "audit", "clientsphere", "clientsphere_cli", "clientsphere_common", "conftest"),
    *("gateway", "ingestion", "llm_proxy", "retrieval", "tests", "libs", "services", "cli"),
)
_LONGEST_S = 600.0
_LONGER = 4.0
"""Than without a mistake: who takes as long as that goes round in circles."""
_SHORTEST_S = 30.0
_PAUSE_S = 0.01


@dataclass(frozen=True)
class Outcome:
    tried: int
    survivors: Sequence[str]

    @property
    def killed(self) -> int:
        return self.tried - len(self.survivors)


class _Mistaken(MetaPathFinder):
    """Finds the mutant where the module is looked for."""

    def __init__(self, module: str, path: str, source: str) -> None:
        self._module, self._path, self._source = module, path, source

    def find_spec(
        self, fullname: str, path: object = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._module:
            return None
        loader = _Text(self._path, self._source)
        return importlib.util.spec_from_file_location(fullname, self._path, loader=loader)


class _Text(SourceLoader):
    """Loads `source` as what stands in the file at `path`."""

    def __init__(self, path: str, source: str) -> None:
        self._path, self._source = path, source

    def get_filename(self, fullname: str) -> str:
        return self._path

    def get_data(self, path: str | bytes) -> bytes:
        return self._source.encode()


def try_mutants(target: Target, mutants: Sequence[Mutant], time_s: float) -> Outcome:
    """As many of `mutants` as `time_s` is enough for."""
    path = _file_of(target.module)
    _look_at_the_same_examples()
    _load(_libraries(target))
    started_at = time.monotonic()
    if _tests_fail_in_child(target, lambda: None, _LONGEST_S):
        raise RuntimeError(f"the tests of {target.module} fail without any mistake")
    timeout_s = max(_SHORTEST_S, _LONGER * (time.monotonic() - started_at))
    ends_at, tried, survivors = time.monotonic() + time_s, 0, []
    for mutant in mutants:
        if time.monotonic() > ends_at:
            break
        tried += 1
        mistake = _Mistaken(target.module, path, mutant.source)
        if not _tests_fail_in_child(target, partial(sys.meta_path.insert, 0, mistake), timeout_s):
            survivors.append(str(mutant))
    return Outcome(tried, survivors)


def mutants_that_matter(target: Target) -> list[Mutant]:
    """All that behave differently, in an order in which the first ones are a fair sample."""
    text = Path(_file_of(target.module)).read_text()
    lines = _lines_of(text, target.parts)
    made = [
        one
        for one in target.mutants_of(text)
        if one.line in lines and f"{one.what}: {one.written}" not in target.same
    ]
    Random(0).shuffle(made)
    return made


def _lines_of(text: str, parts: Sequence[str]) -> set[int]:
    """Those of the functions and classes of these names, or all."""
    if not parts:
        return set(range(1, len(text.splitlines()) + 1))
    lines: set[int] = set()
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name in parts:
            lines |= set(range(node.lineno, (node.end_lineno or 0) + 1))
    return lines


def _file_of(module: str) -> str:
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    return spec.origin


def _libraries(target: Target) -> list[str]:
    """What the tests load that is not ours."""
    with tempfile.NamedTemporaryFile() as file:

        def note() -> None:
            _run_tests(target)
            Path(file.name).write_text(json.dumps(list(sys.modules)))
            os._exit(0)

        _in_child(note, _LONGEST_S)
        loaded = json.loads(file.read() or b"[]")
    return [name for name in loaded if name.split(".")[0] not in _OURS]


def _load(names: Sequence[str]) -> None:
    for name in names:
        with suppress(Exception):
            importlib.import_module(name)
    # No child has to look through all of it at every test.
    gc.freeze()


def _tests_fail_in_child(target: Target, prepare: Callable[[], None], timeout_s: float) -> bool:
    def run() -> None:
        prepare()
        os._exit(_run_tests(target))

    return _in_child(run, timeout_s) != 0


def _in_child(act: Callable[[], None], timeout_s: float) -> int:
    """The exit code; not 0 for one that takes too long, or that raises."""
    child = os.fork()
    if child == 0:
        os.setsid()
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        try:
            act()
        finally:
            os._exit(1)
    return _exit_code(child, timeout_s)


def _exit_code(child: int, timeout_s: float) -> int:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(_PAUSE_S)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return 1


def _run_tests(target: Target) -> int:
    for name in list(sys.modules):
        if name.split(".")[0] in _OURS and name not in {"tests.mutation.runner", "__main__"}:
            del sys.modules[name]
    quietly = ["-q", "-x", "--assert=plain", "-p", "no:cacheprovider", *_without_postgres(target)]
    # One by one: most mistakes are noticed before the later ones are even loaded.
    return int(any(pytest.main([*quietly, tests]) for tests in target.tests))


def _without_postgres(target: Target) -> list[str]:
    """The server is only for what speaks to it itself."""
    return [] if ".db." in target.module else ["-k", "not postgres"]


def _look_at_the_same_examples() -> None:
    """For every mutant; and the first one that fails is enough."""
    settings.register_profile("mutants", derandomize=True, phases=[Phase.explicit, Phase.generate])
    settings.load_profile("mutants")


def main(module: str, time_s: str = "3600") -> None:
    target = target_of(module)
    outcome = try_mutants(target, mutants_that_matter(target), float(time_s))
    for survivor in outcome.survivors:
        print(survivor)  # noqa: T201 - the report of a command
    print(json.dumps({"tried": outcome.tried, "killed": outcome.killed}))  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
