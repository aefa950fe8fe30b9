"""Reads the times of rows that state them in UTC in one column, and possibly again in others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from forecast.networks.model import UtcTime
from forecast.transform.local_stations import localised
from forecast.transform.quarantine import Rejection
from forecast.transform.raw_columns import Columns, normalise_field
from forecast.transform.row_times import BAD_INSTANT, RowTimes, as_utc, present
from forecast.transform.values.clocks import DateTimes
from forecast.transform.values.month_days import read_month_days
from forecast.transform.values.statements import Places, Statement, contradictions
from forecast.transform.values.timestamps import ParsedTimes, leap_second_issues, read_formatted, read_moments


def utc_times(time: UtcTime, columns: Columns, places: Places, extracted: DateTimes) -> tuple[RowTimes, DateTimes]:
    """The times of a batch, compared with those in other columns; and the rows' clock times.

    `extracted` is when the rows were extracted, for a column that only has the day of the month. The clock time is the
    row's local time, or its UTC time if it has no local one.
    """
    times = columns.required(normalise_field(time.column))
    readings = as_utc(_readings(time, times, extracted))
    if time.former is not None:
        earlier = readings.moments < np.datetime64(time.former.until, "s")
        offset = np.timedelta64(time.former.hours, "h")
        readings.moments = np.where(earlier, readings.moments - offset, readings.moments)
    rejections = [Rejection(readings.unreadable, "bad_timestamp", time.column, _bad_instant(time), times)]
    if time.step_minutes is not None:
        other = ~readings.unreadable & (readings.moments.astype(np.int64) % (60 * time.step_minutes) != 0)
        reason = f"not at a full {time.step_minutes} minutes, so the row covers another period than those of its layout"
        rejections.append(Rejection(other, "wrong_period", time.column, reason, times))
    clock = readings.moments
    if time.local_stations:
        rejections += localised(time, readings, times, places)
    others: Sequence[str] = (*time.beside, *((time.local,) if time.local is not None else ()))
    for name, cells in present(columns, others):
        other = read_moments(cells)
        rejections += contradictions(readings, Statement(name, cells, other), places)
        if name == time.local:
            clock = np.where(np.isnat(other.moments) | other.is_utc, clock, other.moments)
    return RowTimes(readings, rejections, leap_second_issues(readings, times)), clock


def _readings(time: UtcTime, cells: pa.Array, extracted: DateTimes) -> ParsedTimes:
    if time.within_days is not None:
        return read_month_days(cells, extracted, time.within_days)
    return read_moments(cells) if time.format is None else read_formatted(cells, time.format)


def _bad_instant(time: UtcTime) -> str:
    if time.within_days is not None:
        return (
            "no day of the month, hour and minute (DDHHMM, UTC) of the "
            f"{time.within_days} days before the row was extracted, so that its month is not known"
        )
    return BAD_INSTANT if time.format is None else f"not a date and time in UTC ({time.format})"
