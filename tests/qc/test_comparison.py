"""The medians that stations are compared with."""

from __future__ import annotations

import math
from statistics import median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.qc.comparison import row_medians

VALUES = st.floats(-1e6, 1e6) | st.just(math.nan)
TABLES = st.integers(1, 12).flatmap(
    lambda columns: st.lists(st.lists(VALUES, min_size=columns, max_size=columns), min_size=1, max_size=6)
)


@given(TABLES)
def test_the_median_of_each_row_is_that_of_its_valid_values(rows: list[list[float]]) -> None:
    table = np.array(rows)
    before = table.copy()

    found = row_medians(table)

    for row, value in zip(rows, found.tolist(), strict=True):
        valid = [one for one in row if not math.isnan(one)]
        assert value == pytest.approx(median(valid), abs=1e-9) if valid else math.isnan(value)
    assert np.array_equal(table, before, equal_nan=True)
