"""Reads times that consist of day of the month, hour and minute, as in aerodrome reports: "170551" or "170551Z"."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecast.core.admission import FUTURE_TOLERANCE
from forecast.transform.values.clocks import DateTimes
from forecast.transform.values.timestamps import ParsedTimes
from forecast.transform.whole_numbers import texts_of

_FORM: Final = r"^(?P<day>[0-9]{2})(?P<hour>[0-9]{2})(?P<minute>[0-9]{2})Z?$"
_TOLERANCE: Final = np.timedelta64(FUTURE_TOLERANCE)
_HOURS, _MINUTES = 24, 60


def read_month_days(cells: pa.Array, extracted: DateTimes, within_days: int) -> ParsedTimes:
    """The last such time before the row was extracted (datetime64[s], UTC).

    A time more than `within_days` before the extraction is unreadable, because a file that
    was copied months later would get a wrong month.
    """
    is_nested = pa.types.is_nested(cells.type)
    texts = pa.nulls(len(cells), pa.string()) if is_nested else texts_of(cells)
    parts = pc.extract_regex(texts, _FORM)
    day, hour, minute = (
        pc.fill_null(pc.struct_field(parts, name).cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
        for name in ("day", "hour", "minute")
    )
    is_time = np.asarray(parts.is_valid()) & (day > 0) & (hour < _HOURS) & (minute < _MINUTES)
    latest = extracted + _TOLERANCE
    after_midnight = (hour * _MINUTES + minute).astype("timedelta64[m]")
    found = np.full(len(extracted), np.datetime64("NaT", "s"))
    for months_before in (1, 0):
        month = latest.astype("datetime64[M]") - months_before
        days = month.astype("datetime64[D]") + (day - 1)
        times = days.astype("datetime64[s]") + after_midnight
        possible = is_time & (days.astype("datetime64[M]") == month) & (times <= latest)
        found = np.where(possible, times, found)
    found = np.where(extracted - found <= np.timedelta64(within_days, "D"), found, np.datetime64("NaT", "s"))
    unreadable = np.asarray((cells if is_nested else texts).is_valid()) & np.isnat(found)
    return ParsedTimes.plain(found, is_utc=True, unreadable=unreadable)
