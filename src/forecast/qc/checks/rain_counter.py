"""A rain counter that rises too fast, or falls without being reset."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from forecast.core.clock import HOUR_MS, MINUTE_MS
from forecast.qc.check import Check, Context, Finding, Limits, Reach, Scope
from forecast.qc.flags import FAIL, SUSPECT, Flags, Floats, Mask, Times, flags_of
from forecast.qc.names import RAIN_COUNTER
from forecast.qc.thresholds import MESOWEST, PROJECT, WMO_AWS, limits

# Rates are computed over at least this interval, at which personal stations are archived. One tip of the bucket
# (0.254 mm) between two readings a minute apart does not mean rain of 15 mm/h.
SHORTEST_INTERVAL_MS: Final = 5 * MINUTE_MS
# A reset of less than this many `jitter`, followed by as much rain within one interval, can happen.
LOST_JITTERS: Final = 3


class _Changes(NamedTuple):
    """The changes from each valid counter value to the next, one entry per pair."""

    later: Times  # index of the pair's later value in the input
    value: Floats  # the later value, mm
    change: Floats  # mm
    interval: Times  # ms
    known: Mask  # the interval is not a gap
    jitter: Mask  # a fall that is neither a reset nor a fault


def precipitation_amount(counter: Floats, times: Times, *, max_gap_minutes: float, jitter: float) -> Floats:
    """Rain since the previous valid value of the counter, mm, never negative.

    counter: mm since a reset at an hour that depends on the station (local midnight at most stations, 08:04 at some).
    A fall is that reset, and the amount is what has been counted since. This is a lower bound: it misses the rain
    between the last reading and the reset. A fall of less than `jitter` mm that does not reach 0 is a rounding error
    of the transmission and counts as 0. The next rise counts in full, which adds less than `jitter`.
    NaN for the first value, after a gap longer than max_gap_minutes, and where the counter is NaN.

    Reach in time: max_gap_minutes back.
    Source: weewx's importer (`process_cumulative`: a fall counts as the new value), with a gap and a jitter added.
    """
    amount = np.full(counter.shape, np.nan)
    changes = _changes(counter, times, max_gap_minutes=max_gap_minutes, jitter=jitter)
    since_reset = np.where(changes.jitter, 0.0, changes.value.clip(min=0.0))
    mm = np.where(changes.change >= 0, changes.change, since_reset)
    amount[changes.later] = np.where(changes.known, mm, np.nan)
    return amount


def rain_counter(
    counter: Floats,
    times: Times,
    *,
    suspect_rate: float,
    fail_rate: float,
    suspect_jump: float,
    jitter: float,
    max_gap_minutes: float,
) -> Flags:
    """Flag a rain counter that rises faster than it can rain, jumps during a gap, or falls without a reset.

    SUSPECT, FAIL: the rise since the previous valid value exceeds suspect_rate, fail_rate mm/h; the interval counts as
    at least five minutes. SUSPECT also: a rise of more than suspect_jump mm, however long it took; and a fall of at
    least `jitter` mm that ends above `jitter`, because a counter restarts near 0. A reset at any hour and a smaller
    fall are GOOD.
    FAIL also: a single reading below the level that the counter has before and after it. After a reset, a counter
    never returns to its old level, and the difference would be taken for rain.
    NOT_EVALUATED: the first value, and the first after a gap longer than max_gap_minutes.

    Reach in time: max_gap_minutes on either side.
    Source: rates as MesoWest has them for 5-minute rain (0.5 in) and Zahumenský (2004) for WMO's automatic stations.
    """
    lost = _lost_readings(counter, times, max_gap_minutes=max_gap_minutes, jitter=jitter)
    changes = _changes(np.where(lost, np.nan, counter), times, max_gap_minutes=max_gap_minutes, jitter=jitter)
    rate = changes.change / (changes.interval.clip(min=SHORTEST_INTERVAL_MS) / HOUR_MS)
    fell = (changes.change < 0) & ~changes.jitter & (changes.value > jitter)
    suspect, fail, evaluated = (np.zeros(counter.shape, dtype=np.bool_) for _ in range(3))
    suspect[changes.later] = (rate > suspect_rate) | (changes.change > suspect_jump) | fell
    fail[changes.later] = rate > fail_rate
    evaluated[changes.later] = changes.known
    return flags_of(counter, suspect=suspect, fail=fail | lost, evaluated=evaluated | lost)


def _lost_readings(counter: Floats, times: Times, *, max_gap_minutes: float, jitter: float) -> Mask:
    """Single readings that fall by more than a few tips while the readings before and after them agree."""
    lost = np.zeros(counter.shape, dtype=np.bool_)
    valid = np.flatnonzero(~np.isnan(counter))
    value, known = counter[valid], np.diff(times[valid]) <= max_gap_minutes * MINUTE_MS
    before, reading, after = value[:-2], value[1:-1], value[2:]
    fell = before - reading > LOST_JITTERS * jitter
    lost[valid[1:-1]] = fell & (np.abs(after - before) <= jitter) & known[:-1] & known[1:]
    return lost


def _changes(counter: Floats, times: Times, *, max_gap_minutes: float, jitter: float) -> _Changes:
    valid = np.flatnonzero(~np.isnan(counter))
    value, change, interval = counter[valid][1:], np.diff(counter[valid]), np.diff(times[valid])
    return _Changes(
        later=valid[1:],
        value=value,
        change=change,
        interval=interval,
        known=interval <= max_gap_minutes * MINUTE_MS,
        jitter=(change < 0) & (-change < jitter),  # includes a fall to 0: either way, no rain has been counted since
    )


def _run(context: Context) -> Iterator[Finding]:
    if not context.has(RAIN_COUNTER):
        return
    own, values, times = context.limits[RAIN_COUNTER], context.unfailed(RAIN_COUNTER), context.series.axis
    gap, jitter = own["rain_counter_max_gap_minutes"], own["rain_counter_jitter"]
    flags = rain_counter(
        values,
        times,
        suspect_rate=own["rain_counter_suspect_rate"],
        fail_rate=own["rain_counter_fail_rate"],
        suspect_jump=own["rain_counter_suspect_jump"],
        jitter=jitter,
        max_gap_minutes=gap,
    )
    counted = np.where(flags == FAIL, np.nan, values)
    amount = precipitation_amount(counted, times, max_gap_minutes=gap, jitter=jitter)
    yield Finding(RAIN_COUNTER, flags, amount=amount)


def _reach(own: Limits) -> Reach:
    """An amount is counted from the previous reading, which in turn is checked against the one before it."""
    hours = own["rain_counter_max_gap_minutes"] / 60
    return Reach(2 * hours, hours)


CHECK: Final = Check(
    id="rain_counter",
    order=170,
    scope=Scope.STATION,
    parameters=(RAIN_COUNTER,),
    limits={
        RAIN_COUNTER: {
            **limits(f"{MESOWEST}: 12.7 mm in 5 minutes", rain_counter_suspect_rate=152.4),
            **limits(f"{WMO_AWS}: 40 mm a minute, within five of them", rain_counter_fail_rate=480),
            **limits(f"{PROJECT}: rain during a gap of hours is rarely more", rain_counter_suspect_jump=50),
            **limits(f"{PROJECT}: one tip of 0.254 mm", rain_counter_jitter=0.3),
            **limits(f"{PROJECT}: rain in a longer gap belongs to no interval", rain_counter_max_gap_minutes=720),
        }
    },
    most={"rain_counter_max_gap_minutes": 720},
    reach=_reach,
    known_as=("WMO time consistency check",),
    finds="a rain counter that rises too fast, or falls without a reset",
    flags=(SUSPECT, FAIL),
    advice="the rain counter jumps, or falls without a reset: do not use sums over these hours",
    french_advice="le compteur de pluie saute, ou baisse sans repartir : ne pas cumuler sur ces heures",
    run=_run,
)
