"""Tests of clientsphere_common.vectors.wire."""

from __future__ import annotations

import struct

import pytest

from clientsphere_common.vectors.wire import decode_vectors


class TestDecodeVectors:
    def test_rows_come_in_their_order(self) -> None:
        raw = struct.pack("<4f", 1.0, -2.0, 0.5, 0.0)
        assert [list(row) for row in decode_vectors(raw, 2)] == [[1.0, -2.0], [0.5, 0.0]]

    def test_no_bytes_are_no_rows(self) -> None:
        assert decode_vectors(b"", 2) == []

    @pytest.mark.parametrize("dimension", [0, 2])
    def test_numbers_that_fill_no_rows_are_refused(self, dimension: int) -> None:
        with pytest.raises(ValueError, match="3 numbers are not rows"):
            decode_vectors(struct.pack("<3f", 1.0, 2.0, 3.0), dimension)
