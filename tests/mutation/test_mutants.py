"""The tests notice the mistakes that could be made in what keeps tenants and strangers apart.

A run takes about half a second for each mutant; the databases' targets also start PostgreSQL.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.mutation.data_targets import TENANT_FILTER
from tests.mutation.lua_mutants import lua_mutants_of
from tests.mutation.mutants import mutants_of
from tests.mutation.target import Target
from tests.mutation.targets import TARGETS, target_of

_TIMEOUT_S = 3600.0


def killed_share(target: Target) -> tuple[float, str]:
    """And what the command says of it. In a process of its own: it forks."""
    command = [sys.executable, "-m", "tests.mutation.runner", target.module]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout.splitlines()[-1])
    return counts["killed"] / counts["tried"], done.stdout


def test_no_mistake_in_the_tenant_filter_goes_unnoticed() -> None:
    share, report = killed_share(target_of(TENANT_FILTER))
    assert share == 1.0, report


@pytest.mark.slow
@pytest.mark.timeout(_TIMEOUT_S)
@pytest.mark.parametrize("target", TARGETS, ids=lambda one: one.module)
def test_mistakes_are_noticed(target: Target) -> None:
    share, report = killed_share(target)
    assert share >= target.kept, report


class TestMutants:
    @pytest.mark.parametrize(
        ("written", "mistakes"),
        [
            ("x = a == b", {"x = a != b"}),
            ("x = a < b", {"x = a <= b", "x = a >= b"}),
            ("x = a in b", {"x = a not in b"}),
            ("x = a and b", {"x = a or b", "x = a", "x = b"}),
            ("x = not a", {"x = a"}),
            ("x = [a, b]", {"x = [a]", "x = [b]"}),
            ("x = a + b", {"x = a - b"}),
            ("x = 1", {"x = 2"}),
            ("x = f(k=a)", {"x = f()"}),
            ("x = any(a)", {"x = all(a)"}),
            ("x = [a for a in b if a]", {"x = [a for a in b]"}),
            ("x = Field.VERSION", {"x = Field.TENANT_ID"}),
            ("x = Field.TENANT_ID", {"x = Field.DOCUMENT_ID"}),
            ("def f():\n    return a", {"def f():\n    return None"}),
            ("if a:\n    f()", {"if True:\n    f()", "if False:\n    f()", "if a:\n    pass"}),
            ("raise ValueError('x')", {"pass"}),
        ],
    )
    def test_are_the_mistakes_that_people_make(self, written: str, mistakes: set[str]) -> None:
        assert {mutant.source for mutant in mutants_of(written)} >= mistakes

    def test_tell_which_line_they_change(self) -> None:
        mutants = mutants_of("x = 1\ny = [a for a in b if a]")
        assert {(one.line, one.what) for one in mutants} == {
            (1, "one more"),
            (2, "drop its filter"),
        }

    @pytest.mark.parametrize(
        "written",
        ['"""Words."""', "import a", "log.info('happened', a=1)", "def f(x: A): ..."],
    )
    def test_leave_out_what_is_no_behaviour(self, written: str) -> None:
        assert mutants_of(written) == []


class TestMutantsInLua:
    @pytest.mark.parametrize(
        ("written", "mistakes"),
        [
            ("local a = b + c", {"local a = b - c"}),
            ("local a = b / 1000", {"local a = b * 1000", "local a = b / (1000 + 1)"}),
            ("if a == 1 then", {"if a ~= 1 then", "if true then", "if false then"}),
            ("local a = b and c", {"local a = b or c"}),
            ("local a = math.max(b, c)", {"local a = math.min(b, c)", "local a = select(1, b, c)"}),
            ("redis.call('DEL', KEYS[1])", {"", "redis.call('DEL', KEYS[(1 + 1)])"}),
            ("redis.call('SET', key, a, 'PX', 9)", {"redis.call('SET', key, a)"}),
            ("a = b", {""}),
            ("return a", {"return nil"}),
        ],
    )
    def test_are_the_mistakes_that_people_make(self, written: str, mistakes: set[str]) -> None:
        made = lua_mutants_of(f'_SCRIPT = """\n{written}\n"""')
        assert {mutant.source for mutant in made} >= {
            f'_SCRIPT = """\n{one}\n"""' for one in mistakes
        }

    def test_leave_alone_what_is_in_python(self) -> None:
        assert lua_mutants_of('"""One\n1 + 1\n"""\nx = 1 + 1\nCLOCK = "1 + 1"') == []
