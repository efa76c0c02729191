"""Ids cannot be guessed, and derived ids never change."""

from __future__ import annotations

import re

from clientsphere_common.ids import derived_id, new_id


class TestNewId:
    def test_says_what_it_names_and_holds_128_random_bits(self) -> None:
        assert re.fullmatch(r"doc_[0-9a-f]{32}", new_id("doc"))

    def test_never_comes_twice(self) -> None:
        assert len({new_id("doc") for _ in range(1000)}) == 1000


class TestDerivedId:
    def test_is_the_same_for_the_same_parts_in_every_release(self) -> None:
        expected = "chk_9d533e35d5b655bd805e78a828680fad"
        assert derived_id("chk", "tnt_a", "doc_1", "7") == expected

    def test_differs_when_parts_are_cut_differently(self) -> None:
        assert derived_id("chk", "ab", "c") != derived_id("chk", "a", "bc")
