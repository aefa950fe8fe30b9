"""Rows of a longer period among those of a shorter one, if one of the two layouts only lacks a column of the other.

A batch of both has that column, empty in the rows of the longer period, and so has one with a declared schema for both.
A row of the shorter one can lack it as well, if its sensor fails; but then it is missing in the row before or after,
too. A station with no rows but at the times of the longer period shows neither.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from forecast.core.admission import Mask
from forecast.transform.declared import DeclaredLayout
from forecast.transform.quarantine import Rejection
from forecast.transform.raw_columns import Columns
from forecast.transform.values.clocks import DateTimes


def longer_periods(layout: DeclaredLayout, columns: Columns, stations: pa.Array, moments: DateTimes) -> list[Rejection]:
    """The rows that may be of the longer period: at its times, without the column that the nearest other row has.

    So may those of a station without any other row.
    """
    if layout.longer is None:
        return []
    longer = layout.longer
    has = np.asarray(columns.required(longer.column).is_valid())
    is_due = moments.astype(np.int64) % (60 * longer.step_minutes) == 0
    may_be = ~has & is_due & ~np.isnat(moments)
    found = np.zeros(len(moments), dtype=bool)
    alone = found.copy()
    codes = stations.dictionary_encode().indices.fill_null(-1).to_numpy(zero_copy_only=False)
    for code in np.unique(codes[may_be]).tolist():
        mine = (codes == code) & ~np.isnat(moments)
        rows, others = np.flatnonzero(mine & may_be), np.flatnonzero(mine & ~may_be)
        if len(others):
            found[rows] = _nearest_has(moments, has, rows, others)
        else:
            alone[rows] = True
    name = columns.name_of(longer.column)
    reasons = {"which the nearest row has": found, "and the station has no row at another time": alone}
    return [
        Rejection(mask, "wrong_period", name, f"without {name}, {why}: it may be one of {longer.layout}", None)
        for why, mask in reasons.items()
    ]


def _nearest_has(moments: DateTimes, has: Mask, rows: np.ndarray, others: np.ndarray) -> Mask:
    """For each of the rows, whether the nearest of the others has the column; of two equally near, whether one has."""
    times = np.unique(moments[others])
    filled = np.isin(times, moments[others[has[others]]])
    after = np.searchsorted(times, moments[rows]).clip(0, len(times) - 1)
    before = (after - 1).clip(0)
    far_after, far_before = (np.abs(times[at] - moments[rows]) for at in (after, before))
    found: Mask = (filled[after] & (far_after <= far_before)) | (filled[before] & (far_before <= far_after))
    return found
