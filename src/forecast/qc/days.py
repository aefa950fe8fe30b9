"""Groups the rows of a series by UTC day."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from forecast.core.clock import DAY_MS, HOUR_MS
from forecast.qc.flags import Floats, Mask, Times


class Days(NamedTuple):
    """The UTC days of `times`, in order."""

    number: Times  # days since 1970-01-01
    starts: Times  # the first row of each
    of_row: Times  # the day of each row, as an index into the two above


def days_of(times: Times) -> Days:
    """The UTC days of ascending times."""
    day = times // DAY_MS
    new = np.diff(day, prepend=day[:1] - 1) != 0
    starts = np.flatnonzero(new)
    return Days(number=day[starts], starts=starts, of_row=np.cumsum(new) - 1)


def count_by_day(mask: Mask, days: Days) -> Floats:
    """The number of rows of each day where the mask is set."""
    return np.bincount(days.of_row[mask], minlength=days.number.size).astype(np.float64)


def first_of_hour(times: Times) -> Mask:
    """True at the first row of each UTC hour."""
    hour = times // HOUR_MS
    first: Mask = np.diff(hour, prepend=hour[:1] - 1) != 0
    return first


def hours_of_days(mask: Mask, times: Times, days: Days) -> Floats:
    """The number of distinct UTC hours of each day that have a row where the mask is set."""
    rows = np.flatnonzero(mask)
    first = rows[first_of_hour(times[rows])]
    return np.bincount(days.of_row[first], minlength=days.number.size).astype(np.float64)
