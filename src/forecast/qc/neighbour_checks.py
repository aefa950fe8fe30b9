"""The checks of a station among its neighbours, and of the station as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from forecast.core.clock import DAY_MS
from forecast.core.stations import Station
from forecast.qc.checks import station as whole
from forecast.qc.checks.spatial import (
    HOUR_MS,
    Moments,
    Neighbour,
    Rows,
    expected,
    median_and_spread,
    neighbour_median,
    spatial,
)
from forecast.qc.flags import GOOD, SUSPECT, Flags, Floats, Times, flags_of
from forecast.qc.results import Verdicts
from forecast.qc.thresholds import BY_PARAMETER

# Our stations are 9 to 63 km apart; within 10 km there is one neighbour at most.
RADIUS_KM: Final = 75
# GHCNh: neighbours differ by 200 m in height at most.
_MOST_HEIGHT_M: Final = 200
EARTH_KM: Final = 6371
MIN_NEIGHBOURS: Final = 3
# So that an hourly neighbour counts.
_WINDOW_MINUTES: Final = 30
# How a station stands to its neighbours is the median of the hours around.
_OFFSET_HOURS: Final = 6
_OFFSET_MIN_HOURS: Final = 4
_SLOT_MS: Final = 20 * 60_000
# An error at either end of these shifts may be a larger one, and is not told: up to two hours are found.
_SHIFTS_HOURS: Final = (-3, -2, -1, 1, 2, 3)
# A day's verdict on the whole station looks at the two days before it.
DAYS_BEFORE: Final = 2
# What is compared lies so far before and after a day at most: whole hours for how a station stands to its neighbours
# (the shifts of the clock are smaller), and their nearest values.
COMPARED_HOURS: Final = _OFFSET_HOURS + _WINDOW_MINUTES / 60
_COMPARED = tuple(name for name, limits in BY_PARAMETER.items() if {"spatial_floor", "stuck_tolerance"} & set(limits))
_CLOCK_PARAMETER: Final = "air_temperature"


def distance_km(one: Station, other: Station) -> float:
    """Great circle."""
    north, east = np.radians([one.latitude, other.latitude]), np.radians([one.longitude, other.longitude])
    haversine = np.sin((north[1] - north[0]) / 2) ** 2 + np.cos(north).prod() * np.sin((east[1] - east[0]) / 2) ** 2
    return float(2 * EARTH_KM * np.arcsin(np.sqrt(haversine)))


def are_neighbours(one: Station, other: Station) -> bool:
    """Whether two stations are compared with each other."""
    return (
        one.id != other.id
        and abs(one.elevation - other.elevation) <= _MOST_HEIGHT_M
        and distance_km(one, other) <= RADIUS_KM
    )


class _Compared(NamedTuple):
    """Rows of a station that are compared, and their times."""

    rows: Rows
    moments: Moments

    @classmethod
    def of(cls, times: Times, rows: Rows) -> _Compared:
        """These rows of these times."""
        return cls(rows, Moments(times[rows], _WINDOW_MINUTES))


class _Among(NamedTuple):
    """A station among its neighbours: what they would measure at its height, by parameter.

    Compared are all rows of the days that count (`every`), or the first of every slot of time (`few`), which is enough
    for a curve of the day.
    """

    verdicts: Verdicts
    neighbours: Mapping[str, Sequence[Neighbour]]
    every: _Compared
    few: _Compared


def judge_among(
    all_verdicts: Mapping[str, Verdicts], targets: Iterable[str], days: tuple[int, int] | None = None
) -> None:
    """Add to the verdicts of the target stations what comparison with the others says.

    The values of neighbours count where the checks of the neighbour by itself did not fail them. Of `days`, the first
    and the last (since 1970, all without), the verdicts are whole; on the days around them they need not be.
    """
    alone = {
        (station_id, name): verdicts.alive(name)
        for station_id, verdicts in all_verdicts.items()
        for name in _COMPARED
        if verdicts.has(name)
    }

    for target in targets:
        verdicts = all_verdicts[target]
        near = [one for one in all_verdicts.values() if are_neighbours(verdicts.series.station, one.series.station)]
        found = {name: _neighbours(verdicts, name, near, alone) for name in _COMPARED if verdicts.has(name)}
        times = verdicts.series.times
        rows = _rows_compared(times, days)
        few = rows[_first_of_slots(times[rows])]
        _judge(_Among(verdicts, found, _Compared.of(times, rows), _Compared.of(times, few)))


def _rows_compared(times: Times, days: tuple[int, int] | None) -> Rows:
    """The rows whose comparison has a part in the verdicts on these days."""
    if days is None:
        return np.arange(len(times))
    first, last = days[0] - DAYS_BEFORE, days[1] + 1
    around = _OFFSET_HOURS * HOUR_MS
    return np.arange(*np.searchsorted(times, [first * DAY_MS - around, last * DAY_MS + around]))


def _judge(among: _Among) -> None:
    """The checks of one station against what its neighbours measure, by parameter."""
    verdicts = among.verdicts
    for name in among.neighbours:
        _in_space(among, name)
    # A day that is suspect as a whole has no share of flagged values to speak of.
    before = dict(verdicts.flags)
    for name, median in verdicts.medians.items():
        _as_a_whole(verdicts, name, median)
    if _CLOCK_PARAMETER in verdicts.medians:
        _clock(among)
    _flag_rates(verdicts, before)


def _neighbours(
    verdicts: Verdicts, name: str, near: Sequence[Verdicts], alone: Mapping[tuple[str, str], Floats]
) -> Sequence[Neighbour]:
    """What the neighbours would measure at the station's height."""
    lapse = verdicts.limits[name].get("spatial_lapse_rate", 0.0)
    found = []
    for other in near:
        values = alone.get((other.series.station.id, name))
        if values is not None:
            lift = lapse * (other.series.station.elevation - verdicts.series.station.elevation)
            found.append(Neighbour(other.series.times, values + lift if lift else values))
    return found


