"""Tests of clientsphere_common.vectors.points."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from clientsphere_common.vectors.model import Chunk, FoundPassage
from clientsphere_common.vectors.points import (
    latest_versions,
    point_id,
    searchable_text,
    to_passage,
    to_payload,
)
from clientsphere_common.vectors.schema import Field, State
from clientsphere_common.vectors.tenant_filter import Tenant
from tests.contract.passage_chunks import chunk

ACME = Tenant("acme")


def passage(document: str, version: int) -> FoundPassage:
    found = chunk("text", document=document, version=version)
    return to_passage(to_payload(ACME, found), 1.0)


class TestPointId:
    def test_it_never_changes_from_release_to_release(self) -> None:
        assert point_id(ACME, chunk("text")) == "9622d0a5-c974-56cc-ae75-c06c9aa80d0c"

    def test_it_is_a_uuid_made_of_names(self) -> None:
        assert UUID(point_id(ACME, chunk("text"))).version == 5

    def test_it_depends_on_the_place_of_a_chunk_and_not_on_its_text(self) -> None:
        assert point_id(ACME, chunk("one")) == point_id(ACME, chunk("other"))

    @pytest.mark.parametrize(
        ("tenant", "changes"),
        [
            ("globex", {}),
            ("acme", {"document_id": "prices"}),
            ("acme", {"version": 2}),
            ("acme", {"chunk_index": 1}),
        ],
    )
    def test_another_place_is_another_point(self, tenant: str, changes: dict[str, object]) -> None:
        elsewhere = replace(chunk("text"), **changes)  # type: ignore[arg-type] # of several types
        assert point_id(Tenant(tenant), elsewhere) != point_id(ACME, chunk("text"))

    def test_names_that_run_together_stay_apart(self) -> None:
        one = point_id(Tenant("ab"), chunk("text", document="c"))
        other = point_id(Tenant("a"), chunk("text", document="bc"))
        assert one != other


class TestSearchableText:
    def test_headings_come_before_the_text(self) -> None:
        assert searchable_text(chunk("text", headings=["A", "B"])) == "A\nB\ntext"

    def test_without_headings_it_is_the_text(self) -> None:
        assert searchable_text(chunk("text")) == "text"


class TestPayload:
    def test_a_passage_has_all_that_its_chunk_had(self) -> None:
        stored = Chunk(
            document_id="handbook",
            version=3,
            chunk_index=7,
            knowledge_base_id="hr",
            document_name="handbook.pdf",
            text="Vacation is 25 days.",
            page=12,
            heading_path=("Time off", "Vacation"),
            start=100,
            end=120,
        )
        found = to_passage(to_payload(ACME, stored), 0.5)
        assert found == FoundPassage(**vars(stored), score=0.5)

    def test_a_new_point_is_staged(self) -> None:
        assert to_payload(ACME, chunk("text"))[Field.STATE] == State.STAGED

    def test_it_has_every_field(self) -> None:
        assert set(to_payload(ACME, chunk("text"))) == set(Field)


class TestLatestVersions:
    def test_the_lower_version_of_a_document_is_dropped(self) -> None:
        found = [passage("handbook", 1), passage("handbook", 2), passage("handbook", 1)]
        assert latest_versions(found) == [passage("handbook", 2)]

    def test_documents_do_not_outdate_each_other(self) -> None:
        found = [passage("handbook", 1), passage("prices", 9)]
        assert latest_versions(found) == found

    def test_the_order_stays(self) -> None:
        found = [passage("b", 1), passage("a", 1), passage("b", 1)]
        assert latest_versions(found) == found
