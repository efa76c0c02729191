"""No adapter is reachable without its contract suite.

The settings choose among what the `assembly.py` of a port makes. Each adapter that is made there
has to be made in this folder, too: by its class, or by a function of the assembly that chooses
nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import clientsphere_common

COMMON = Path(clientsphere_common.__file__).parent
CONTRACT = Path(__file__).parent
PORTS = {"cache", "db", "events", "objects", "rate_limits", "secrets", "vectors"}
ASSEMBLED = sorted(file.parent.name for file in COMMON.glob("*/assembly.py"))
_CHOICES = (ast.If, ast.IfExp, ast.Match)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def without_suite(package: Path, suites: Path) -> set[str]:
    """The adapters of the package that no module of the folder `suites` makes."""
    called = {name for module in parsed(suites) for name in calls(module)}
    made_by_them = {
        name
        for function in ast.walk(assembly(package))
        if isinstance(function, _FUNCTIONS) and function.name in called and not chooses(function)
        for name in calls(function)
    }
    return adapters(package) - called - made_by_them


def adapters(package: Path) -> set[str]:
    """What the assembly makes and either stands for a protocol of the package, or is opened."""
    classes = {
        node.name: node
        for module in parsed(package)
        for node in module.body
        if isinstance(node, ast.ClassDef)
    }
    protocols = [name for name in classes if is_protocol(classes[name])]
    made = calls(assembly(package)) & classes.keys()
    return {
        name
        for name in made
        if name in opened(assembly(package))
        or any(methods(protocol, classes) <= methods(name, classes) for protocol in protocols)
    }


def assembly(package: Path) -> ast.Module:
    return ast.parse((package / "assembly.py").read_text())


def parsed(folder: Path) -> Iterator[ast.Module]:
    for file in sorted(folder.rglob("*.py")):
        yield ast.parse(file.read_text())


def calls(node: ast.AST) -> set[str]:
    found = (one.func for one in ast.walk(node) if isinstance(one, ast.Call))
    return {function.id for function in found if isinstance(function, ast.Name)}


def chooses(function: ast.AST) -> bool:
    return any(isinstance(node, _CHOICES) for node in ast.walk(function))


def opened(module: ast.Module) -> set[str]:
    """X of every Opened[X]."""
    return {
        node.slice.id
        for node in ast.walk(module)
        if isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Name)
        and node.value.id == "Opened"
        and isinstance(node.slice, ast.Name)
    }


def is_protocol(node: ast.ClassDef) -> bool:
    return "Protocol" in bases(node)


def bases(node: ast.ClassDef) -> set[str]:
    return {base.id for base in node.bases if isinstance(base, ast.Name)}


def methods(name: str, classes: dict[str, ast.ClassDef]) -> set[str]:
    """With those of the bases, as far as they are of the package."""
    node = classes[name]
    own = {one.name for one in node.body if isinstance(one, _FUNCTIONS)}
    inherited = [methods(base, classes) for base in bases(node) & classes.keys()]
    return {method for method in own.union(*inherited) if not method.startswith("_")}


@pytest.mark.parametrize("package", ASSEMBLED)
def test_every_adapter_has_its_suite(package: str) -> None:
    assert without_suite(COMMON / package, CONTRACT) == set()


@pytest.mark.parametrize("port", sorted(PORTS))
def test_every_port_has_adapters(port: str) -> None:
    assert adapters(COMMON / port)


def test_what_the_settings_choose_between_is_found() -> None:
    assert adapters(COMMON / "events") >= {"KafkaEventLog", "SqliteEventLog"}
    assert adapters(COMMON / "rate_limits") == {
        "InProcessRateLimiter",
        "RateLimiterWithFallback",
        "RedisRateLimiter",
    }


class TestOnASample:
    """A port of two adapters, one of which is inherited from the other."""

    @pytest.fixture
    def package(self, tmp_path: Path) -> Path:
        folder = tmp_path / "notes"
        folder.mkdir()
        (folder / "ports.py").write_text(
            "class Notes(Protocol):\n    async def read(self, name: str) -> str: ...\n"
        )
        (folder / "stone.py").write_text(
            "class StoneNotes:\n    async def read(self, name: str) -> str: ...\n"
            "class Chisel:\n    def cut(self) -> None: ...\n"
        )
        (folder / "paper.py").write_text("class PaperNotes(StoneNotes):\n    pass\n")
        (folder / "assembly.py").write_text(
            "def open_notes(settings: Settings) -> Opened[Notes]:\n"
            "    return paper() if settings.paper else Opened(StoneNotes(Chisel()))\n"
            "def paper() -> Opened[Notes]:\n"
            "    return Opened(PaperNotes())\n"
        )
        return folder

    @pytest.mark.parametrize(
        ("suite", "missed"),
        [
            ("StoneNotes(chisel)\nPaperNotes()", set()),
            ("StoneNotes(chisel)\npaper()", set()),
            ("StoneNotes(chisel)", {"PaperNotes"}),
            ("from notes import StoneNotes, PaperNotes", {"StoneNotes", "PaperNotes"}),
            ("open_notes(settings)", {"StoneNotes", "PaperNotes"}),
        ],
    )
    def test_an_adapter_that_no_suite_makes_is_missed(
        self, package: Path, tmp_path: Path, suite: str, missed: set[str]
    ) -> None:
        suites = tmp_path / "contract"
        suites.mkdir()
        (suites / "test_notes.py").write_text(suite)
        assert without_suite(package, suites) == missed
