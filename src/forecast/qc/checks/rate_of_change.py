"""A change from one value to the next that is too large for the time between them.

The limit depends on the interval. WMO-No. 305 (1993), VI.21 and Synoptic give changes for some intervals; between
them, the limit is interpolated linearly. QARTOD's rate of change test has one rate for all intervals instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from forecast.core.clock import MINUTE_MS
from forecast.qc.check import Check, Context, Finding, Limits, Reach, Scope
from forecast.qc.flags import FAIL, SUSPECT, Flags, Floats, Mask, Times, flags_of
from forecast.qc.names import DEW_POINT, HUMIDITY, PRESSURE, TEMPERATURE, WIND_SPEED
from forecast.qc.thresholds import MADIS, METOBS, PROJECT, SYNOPTIC, WMO_305, WMO_AWS, Thresholds, limits
from forecast.qc.valid import ROUNDING, expand_to_all, valid_values

# The intervals for which there are limits.
_MINUTES: Final = (10, 60, 180, 360, 720)


def rate_of_change(
    values: Floats, times: Times, *, minutes: Sequence[float], suspect: Sequence[float], fail: Sequence[float]
) -> Flags:
    """Flag the later of two consecutive valid values that differ by more than the limit for their interval.

    `suspect` and `fail` are the limits (unit of the values; inf for none) at the intervals `minutes`, which ascend:
    constant below the first, linear between two. A change equal to its limit is GOOD. NOT_EVALUATED: the first valid
    value, and a value whose predecessor is further back than the last interval. `times` in ms since 1970 UTC.
    Each value is compared with the previous valid one, whatever its flag, so the step back from a wrong level is
    flagged like the step to it.
    Reach in time: back to the last of `minutes`.
    """
    valid = valid_values(values)
    known = values[valid]
    changes, intervals = np.abs(np.diff(known)), np.diff(times[valid]) / MINUTE_MS
    suspects, fails, evaluated = (
        expand_to_all(_mark_later(marks, known.size), valid)
        for marks in (
            changes > np.interp(intervals, minutes, suspect) + ROUNDING,
            changes > np.interp(intervals, minutes, fail) + ROUNDING,
            intervals <= minutes[-1],
        )
    )
    return flags_of(values, suspect=suspects, fail=fails, evaluated=evaluated)


def _mark_later(marks: Mask, count: int) -> Mask:
    """Marks of pairs of consecutive values, as marks of the later value of each pair; the first value has none."""
    later = np.zeros(count, dtype=np.bool_)
    later[1:] = marks
    return later


def _run(context: Context) -> Iterator[Finding]:
    for name in filter(context.has, CHECK.parameters):
        own = context.limits[name]
        flags = rate_of_change(
            context.unfailed(name),
            context.series.axis,
            minutes=_MINUTES,
            suspect=[own[f"rate_of_change_suspect_{minutes}min"] for minutes in _MINUTES],
            fail=[own[f"rate_of_change_fail_{minutes}min"] for minutes in _MINUTES],
        )
        yield Finding(name, flags)


def _reach(_: Limits) -> Reach:
    return Reach(_MINUTES[-1] / 60, 0)


_LIMITS: Final[Mapping[str, Thresholds]] = {
    TEMPERATURE: {
        **limits(SYNOPTIC, rate_of_change_suspect_10min=5),
        **limits(METOBS, rate_of_change_suspect_60min=8),
        **limits(
            WMO_305, rate_of_change_suspect_180min=9, rate_of_change_suspect_360min=15, rate_of_change_suspect_720min=25
        ),
        **limits(SYNOPTIC, rate_of_change_fail_10min=7.5),
        **limits(MADIS, rate_of_change_fail_60min=19.4),
        **limits(PROJECT, rate_of_change_fail_180min=22, rate_of_change_fail_360min=27, rate_of_change_fail_720min=40),
    },
    DEW_POINT: {
        **limits(SYNOPTIC, rate_of_change_suspect_10min=5),
        **limits(METOBS, rate_of_change_suspect_60min=8),
        **limits(
            WMO_305, rate_of_change_suspect_180min=8, rate_of_change_suspect_360min=12, rate_of_change_suspect_720min=20
        ),
        **limits(SYNOPTIC, rate_of_change_fail_10min=7.5),
        **limits(MADIS, rate_of_change_fail_60min=19.4),
        **limits(PROJECT, rate_of_change_fail_180min=22, rate_of_change_fail_360min=27, rate_of_change_fail_720min=40),
    },
    HUMIDITY: {
        **limits(
            PROJECT,
            rate_of_change_suspect_10min=30,
            rate_of_change_suspect_60min=45,
            rate_of_change_suspect_180min=60,
            rate_of_change_suspect_360min=80,
            rate_of_change_suspect_720min=90,
        ),
        **limits(MADIS, rate_of_change_fail_10min=50),
        **limits(
            PROJECT,
            rate_of_change_fail_60min=70,
            rate_of_change_fail_180min=90,
            rate_of_change_fail_360min=100,
            rate_of_change_fail_720min=100,
        ),
    },
    PRESSURE: {
        **limits(WMO_AWS, rate_of_change_suspect_10min=2),
        **limits(
            WMO_305,
            rate_of_change_suspect_60min=3,
            rate_of_change_suspect_180min=9,
            rate_of_change_suspect_360min=18,
            rate_of_change_suspect_720min=36,
        ),
        **limits(SYNOPTIC, rate_of_change_fail_10min=9.25),
        **limits(MADIS, rate_of_change_fail_60min=10),
        **limits(PROJECT, rate_of_change_fail_180min=18, rate_of_change_fail_360min=30, rate_of_change_fail_720min=50),
    },
    WIND_SPEED: {
        **limits(WMO_AWS, rate_of_change_suspect_10min=10),
        **limits(
            PROJECT,
            rate_of_change_suspect_60min=15,
            rate_of_change_suspect_180min=20,
            rate_of_change_suspect_360min=25,
            rate_of_change_suspect_720min=30,
        ),
        **limits(WMO_AWS, rate_of_change_fail_10min=20),
        **limits(
            PROJECT,
            rate_of_change_fail_60min=30,
            rate_of_change_fail_180min=40,
            rate_of_change_fail_360min=50,
            rate_of_change_fail_720min=60,
        ),
    },
}

CHECK: Final = Check(
    id="rate_of_change",
    order=150,
    scope=Scope.STATION,
    parameters=tuple(_LIMITS),
    limits=_LIMITS,
    reach=_reach,
    known_as=("QARTOD Rate of Change Test", "WMO step test"),
    finds="a change that is too fast for its interval, from 10 minutes to 12 hours",
    flags=(SUSPECT, FAIL),
    advice="values jump: check for a change of the sensor, its siting or its calibration",
    french_advice="les valeurs sautent : chercher un changement de capteur, d'emplacement ou d'étalonnage",
    run=_run,
)
