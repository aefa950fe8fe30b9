"""A value that differs from what the neighbouring stations measure at the same time.

The distance of a value from the neighbours' median, in units of their spread. This is the leave-one-out form of the
buddy check (titanlib's `buddy_check`, GHCNh's `neighbour`), with median and MAD instead of mean and standard deviation,
so that one bad neighbour out of three cannot decide a flag.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from forecast.core.clock import HOUR_MS
from forecast.qc.check import Check, Context, Finding, Limits, Reach, Scope
from forecast.qc.comparison import Neighbourhood, row_medians
from forecast.qc.crowd import crowd_factor
from forecast.qc.flags import Flags, Floats, Times, flags_of
from forecast.qc.names import DEW_POINT, HUMIDITY, PRESSURE, TEMPERATURE
from forecast.qc.thresholds import MEASURED, PROJECT, Thresholds, limits

# A station's usual offset from its neighbours is a median over the surrounding hours.
_OFFSET_HOURS: Final = 6
_OFFSET_MIN_HOURS: Final = 4


def buddy_check(
    values: Floats, median: Floats, spread: Floats, *, suspect_z: float | Floats, fail_z: float | Floats, floor: float
) -> Flags:
    """Flag a value that is too far from what the neighbouring stations measure.

    median, spread: of the neighbours at the time of each value (`neighbour_median`), or the `expected` value derived
    from them. SUSPECT, FAIL: |value - median| > suspect_z, fail_z times the spread; both are one number, or one per
    row (`crowd_factor`), and fail_z may be infinite. The spread is at least `floor` (above 0, in the unit of the
    values), because neighbours that happen to agree do not prove that the air is the same everywhere. NOT_EVALUATED:
    no median, so too few neighbours at that time.

    Reach in time: none, each value is evaluated on its own.
    Source: titanlib `buddy_check` (threshold 2...3, min_std 1), MetObs (z > 3.1, min_std 1), GHCNh `neighbour`
    (5 spreads of at least 2, at least 3 neighbours).
    """
    distance = np.abs(values - median) / np.maximum(spread, floor)
    return flags_of(values, suspect=distance > suspect_z, fail=distance > fail_z, evaluated=~np.isnan(median))


def expected(values: Floats, median: Floats, times: Times, *, hours: int, min_hours: int, max_offset: float) -> Floats:
    """The value to expect at this station: the neighbours' median plus the station's own recent offset from it.

    The offset is the median of the hourly medians of (value - median), over the hour of the value and `hours` whole
    UTC hours on either side, limited to ±max_offset; 0 if fewer than min_hours of these hours have both. This accounts
    for real differences in weather: in radiation fog, a valley stays 3 °C below five stations around it for ten hours
    (Hazebrouck, 2024-10-05), and without the offset an error of +5 °C would bring it close to them. An error shorter
    than `hours` does not move the median. A longer error, or a bias (which `bias` finds), is removed only up to
    max_offset.

    values, median: in the same unit, one per row. NaN where median is NaN.
    Reach in time: hours + 1 hours on either side (plus the reach of the median).
    """
    deviation = values - median
    valid = np.flatnonzero(~np.isnan(deviation))
    if valid.size < max(min_hours, 1):
        return median
    hour = times // HOUR_MS
    known, of_hour = _hourly_medians(hour[valid], deviation[valid])
    new = np.diff(hour, prepend=hour[:1] - 1) != 0
    wanted, row = hour[new], np.cumsum(new) - 1
    around = np.full((wanted.size, 2 * hours + 1), np.nan)
    following = np.searchsorted(known, wanted - hours)
    for column, distance in enumerate(range(-hours, hours + 1)):
        at = np.minimum(following, known.size - 1)
        present = known[at] == wanted + distance
        around[present, column] = of_hour[at[present]]
        following += present
    counts = np.count_nonzero(~np.isnan(around), axis=1)
    offset = np.where(counts >= max(min_hours, 1), row_medians(around), 0.0).clip(-max_offset, max_offset)
    moved: Floats = median + offset[row]
    return moved


def _hourly_medians(hour: Times, values: Floats) -> tuple[Times, Floats]:
    """The hours (sorted) that have values (no NaN), and the median of each."""
    ordered = values[np.lexsort((values, hour))]
    starts = np.flatnonzero(np.diff(hour, prepend=hour[:1] - 1))
    counts = np.diff(starts, append=hour.size)
    lower: Floats = ordered[starts + (counts - 1) // 2]
    upper: Floats = ordered[starts + counts // 2]
    return hour[starts], lower / 2 + upper / 2


def _run(context: Context) -> Iterator[Finding]:
    for name in filter(context.has, CHECK.parameters):
        # Without this threshold no neighbour is near: how far stations differ in a crowd is known for temperature.
        near_km = context.limits[name].get("buddy_check_near_km", 0.0)
        found = context.comparison.neighbourhood(name, near_km)
        if found is not None:
            yield Finding(name, _flags(context, name, found))


def _flags(context: Context, name: str, around: Neighbourhood) -> Flags:
    own, rows, every = context.limits[name], around.rows, context.unfailed(name)
    usual = expected(
        every[rows],
        around.median,
        context.series.axis[rows],
        hours=_OFFSET_HOURS,
        min_hours=_OFFSET_MIN_HOURS,
        max_offset=own["buddy_check_max_offset"],
    )
    factor = crowd_factor(around.near)
    flags = flags_of(every, evaluated=np.zeros(every.shape, dtype=bool))
    flags[rows] = buddy_check(
        every[rows],
        usual,
        around.spread,
        suspect_z=own["buddy_check_suspect_z"] * factor,
        fail_z=own["buddy_check_fail_z"] * factor,
        floor=own["buddy_check_floor"],
    )
    return flags


def _reach(_: Limits) -> Reach:
    """The whole hours before and after the value's own hour, which extend no further than this outside its day."""
    return Reach(_OFFSET_HOURS, _OFFSET_HOURS)