def _in_space(among: _Among, name: str) -> None:
    """The spatial check of one parameter, where there are enough neighbours at all."""
    verdicts, neighbours = among.verdicts, among.neighbours[name]
    times, limits = verdicts.series.times, verdicts.limits[name]
    if len(neighbours) < MIN_NEIGHBOURS:
        return
    median, spread = np.full(len(times), np.nan), np.full(len(times), np.nan)
    if "spatial_floor" in limits:
        rows, moments = among.every
        median[rows], spread[rows] = median_and_spread(neighbours, moments, min_neighbours=MIN_NEIGHBOURS)
    else:
        # What is compared by the day only.
        rows, moments = among.few
        median[rows] = neighbour_median(neighbours, moments, min_neighbours=MIN_NEIGHBOURS)
    if np.isnan(median).all():
        return
    verdicts.medians[name] = median
    if "spatial_floor" in limits:
        alive = verdicts.alive(name)
        own = expected(
            alive,
            median,
            times,
            hours=_OFFSET_HOURS,
            min_hours=_OFFSET_MIN_HOURS,
            max_offset=limits["spatial_max_offset"],
        )
        flags = spatial(
            alive,
            own,
            spread,
            suspect_z=limits["spatial_suspect_z"],
            fail_z=limits["spatial_fail_z"],
            floor=limits["spatial_floor"],
        )
        verdicts.add("spatial", name, flags)


def _as_a_whole(verdicts: Verdicts, name: str, median: Floats) -> None:
    times, limits = verdicts.series.times, verdicts.limits[name]
    if "bias_limit" in limits:
        flags = whole.bias(
            verdicts.alive(name),
            median,
            times,
            days=int(limits["bias_days"]),
            limit=limits["bias_limit"],
            min_hours=int(limits["bias_min_hours"]),
        )
        verdicts.add("bias", name, flags)
    if "stuck_tolerance" in limits:
        flags = whole.stuck(
            verdicts.alive(name),
            times,
            median,
            tolerance=limits["stuck_tolerance"],
            neighbour_range=limits["stuck_neighbour_range"],
            min_hours=int(limits["stuck_min_hours"]),
        )
        verdicts.add("stuck", name, flags)


def _clock(among: _Among) -> None:
    """A wrong clock makes every value of the time suspect."""
    verdicts, rows, neighbours = among.verdicts, among.few.rows, among.neighbours[_CLOCK_PARAMETER]
    limits, times = verdicts.clock_limits, verdicts.series.times

    def reference(times: Times) -> Floats:
        return neighbour_median(neighbours, Moments(times, _WINDOW_MINUTES), min_neighbours=MIN_NEIGHBOURS)

    flags = whole.clock(
        verdicts.alive(_CLOCK_PARAMETER)[rows],
        times[rows],
        reference,
        shifts_hours=_SHIFTS_HOURS,
        window_days=int(limits["clock_window_days"]),
        min_hours=int(limits["clock_min_hours"]),
        improvement=limits["clock_improvement"],
    )
    days = times // DAY_MS
    suspect, judged = (np.isin(days, days[rows][np.isin(flags, kinds)]) for kinds in ((SUSPECT,), (GOOD, SUSPECT)))
    for name in verdicts.flags:
        verdicts.add("clock", name, flags_of(verdicts.alive(name), suspect=suspect, evaluated=judged))


def _first_of_slots(times: Times) -> Rows:
    slots = times // _SLOT_MS
    return np.flatnonzero(np.diff(slots, prepend=slots[:1] - 1))


def _flag_rates(verdicts: Verdicts, before: Mapping[str, Flags]) -> None:
    for name, limits in verdicts.limits.items():
        if verdicts.has(name) and "flag_rate_limit" in limits:
            flags = whole.flag_rate(
                before[name],
                verdicts.series.times,
                limit=limits["flag_rate_limit"],
                min_values=int(limits["flag_rate_min_values"]),
            )
            verdicts.add("flag_rate", name, flags)
