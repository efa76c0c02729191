"""A version stands for what is shown, and a change for another version is refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from clientsphere_common.errors import PreconditionFailedError
from clientsphere_common.versions import UNCONDITIONAL, Precondition, version_of

AT = datetime(2026, 11, 22, tzinfo=UTC)


@dataclass(frozen=True)
class Thing:
    names: frozenset[str]
    at: datetime = AT


class TestVersionOf:
    def test_is_the_same_for_the_same_facts(self) -> None:
        some, same = (Thing(frozenset(names)) for names in (["a", "b", "c"], ["c", "b", "a"]))
        assert version_of(some) == version_of(same)
        assert len(version_of(some)) == 32

    def test_is_another_for_other_facts(self) -> None:
        things = [Thing(frozenset("a")), Thing(frozenset("b")), Thing(frozenset("a"), AT.max)]
        shown = [*[(one,) for one in things], ("a", "b"), ("ab",), (None,), ()]
        assert len({version_of(*one) for one in shown}) == len(shown)

    def test_is_never_of_what_cannot_be_shown(self) -> None:
        with pytest.raises(TypeError, match="a bytes has no version"):
            version_of(b"secret")


class TestPrecondition:
    def test_holds_for_any_of_its_versions(self) -> None:
        Precondition(frozenset({"1", "2"})).require("2")
        UNCONDITIONAL.require("3")

    @pytest.mark.parametrize("versions", [frozenset({"1", "2"}), frozenset()])
    def test_holds_for_no_other(self, versions: frozenset[str]) -> None:
        with pytest.raises(PreconditionFailedError) as refused:
            Precondition(versions).require("3")
        assert refused.value.code == "precondition_failed"
