"""Tests of clientsphere_common.vectors.tenant_filter."""

from __future__ import annotations

import pytest

from clientsphere_common.vectors.schema import Field, State
from clientsphere_common.vectors.tenant_filter import (
    IsOneOf,
    IsWithin,
    Tenant,
    searchable,
    stored,
)

ACME = Tenant("acme")
OF_ACME = IsOneOf(Field.TENANT_ID, ("acme",))
VISIBLE = IsOneOf(Field.STATE, (State.VISIBLE,))


class TestTenant:
    def test_an_empty_one_is_refused(self) -> None:
        with pytest.raises(ValueError, match="without a tenant"):
            Tenant("")


class TestSearchable:
    def test_it_is_the_tenants_visible_points(self) -> None:
        assert searchable(ACME) == (OF_ACME, VISIBLE)

    def test_knowledge_bases_narrow_it_and_never_widen_it(self) -> None:
        narrowed = searchable(ACME, ["hr", "sales"])
        assert narrowed == (*searchable(ACME), IsOneOf(Field.KNOWLEDGE_BASE_ID, ("hr", "sales")))


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
