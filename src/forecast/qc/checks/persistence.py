"""Values that stay the same for longer than is natural.

HadISD's straight strings (Dunn et al. 2016) and QARTOD's flat line test, but by duration: sources report every 5 min to
3 h, so a number of values would mean a different time for each. ioos_qc's flat_line_test requires a range below its
tolerance, so that it never flags with a tolerance of 0; here, 0 means equal values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from forecast.core.clock import HOUR_MS
from forecast.qc.check import Check, Context, Finding, Limits, Reach, Scope
from forecast.qc.flags import FAIL, SUSPECT, Flags, Floats, Mask, Times, flags_of
from forecast.qc.names import (
    DEW_POINT,
    HUMIDITY,
    IRRADIANCE,
    PRESSURE,
    RAIN_RATE,
    TEMPERATURE,
    WIND_DIRECTION,
    WIND_SPEED,
)
from forecast.qc.thresholds import D2R, HADISD, PROJECT, WMO_AWS, Thresholds, limits
from forecast.qc.valid import ROUNDING, expand_to_all, valid_values

Indices = npt.NDArray[np.intp]


def persistence(
    values: Floats,
    times: Times,
    *,
    suspect_hours: float,
    fail_hours: float,
    tolerance: float,
    max_gap_hours: float,
    exempt: Mask,
) -> Flags:
    """Flag runs of valid values that each differ from the previous one by at most `tolerance` (unit of the values).

    A run lasts from the time of its first value to that of its last. A gap of more than max_gap_hours ends it, and so
    does an exempt value. `times` in ms since 1970 UTC; suspect_hours <= fail_hours, inf for no fail.
    SUSPECT, FAIL: the run lasts at least suspect_hours, fail_hours as seen from the value, which only counts the part
    of the run within fail_hours on either side. All values of a run therefore have the same flag, with one exception:
    the first and last of a run longer than fail_hours, if no value is exactly fail_hours away, are SUSPECT between
    FAILs. GOOD: any other value with a valid one within max_gap_hours (and fail_hours) on either side, and every
    exempt one. NOT_EVALUATED: an isolated value.
    Reach in time: fail_hours on either side (if that is inf: suspect_hours plus max_gap_hours).
    """
    valid = valid_values(values)
    known, moments, exempted = values[valid], times[valid], exempt[valid]
    # A run across a gap longer than fail_hours could not be seen from either end.
    near = np.diff(moments) <= min(max_gap_hours, fail_hours) * HOUR_MS
    still = near & (np.abs(np.diff(known)) <= tolerance + ROUNDING) & ~exempted[:-1] & ~exempted[1:]
    rows, lasting = _long_runs(still, moments, least=min(suspect_hours, fail_hours) * HOUR_MS, reach_hours=fail_hours)
    suspects, fails = (_marks(known.size, rows[lasting >= hours * HOUR_MS]) for hours in (suspect_hours, fail_hours))
    return flags_of(
        values,
        suspect=expand_to_all(suspects, valid),
        fail=expand_to_all(fails, valid),
        evaluated=expand_to_all(exempted | _has_near_neighbour(near, known.size), valid),
    )


def _long_runs(still: Mask, moments: Times, *, least: float, reach_hours: float) -> tuple[Indices, Times]:
    """The values of the runs that last `least` ms or longer, and how long (ms) the run lasts as seen from each.

    still: whether a value continues the run of the previous one, from the second value on.
    """
    # A run of one value lasts 0 ms, so each run can start at its first pair.
    edges = np.diff(still.astype(np.int8), prepend=0, append=0)
    firsts, lasts = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    long = moments[lasts] - moments[firsts] >= least
    firsts, lasts = firsts[long], lasts[long]
    sizes = lasts - firsts + 1
    first, last = np.repeat(firsts, sizes), np.repeat(lasts, sizes)
    # 0, 1, 2 ... within each run, without a loop over the runs.
    rows = first + np.arange(first.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    if np.isfinite(reach_hours):
        reach = round(reach_hours * HOUR_MS)
        first = np.maximum(first, np.searchsorted(moments, moments[rows] - reach, side="left"))
        last = np.minimum(last, np.searchsorted(moments, moments[rows] + reach, side="right") - 1)
    return rows, moments[last] - moments[first]


def _marks(count: int, rows: Indices) -> Mask:
    marks = np.zeros(count, dtype=np.bool_)
    marks[rows] = True
    return marks


def _has_near_neighbour(near: Mask, count: int) -> Mask:
    """Whether each value has one near enough on at least one side."""
    beside = np.zeros(count, dtype=np.bool_)
    beside[1:] |= near
    beside[:-1] |= near
    return beside


def _run(context: Context) -> Iterator[Finding]:
    for name in filter(context.has, CHECK.parameters):
        own = context.limits[name]
        flags = persistence(
            context.unfailed(name),
            context.series.axis,
            suspect_hours=own["persistence_suspect_hours"],
            fail_hours=own["persistence_fail_hours"],
            tolerance=own["persistence_tolerance"],
            max_gap_hours=own["persistence_max_gap_hours"],
            exempt=_may_stand_still(context, name, own),
        )
        yield Finding(name, flags)


def _may_stand_still(context: Context, name: str, own: Limits) -> Mask:
    """Where equal consecutive values do not indicate a stuck sensor: at calm, without rain, in fog, at night."""
    values = context.series.values[name]
    if name in {WIND_SPEED, RAIN_RATE}:
        return np.asarray(values == 0)
    if name == WIND_DIRECTION:
        # The speed before this check: the check's result for the speed reaches as far as that for the direction.
        speed = context.series.values.get(WIND_SPEED, np.full(len(values), np.nan))
        return np.asarray(~(speed > own["persistence_wind_above"]))
    if name == HUMIDITY:
        return np.asarray(values >= own["persistence_exempt_from"])
    if name == IRRADIANCE:
        return np.asarray(context.sun_elevation <= own["persistence_sun_above"])
    return np.zeros(len(values), dtype=bool)


def _reach(own: Limits) -> Reach:
    return Reach(own["persistence_fail_hours"], own["persistence_fail_hours"])


# A value converted from another unit is equal, or differs by a rounding error in the last bit.
_EQUAL: Final = limits(f"{PROJECT}: equal values", persistence_tolerance=1e-6)
_GAP: Final = limits(f"{PROJECT}: a longer gap ends a run", persistence_max_gap_hours=3)
_LIMITS: Final[Mapping[str, Thresholds]] = {
    TEMPERATURE: {
        **limits(
            f"{D2R}: 3 h; {HADISD}: days; between them, {PROJECT}",
            persistence_suspect_hours=6,
            persistence_fail_hours=24,
        ),
        **_EQUAL,
        **_GAP,
    },
    DEW_POINT: {
        **limits(
            f"{D2R}: 3 h; {HADISD}: days; between them, {PROJECT}",
            persistence_suspect_hours=6,
            persistence_fail_hours=24,
        ),
        **_EQUAL,
        **_GAP,
    },
    HUMIDITY: {
        **limits(
            f"{PROJECT}: whole percents did not change for 5.8 h in a good week",
            persistence_suspect_hours=12,
            persistence_fail_hours=24,
        ),
        **_EQUAL,
        **_GAP,
        **limits(WMO_AWS, persistence_exempt_from=95),
    },
    PRESSURE: {
        **limits(f"{D2R}: 6 h", persistence_suspect_hours=6, persistence_fail_hours=24),
        **_EQUAL,
        **_GAP,
    },
    WIND_SPEED: {
        **limits(
            f"{D2R}: 5 h; {HADISD}: days; between them, {PROJECT}",
            persistence_suspect_hours=12,
            persistence_fail_hours=24,
        ),
        **_EQUAL,
        **_GAP,
    },
    WIND_DIRECTION: {
        **limits(
            f"{D2R}: 1 h; longer for the sixteen points of the compass, {PROJECT}",
            persistence_suspect_hours=6,
            persistence_fail_hours=24,
        ),
        **_EQUAL,
        **_GAP,
        **limits(f"{HADISD}: below it a vane does not move", persistence_wind_above=0.5),
    },
    RAIN_RATE: {
        **limits(f"{D2R}: 2 h", persistence_suspect_hours=2, persistence_fail_hours=6),
        **_EQUAL,
        **limits(f"{PROJECT}: a shower ends within the hour", persistence_max_gap_hours=1),
    },
    IRRADIANCE: {
        **limits(f"{D2R}: 3 h", persistence_suspect_hours=3, persistence_fail_hours=12),
        **_EQUAL,
        **_GAP,
        **limits(f"{PROJECT}: a low sun is easily hidden", persistence_sun_above=5),
    },
}

CHECK: Final = Check(
    id="persistence",
    order=160,
    scope=Scope.STATION,
    parameters=tuple(_LIMITS),
    limits=_LIMITS,
    most={"persistence_suspect_hours": 24, "persistence_fail_hours": 24, "persistence_max_gap_hours": 12},
    reach=_reach,
    known_as=("QARTOD Flat Line Test", "WMO persistence test", "HadISD streak check"),
    finds="a value that does not change for hours, except in calm, dry, foggy or dark periods",
    flags=(SUSPECT, FAIL),
    advice="values do not change: the sensor is stuck, frozen or disconnected",
    french_advice="les valeurs ne bougent plus : le capteur est bloqué, gelé ou déconnecté",
    run=_run,
)
