"""Tests of clientsphere_common.vectors.tenant_filter."""

from __future__ import annotations

import pytest

from clientsphere_common.access.audience import Reader
from clientsphere_common.vectors.schema import UNTOLD, Field, ReadersField, State
from clientsphere_common.vectors.tenant_filter import (
    IsBelow,
    IsOneOf,
    IsWithin,
    Tenant,
    from_before_readers,
    held,
    searchable,
    stored,
    told_before,
)

ACME = Tenant("acme")
OF_ACME = IsOneOf(Field.TENANT_ID, ("acme",))
VISIBLE = IsOneOf(Field.STATE, (State.VISIBLE,))
ANN = Reader(frozenset({"principal:ann", "everyone"}))


class TestTenant:
    def test_an_empty_one_is_refused(self) -> None:
        with pytest.raises(ValueError, match="without a tenant"):
            Tenant("")


class TestSearchable:
    def test_it_is_the_tenants_visible_points_that_admit_the_reader_twice(self) -> None:
        assert searchable(ACME, ANN) == (
            OF_ACME,
            VISIBLE,
            IsOneOf(Field.KNOWLEDGE_BASE_READERS, ("everyone", "principal:ann")),
            IsOneOf(Field.DOCUMENT_READERS, ("everyone", "principal:ann")),
        )

    def test_it_is_nothing_for_a_reader_without_identities(self) -> None:
        nobody = searchable(ACME, Reader(frozenset()))
        assert IsOneOf(Field.DOCUMENT_READERS, ()) in nobody

    def test_it_is_all_of_the_tenant_for_who_reads_everything(self) -> None:
        assert searchable(ACME, Reader(frozenset(), reads_all=True)) == (OF_ACME, VISIBLE)

    def test_knowledge_bases_narrow_it_and_never_widen_it(self) -> None:
        narrowed = searchable(ACME, ANN, ["hr", "sales"])
        only = IsOneOf(Field.KNOWLEDGE_BASE_ID, ("hr", "sales"))
        assert narrowed == (*searchable(ACME, ANN), only)


class TestStored:
    def test_it_is_all_of_the_tenant(self) -> None:
        assert stored(ACME) == (OF_ACME,)

    def test_it_can_be_some_versions_of_a_document(self) -> None:
        assert stored(ACME, "handbook", range(2, 5), visible_only=True) == (
            OF_ACME,
            IsOneOf(Field.DOCUMENT_ID, ("handbook",)),
            IsWithin(Field.VERSION, range(2, 5)),
            VISIBLE,
        )

    def test_an_empty_document_id_is_no_wildcard(self) -> None:
        assert stored(ACME, "") == (OF_ACME, IsOneOf(Field.DOCUMENT_ID, ("",)))


class TestTelling:
    def test_it_is_for_points_of_one_knowledge_base_that_know_less(self) -> None:
        assert told_before(held(ACME, "hr"), ReadersField.OF_KNOWLEDGE_BASE, 4) == (
            OF_ACME,
            IsOneOf(Field.KNOWLEDGE_BASE_ID, ("hr",)),
            IsBelow(Field.KNOWLEDGE_BASE_READERS_REVISION, 4),
        )


class TestTheUpgrade:
    def test_it_is_for_points_of_all_tenants_that_nobody_was_told_the_readers_of(self) -> None:
        assert from_before_readers() == (IsBelow(Field.KNOWLEDGE_BASE_READERS_REVISION, UNTOLD),)
