"""Tests of clientsphere_common.vectors.edge.shard: what only the engine itself can show."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from qdrant_edge import EdgeShard, KeywordIndexParams, UpdateOperation

from clientsphere_common.access.audience import Audience
from clientsphere_common.vectors.edge.shard import Backlog, PassageShard
from clientsphere_common.vectors.edge.translation import to_filter
from clientsphere_common.vectors.model import Readers
from clientsphere_common.vectors.points import to_readers
from clientsphere_common.vectors.schema import FIELD_INDEXES, Field, ReadersField, State
from clientsphere_common.vectors.tenant_filter import Tenant, stored
from tests.contract.passage_chunks import DIMENSION, OPEN, chunk, chunks, question, versions

ACME = Tenant("acme")


@pytest.fixture
def shard(tmp_path: Path) -> Iterator[PassageShard]:
    opened = PassageShard(tmp_path / "shard", DIMENSION)
    yield opened
    opened.close()


class TestOpening:
    def test_what_was_stored_is_there_again(self, shard: PassageShard, tmp_path: Path) -> None:
        shard.add(ACME, chunks(3))
        shard.activate(ACME, "handbook", 1, OPEN)
        shard.flush()
        shard.close()
        again = PassageShard(tmp_path / "shard", DIMENSION)
        assert len(again.search(ACME, question())) == 3
        again.close()

    def test_every_field_that_filters_has_an_index(
        self, shard: PassageShard, tmp_path: Path
    ) -> None:
        shard.close()
        engine = EdgeShard.load(str(tmp_path / "shard"))
        schema = engine.info().payload_schema
        engine.close()
        assert set(schema) == set(FIELD_INDEXES)
        tenant = schema[Field.TENANT_ID].params
        assert isinstance(tenant, KeywordIndexParams)
        assert tenant.is_tenant


class TestUpgrade:
    """A shard of a release that knew of no readers."""

    @pytest.fixture
    def old_shard(self, shard: PassageShard, tmp_path: Path) -> Path:
        shard.add(ACME, chunks(3))
        shard.activate(ACME, "handbook", 1, OPEN)
        shard.close()
        folder = tmp_path / "shard"
        engine = EdgeShard.load(str(folder))
        for field in (field for place in ReadersField for field in place.value):
            everything = to_filter(())
            engine.update(UpdateOperation.delete_payload_by_filter(everything, [field]))
            engine.update(UpdateOperation.delete_field_index(field))
        engine.close()
        return folder

    def test_what_everybody_found_everybody_finds(self, old_shard: Path) -> None:
        shard = PassageShard(old_shard, DIMENSION)
        assert len(shard.search(ACME, question())) == 3
        shard.close()

    def test_it_can_be_narrowed_and_is_never_widened_again(self, old_shard: Path) -> None:
        shard = PassageShard(old_shard, DIMENSION)
        nobody = Readers(Audience(frozenset()), 1)
        shard.set_readers(stored(ACME, "handbook"), ReadersField.OF_DOCUMENT, nobody)
        shard.close()
        again = PassageShard(old_shard, DIMENSION)
        assert again.search(ACME, question()) == []
        again.close()


class TestSearch:
    def test_two_visible_versions_never_mix(self, shard: PassageShard) -> None:
        shard.add(ACME, [*chunks(3), *chunks(3, version=2)])
        self._stop_an_activation_between_its_steps(shard)
        assert versions(shard.search(ACME, question())) == {2}

    def test_repeating_an_activation_finishes_it(self, shard: PassageShard) -> None:
        shard.add(ACME, [*chunks(3), *chunks(3, version=2)])
        self._stop_an_activation_between_its_steps(shard)
        assert shard.activate(ACME, "handbook", 2, OPEN) == 3
        assert shard.count(stored(ACME)) == 3

    def _stop_an_activation_between_its_steps(self, shard: PassageShard) -> None:
        both = to_filter(stored(ACME, "handbook"))
        shard._shard.update(
            UpdateOperation.set_payload_by_filter(
                both, {Field.STATE: State.VISIBLE, **to_readers(OPEN)}
            )
        )


class TestActivation:
    """The rest of it stands in the suite for all indexes."""

    def test_a_late_lower_version_is_removed_instead(self, shard: PassageShard) -> None:
        shard.add(ACME, [*chunks(3), *chunks(3, version=2)])
        shard.activate(ACME, "handbook", 2, OPEN)
        shard.add(ACME, chunks(3))
        assert shard.activate(ACME, "handbook", 1, OPEN) == 0
        assert shard.count(stored(ACME)) == 3

    def test_a_version_without_chunks_changes_nothing(self, shard: PassageShard) -> None:
        shard.add(ACME, chunks(3))
        assert shard.activate(ACME, "handbook", 2, OPEN) == 0
        assert shard.count(stored(ACME)) == 3


class TestOptimising:
    def test_every_point_added_or_removed_makes_it_more_worthwhile(
        self, shard: PassageShard
    ) -> None:
        shard.add(ACME, [*chunks(30), *chunks(10, document="prices")])
        shard.remove(stored(ACME, "handbook"))
        assert shard.backlog() == Backlog(points=10, changes=40 + 30)

    def test_after_a_restart_the_points_without_a_graph_are_counted(
        self, shard: PassageShard, tmp_path: Path
    ) -> None:
        shard.add(ACME, chunks(30))
        shard.close()
        again = PassageShard(tmp_path / "shard", DIMENSION)
        assert again.backlog() == Backlog(points=30, changes=30)
        again.close()

    def test_nothing_is_lost_and_removed_points_stay_removed(self, shard: PassageShard) -> None:
        shard.add(ACME, [*chunks(1500), *chunks(1500, document="prices")])
        shard.activate(ACME, "handbook", 1, OPEN)
        shard.remove(stored(ACME, "prices"))
        shard.optimise()
        assert shard.count(stored(ACME, visible_only=True)) == shard.count(stored(ACME)) == 1500
        assert shard.search(ACME, question("number77", limit=1))[0].chunk_index == 77

    def test_an_optimised_document_can_be_replaced(self, shard: PassageShard) -> None:
        shard.add(ACME, [*chunks(1500), *chunks(1500, document="prices")])
        shard.activate(ACME, "handbook", 1, OPEN)
        shard.remove(stored(ACME, "prices"))
        shard.optimise()
        shard.add(ACME, [chunk("second edition", version=2)])
        assert shard.activate(ACME, "handbook", 2, OPEN) == 1
        assert shard.count(stored(ACME)) == 1
