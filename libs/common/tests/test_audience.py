"""Tests of clientsphere_common.access.audience."""

from __future__ import annotations

import pytest

from clientsphere_common.access.audience import EVERYONE, Audience, Reader, audience, reader_of
from clientsphere_common.access.model import Permission
from clientsphere_common.request import Caller

ANN = Caller("acme", "ann", groups=("hr", "board"))


class TestAudience:
    @pytest.mark.parametrize(
        "whom", [EVERYONE, audience(["hr"], ()), audience((), ["ann"]), audience(["x"], ["ann"])]
    )
    def test_has_a_caller_by_any_identity(self, whom: Audience) -> None:
        assert whom.has(ANN)

    @pytest.mark.parametrize(
        "whom",
        [
            Audience(frozenset()),
            audience(["HR", "hr "], ()),
            audience(["ann"], ["hr", "board"]),
            audience(["everyone", "principal:ann"], ["everyone", "group:hr"]),
        ],
    )
    def test_has_nobody_whom_it_does_not_name(self, whom: Audience) -> None:
        assert not whom.has(ANN)

    def test_a_group_cannot_make_somebody_a_principal(self) -> None:
        sly = Caller("acme", "sly", groups=("principal:ann", "ann"))
        assert not audience((), ["ann"]).has(sly)

    def test_tells_what_it_names(self) -> None:
        whom = audience(["b", "a", "everyone"], ["group:x"])
        assert (whom.groups, whom.principals) == (["a", "b", "everyone"], ["group:x"])
        assert not whom.is_everyone
        assert EVERYONE.is_everyone


class TestReaderOf:
    def test_is_everyone_the_principal_and_its_groups(self) -> None:
        known_as = {"everyone", "principal:ann", "group:hr", "group:board"}
        assert reader_of(ANN).identities == known_as
        assert not reader_of(ANN).reads_all
        assert not Reader(frozenset()).reads_all

    @pytest.mark.parametrize("permission", Permission)
    def test_reads_all_by_one_permission_only(self, permission: Permission) -> None:
        caller = Caller("acme", "ann", permissions=frozenset({permission}))
        assert reader_of(caller).reads_all == (permission is Permission.DOCUMENTS_READ_ALL)
