"""Tests of clientsphere_common.vectors.edge.folder."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from clientsphere_common.vectors.edge.folder import IndexFolder, IndexFolderError


def folder_at(root: Path) -> IndexFolder:
    return IndexFolder(root, lock_wait_s=0.05)


@contextmanager
def opened(root: Path, dimension: int = 4) -> Iterator[tuple[IndexFolder, Path]]:
    folder = folder_at(root)
    shard = folder.open(dimension)
    yield folder, shard
    folder.close()


def make_shard(place: Path, content: str) -> Path:
    place.mkdir()
    (place / "content").write_text(content)
    return place


class TestOpening:
    def test_a_new_folder_says_where_to_make_a_shard(self, tmp_path: Path) -> None:
        with opened(tmp_path / "new") as (_, shard):
            assert shard.parent == tmp_path / "new"
            assert not shard.exists()

    def test_the_shard_that_was_named_is_found_again(self, tmp_path: Path) -> None:
        with opened(tmp_path) as (folder, shard):
            folder.name_current(make_shard(shard, "points"), 4)
        with opened(tmp_path) as (_, found):
            assert (found / "content").read_text() == "points"

    def test_a_shard_that_was_never_named_is_deleted(self, tmp_path: Path) -> None:
        with opened(tmp_path) as (_, half_made):
            make_shard(half_made, "half")
        with opened(tmp_path) as (_, shard):
            assert not half_made.exists()
            assert not shard.exists()

    def test_another_dimension_is_refused_with_both_numbers(self, tmp_path: Path) -> None:
        with opened(tmp_path, 4) as (folder, shard):
            folder.name_current(make_shard(shard, "points"), 4)
        with pytest.raises(IndexFolderError, match=r"vectors of 4 numbers.* gives 8"):
            folder_at(tmp_path).open(8)

    def test_a_refused_opening_leaves_the_folder_free(self, tmp_path: Path) -> None:
        with opened(tmp_path, 4) as (folder, shard):
            folder.name_current(make_shard(shard, "points"), 4)
        with pytest.raises(IndexFolderError):
            folder_at(tmp_path).open(8)
        with opened(tmp_path, 4) as (_, found):
            assert found.exists()

    def test_what_is_not_a_shard_is_left_alone(self, tmp_path: Path) -> None:
        make_shard(tmp_path / "objects", "of somebody else")
        with opened(tmp_path):
            assert (tmp_path / "objects" / "content").exists()


class TestLock:
    def test_a_second_owner_is_refused(self, tmp_path: Path) -> None:
        with (
            opened(tmp_path),
            pytest.raises(IndexFolderError, match=f"{tmp_path} is in use by another process"),
        ):
            folder_at(tmp_path).open(4)

    def test_it_is_free_after_closing(self, tmp_path: Path) -> None:
        for _ in range(2):
            with opened(tmp_path):
                pass

    def test_whoever_inherits_the_descriptor_holds_it_too(self, tmp_path: Path) -> None:
        with opened(tmp_path) as (folder, _):
            inherited = os.dup(folder.lock)
        with pytest.raises(IndexFolderError):
            folder_at(tmp_path).open(4)
        os.close(inherited)
        with opened(tmp_path):
            pass


class TestCopy:
    def test_a_copy_counts_once_it_is_named(self, tmp_path: Path) -> None:
        with opened(tmp_path) as (folder, shard):
            folder.name_current(make_shard(shard, "old"), 4)
            copy = folder.copy(shard)
            (copy / "content").write_text("new")
            folder.sync(copy)
            folder.name_current(copy, 4)
            folder.sweep(copy)
            assert not shard.exists()
        with opened(tmp_path) as (_, found):
            assert (found / "content").read_text() == "new"


class TestSync:
    def test_files_may_be_renamed_meanwhile(self, tmp_path: Path) -> None:
        shard = make_shard(tmp_path / "shard", "points")
        unnamed = [shard / f"tmp-{number}" for number in range(300)]
        for path in unnamed:
            path.touch()
        renaming = threading.Thread(
            target=lambda: [path.rename(path.with_suffix(".log")) for path in unnamed]
        )
        renaming.start()
        folder_at(tmp_path).sync(shard)
        renaming.join()
