"""Values that jump and return: up to three in a row.

`spike` of GHCNh (Menne et al. 2025) and HadISD (Dunn et al. 2016): out and back by a critical value, at most three
observations, and the values on either side of the spike agree within half of it. For a spike of one value, its size is
that of the "differential" spike test of ioos_qc (QARTOD): the smaller of the two jumps, if they are opposite.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from forecast.core.clock import MINUTE_MS
from forecast.qc.check import Check, Context, Finding, Limits, Reach, Scope
from forecast.qc.flags import FAIL, SUSPECT, Flags, Floats, Mask, Times, flags_of
from forecast.qc.names import DEW_POINT, HUMIDITY, PRESSURE, TEMPERATURE
from forecast.qc.thresholds import HADISD, PROJECT, Thresholds, limits
from forecast.qc.valid import ROUNDING, expand_to_all, valid_values

# Four or more values are a new level, not a spike; both papers draw the line there.
_LONGEST: Final = 3
# The values on either side of the spike differ by at most this share of the threshold; also from both papers.
_AGREEMENT: Final = 0.5
# The maximum for any station, however long its interval.
_MAX_GAP_MINUTES: Final = 120


def spike(values: Floats, times: Times, *, suspect: float, fail: float, max_gap_minutes: float) -> Flags:
    """Flag up to three consecutive valid values that are all above, or all below, the values on either side of them.

    The size of a spike is the smallest distance between one of its values and those on either side. A spike of at
    least `suspect` is SUSPECT, of at least `fail` FAIL (in the unit of the values; inf for none), if the values on
    either side differ by at most half of that threshold, and if no interval in between is longer than max_gap_minutes.
    Only the values of the spike are flagged. A value between two similar spikes is itself a spike in the other
    direction.
    NOT_EVALUATED: no valid value within max_gap_minutes before, or none after. `times` in ms since 1970 UTC.
    Reach in time: three times max_gap_minutes on either side.
    """
    valid = valid_values(values)
    known = values[valid]
    near = np.diff(times[valid]) <= max_gap_minutes * MINUTE_MS
    suspects, fails = np.zeros(known.shape, dtype=np.bool_), np.zeros(known.shape, dtype=np.bool_)
    for length in range(1, min(_LONGEST, known.size - 2) + 1):
        size = _sizes(known, near, length)
        # Few spikes are this large, so only these are checked further.
        before = np.flatnonzero(size >= min(suspect, fail) - ROUNDING)
        disagreement = np.abs(known[before + length + 1] - known[before])
        for threshold, marks in ((suspect, suspects), (fail, fails)):
            agree = disagreement <= threshold * _AGREEMENT + ROUNDING
            hits = before[agree & (size[before] >= threshold - ROUNDING)]
            for place in range(1, length + 1):
                marks[hits + place] = True
    return flags_of(
        values,
        suspect=expand_to_all(suspects, valid),
        fail=expand_to_all(fails, valid),
        evaluated=expand_to_all(_between(near, known.size), valid),
    )


def _sizes(known: Floats, near: Mask, length: int) -> Floats:
    """The size of the possible spike of this length after each value: negative for none, -inf across a gap."""
    count = known.size - length - 1
    before, after = known[:count], known[length + 1 :]
    lowest = highest = known[1 : 1 + count]
    linked = near[:count] & near[1 : 1 + count]
    for place in range(2, length + 1):
        inner = known[place : place + count]
        lowest, highest = np.minimum(lowest, inner), np.maximum(highest, inner)
        linked = linked & near[place : place + count]
    upwards = lowest - np.maximum(before, after)
    downwards = np.minimum(before, after) - highest
    return np.where(linked, np.maximum(upwards, downwards), -np.inf)


def _between(near: Mask, count: int) -> Mask:
    """Whether each value has one near enough on both sides."""
    between = np.zeros(count, dtype=np.bool_)
    between[1:-1] = near[:-1] & near[1:]
    return between


def _run(context: Context) -> Iterator[Finding]:
    for name in filter(context.has, CHECK.parameters):
        own = context.limits[name]
        gap = min(own["spike_gap_intervals"] * context.interval_minutes, _MAX_GAP_MINUTES)
        flags = spike(
            context.unfailed(name),
            context.series.axis,
            suspect=own["spike_suspect"],
            fail=own["spike_fail"],
            max_gap_minutes=gap,
        )
        yield Finding(name, flags)


def _reach(_: Limits) -> Reach:
    hours = _LONGEST * _MAX_GAP_MINUTES / 60
    return Reach(hours, hours)


_SOURCE: Final = f"{PROJECT}, after {HADISD} (spike.py)"
_TWICE: Final = limits(f"{PROJECT}: twice the station's interval", spike_gap_intervals=2)
_LIMITS: Final[Mapping[str, Thresholds]] = {
    TEMPERATURE: {**limits(_SOURCE, spike_suspect=3, spike_fail=6), **_TWICE},
    DEW_POINT: {**limits(_SOURCE, spike_suspect=3, spike_fail=6), **_TWICE},
    HUMIDITY: {**limits(_SOURCE, spike_suspect=20, spike_fail=40), **_TWICE},
    PRESSURE: {**limits(_SOURCE, spike_suspect=2, spike_fail=5), **_TWICE},
}

CHECK: Final = Check(
    id="spike",
    order=140,
    scope=Scope.STATION,
    parameters=tuple(_LIMITS),
    limits=_LIMITS,
    most={"spike_gap_intervals": 24},
    reach=_reach,
    known_as=("QARTOD Spike Test", "HadISD spike check"),
    finds="up to three values that jump and return",
    flags=(SUSPECT, FAIL),
    advice="values jump and return: check cables, radio and power",
    french_advice="des valeurs sortent et reviennent : voir câbles, radio et alimentation",
    run=_run,
)