_DISTANCE: Final = {
    **limits("titanlib buddy_check 2 to 3, MetObs 3.1", buddy_check_suspect_z=3),
    # Three to five neighbours up to 60 km away cannot prove a value wrong.
    **limits(f"{PROJECT}: never", buddy_check_fail_z=math.inf),
}
_SMALLEST: Final = "MetObs and titanlib: smallest standard deviation 1"
_LIMITS: Final[Mapping[str, Thresholds]] = {
    TEMPERATURE: {
        **limits(_SMALLEST, buddy_check_floor=1),
        **_DISTANCE,
        **limits(MEASURED, buddy_check_max_offset=1.5),
        **limits("the standard atmosphere", buddy_check_lapse_rate=0.0065),
        **limits(f"{PROJECT}, tuned on half of a synthetic city (docs/benchmark.md)", buddy_check_near_km=5),
    },
    DEW_POINT: {
        **limits(_SMALLEST, buddy_check_floor=1),
        **_DISTANCE,
        **limits(MEASURED, buddy_check_max_offset=1.5),
    },
    HUMIDITY: {
        **limits(MEASURED, buddy_check_floor=7),
        **_DISTANCE,
        **limits(MEASURED, buddy_check_max_offset=7.5),
    },
    # A barometer with a constant offset of some hPa is left to the bias check.
    PRESSURE: {
        **limits(MEASURED, buddy_check_floor=1),
        **_DISTANCE,
        **limits(MEASURED, buddy_check_max_offset=10),
    },
}

CHECK: Final = Check(
    id="buddy_check",
    order=190,
    scope=Scope.NEIGHBOURS,
    parameters=tuple(_LIMITS),
    compared=tuple(_LIMITS),
    limits=_LIMITS,
    reach=_reach,
    known_as=("QARTOD Neighbor Test", "HadISD neighbour check", "titanlib buddy_check"),
    finds="a value far from the neighbours' median, after removing the station's usual difference",
    advice="far from what neighbouring stations measure: check the sensor and its siting",
    french_advice="loin de ce que mesurent les stations alentour : voir le capteur et son emplacement",
    run=_run,
)
