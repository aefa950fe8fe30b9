"""The medians that stations are compared with."""

from __future__ import annotations

import math
from statistics import median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.qc.comparison import column_medians

VALUES = st.floats(-1e6, 1e6) | st.just(math.nan)
TABLES = st.integers(1, 12).flatmap(
    lambda rows: st.lists(st.lists(VALUES, min_size=rows, max_size=rows), min_size=1, max_size=6)
)


@given(TABLES)
def test_the_median_of_each_column_is_that_of_its_valid_values(columns: list[list[float]]) -> None:
    table = np.array(columns).T
    before = table.copy()

    found = column_medians(table)

    for column, value in zip(columns, found.tolist(), strict=True):
        valid = [one for one in column if not math.isnan(one)]
        assert value == pytest.approx(median(valid), abs=1e-9) if valid else math.isnan(value)
    assert np.array_equal(table, before, equal_nan=True)
