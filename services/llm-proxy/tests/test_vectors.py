"""Unit length."""

from __future__ import annotations

import numpy as np

from llm_proxy.vectors import unit_rows


class TestUnitRows:
    def test_keeps_directions_and_sets_lengths_to_one(self) -> None:
        rows = unit_rows(np.array([[3, 4], [0, -2]], dtype=np.float32))
        np.testing.assert_allclose(rows, np.array([[0.6, 0.8], [0, -1]]), rtol=1e-6)

    def test_gives_zeros_no_direction(self) -> None:
        assert np.isnan(unit_rows(np.zeros((1, 2), dtype=np.float32))).all()
