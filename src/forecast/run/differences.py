"""Compares two tables of observations, or of values derived from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa

from forecast.core.clock import iso_time
from forecast.core.dataset import KEYS


def differing_observations(ours: pa.Table, theirs: pa.Table, columns: Iterable[str]) -> list[str]:
    """The ids of the rows that only one of two tables has, or that differ in one of these columns.

    Rows are matched by station and time.
    """
    own, other = _ids(ours), _ids(theirs)
    found = {*own} ^ {*other} | {name for name, number in Counter(other).items() if number > 1}
    places = {name: row for row, name in enumerate(other)}
    shared = [(row, places[name]) for row, name in enumerate(own) if name in places]
    rows, others = (np.array([pair[side] for pair in shared], np.int64) for side in (0, 1))
    differs = np.zeros(len(shared), bool)
    for name in columns:
        one, two = (_numbers(table, name)[which] for table, which in ((ours, rows), (theirs, others)))
        differs |= (one != two) & ~(np.isnan(one) & np.isnan(two))
    return sorted(found | {own[row] for row in rows[differs].tolist()})


def _numbers(table: pa.Table, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    column: np.ndarray[Any, np.dtype[np.float64]] = table[name].to_numpy().astype(np.float64)
    return column


def _ids(table: pa.Table) -> list[str]:
    stations, times = (table[name].to_pylist() for name in KEYS)
    return [f"{station}@{iso_time(time)}" for station, time in zip(stations, times, strict=True)]
