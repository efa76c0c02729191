"""The threat model names tests, modules and settings that are there, and tests for every risk."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "threat-model.md").read_text()
SETTINGS = (ROOT / "docs" / "settings.md").read_text()
API_RISKS = [f"API{number}" for number in range(1, 11)]
LLM_RISKS = [f"LLM{number:02}" for number in range(1, 11)]
PARTS = ("Here", "Control", "Proved by", "Left")
NOTHING = "nothing yet"

_CODE = re.compile(r"`([^`\s]+)`")
_ENTRY = re.compile(r"^### ((?:API|LLM)\d+) (.+?)$\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
_PART = re.compile(r"^- \*\*(.+?)\*\*: (.*?)(?=^- |\Z)", re.MULTILINE | re.DOTALL)
_TEST = re.compile(r"[\w/-]+/test_\w+\.py(?:::\w+)*")
_PACKAGES = {
    module.parent.name: module.parent
    for folder in ("services/*/*", "libs/*/*", "cli/*")
    for module in ROOT.glob(f"{folder}/__init__.py")
}


def _named() -> list[str]:
    """Everything in code marks."""
    return list(dict.fromkeys(_CODE.findall(PAGE)))


def _tests() -> list[str]:
    return [name for name in _named() if _TEST.fullmatch(name)]


def _modules() -> list[str]:
    return [name for name in _named() if name.split(".")[0] in _PACKAGES and "." in name]


def _settings() -> list[str]:
    return [name for name in _named() if name.startswith("CLIENTSPHERE_")]


def _entries() -> dict[str, dict[str, str]]:
    return {risk: dict(_PART.findall(text)) for risk, _, text in _ENTRY.findall(PAGE)}


@cache
def _defined_in(path: Path) -> frozenset[tuple[str, ...]]:
    """Classes and functions, those of classes below their class."""
    definitions = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    top = [one for one in ast.parse(path.read_text()).body if isinstance(one, definitions)]
    inner = {
        (outer.name, one.name)
        for outer in top
        if isinstance(outer, ast.ClassDef)
        for one in outer.body
        if isinstance(one, definitions)
    }
    return frozenset({(one.name,) for one in top} | inner)


def _is_there(test: str) -> bool:
    path, *names = test.split("::")
    file = ROOT / path
    return file.is_file() and (not names or tuple(names) in _defined_in(file))


@pytest.mark.parametrize("test", _tests())
def test_every_test_is_there(test: str) -> None:
    assert _is_there(test)


@pytest.mark.parametrize("module", _modules())
def test_every_module_is_there(module: str) -> None:
    package, *rest = module.split(".")
    path = _PACKAGES[package].joinpath(*rest)
    assert path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


@pytest.mark.parametrize("setting", _settings())
def test_every_setting_is_there(setting: str) -> None:
    assert f"`{setting}`" in SETTINGS


def test_whatever_looks_like_a_file_is_a_test_that_is_looked_for() -> None:
    files = [name for name in _named() if ".py" in name]
    assert files == _tests()


def test_every_risk_of_both_lists_is_treated_in_their_order() -> None:
    assert list(_entries()) == [*API_RISKS, *LLM_RISKS]


@pytest.mark.parametrize("risk", [*API_RISKS, *LLM_RISKS])
class TestEveryRisk:
    def test_has_all_its_parts(self, risk: str) -> None:
        assert tuple(_entries()[risk]) == PARTS

    def test_names_its_tests_or_says_that_there_is_none(self, risk: str) -> None:
        proof = _entries()[risk]["Proved by"]
        assert _TEST.search(proof) or NOTHING in proof


class TestATestThatIsNot:
    def test_is_missed_as_a_file(self) -> None:
        assert not _is_there("tests/docs/test_nothing.py")

    def test_is_missed_by_its_name(self) -> None:
        here = "tests/docs/test_threat_model.py"
        assert _is_there(f"{here}::TestATestThatIsNot::test_is_missed_by_its_name")
        assert not _is_there(f"{here}::TestATestThatIsNot::test_of_another_name")
        assert not _is_there(f"{here}::test_is_missed_by_its_name")
