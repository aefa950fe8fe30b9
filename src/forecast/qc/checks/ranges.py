"""A value by itself: against what the sensor can say, and what the season and the latitude allow.

QARTOD (IOC Manuals and Guides 54) calls the first gross range test; the second has the form of WMO-No. 305 (1993),
Guide on the Global Data-processing System, VI.6 to VI.8: two pairs of limits for each half of the year.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from forecast.qc.flags import Flags, Floats, Mask, Times, flags_of

# October to March, the winter of WMO-No. 305 north of the equator.
_FIRST_WINTER_MONTH: Final = 10
_LAST_WINTER_MONTH: Final = 3
_MONTHS: Final = 12


class Range(NamedTuple):
    """Limits in the unit of the values, from the lowest to the highest; -inf and inf where there is none."""

    fail_min: float
    suspect_min: float
    suspect_max: float
    fail_max: float


def gross_range(values: Floats, limits: Range) -> Flags:
    """Values beyond the limits: FAIL outside fail, SUSPECT outside suspect, else GOOD. A limit itself is inside.

    An infinity is beyond every limit but an infinite one. Reach in time: none, each value is judged by itself.
    """
    suspect = (values < limits.suspect_min) | (values > limits.suspect_max)
    fail = (values < limits.fail_min) | (values > limits.fail_max)
    return flags_of(values, suspect=suspect, fail=fail)


def seasonal_range(values: Floats, times: Times, *, latitude: float, winter: Range, summer: Range) -> Flags:
    """As `gross_range`, with the limits of the half-year that the value's UTC month belongs to at this latitude.

    Winter is October to March from the equator (included) northwards, April to September south of it. `times` in ms
    since 1970 UTC; latitude in degrees, north positive. Reach in time: none.
    """
    in_winter = _northern_winter(times) == (latitude >= 0)
    return np.where(in_winter, gross_range(values, winter), gross_range(values, summer))


def _northern_winter(times: Times) -> Mask:
    # Months since January 1970, rounded down by numpy for times before it too.
    months = times.astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64) % _MONTHS + 1
    return np.asarray((months >= _FIRST_WINTER_MONTH) | (months <= _LAST_WINTER_MONTH))
