"""Daily aggregates of a station: how many values it has, how many are flagged, and their range."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from forecast.core.clock import DAY_MS
from forecast.core.parameters import PARAMETERS, Quantity
from forecast.core.presence import expected_a_day
from forecast.qc.days import days_of
from forecast.qc.flags import FAIL, GOOD, SUSPECT, Floats, Mask, is_flagged
from forecast.qc.results import QcResults

_DIRECTIONS: Final = frozenset(parameter.name for parameter in PARAMETERS if parameter.quantity is Quantity.ANGLE)
_AMOUNT: Final = "precipitation_amount"
# When directions cancel out, only rounding errors remain.
_NO_RESULTANT: Final = 1e-9
Starts = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class ParameterDay:
    """One parameter of a station on one day: how many values there are, and how many of them each check flagged.

    `suspect` and `fail` count flags 3 and 4. `min`, `mean` and `max` cover the values that are not flagged, in the
    parameter's unit; None if there are none. The mean of a direction is that of its unit vectors (above 0 and up to
    360, which is north), without directions at calm. A direction has neither min nor max.
    """

    received: int
    suspect: int
    failed: int
    min: float | None
    mean: float | None
    max: float | None
    checks: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class StationDay:
    """A station's observations on one UTC day (since 1970), and how many a complete day has.

    `parameters` only includes those with at least one value.
    """

    station: str
    day: int
    expected: int
    received: int
    parameters: Mapping[str, ParameterDay]


def station_days(results: QcResults, days: Mapping[str, Set[int]]) -> Iterator[StationDay]:
    """The aggregates of these days, by station. Days without observations are left out."""
    series = results.series
    rows = np.flatnonzero(series.rows_on(days))
    if not len(rows):
        return
    starts = days_of(series.axis[rows]).starts
    names = [*series.values, *([] if np.isnan(results.amount[rows]).all() else [_AMOUNT])]
    columns = {name: _of_parameter(name, results, rows, starts) for name in names}
    stations = [series.stations[place] for place in series.of_row[rows[starts]].tolist()]
    numbers = (series.times[rows[starts]] // DAY_MS).tolist()
    received = np.diff(starts, append=len(rows)).tolist()
    for place, (station, day, number) in enumerate(zip(stations, numbers, received, strict=True)):
        parameters = {name: found for name, by_day in columns.items() if (found := by_day[place]) is not None}
        yield StationDay(station.id, day, expected_a_day(station), number, parameters)


def _of_parameter(
    name: str, results: QcResults, rows: npt.NDArray[np.intp], starts: Starts
) -> list[ParameterDay | None]:
    """The aggregates of one parameter, day by day, None without values; `starts` are the first rows of the days."""
    values = (results.amount if name == _AMOUNT else results.series.values[name])[rows]
    # The derived amount has no flag of its own: it is computed from counter values that did not fail.
    flags = np.full(len(rows), GOOD, np.uint8) if name == _AMOUNT else results.flags[name][rows]
    present = ~np.isnan(values)
    # A direction at calm is set aside, so it is not evaluated.
    unflagged = present & (flags == GOOD if name in _DIRECTIONS else (flags != SUSPECT) & (flags != FAIL))
    checks = {
        check: _count(is_flagged(given[rows]), starts)
        for (check, parameter), given in results.by_check.items()
        if parameter == name
    }
    received, suspect, failed = (_count(mask, starts) for mask in (present, flags == SUSPECT, flags == FAIL))
    lowest, mean, highest = _range(name, values, unflagged, starts)
    return [
        ParameterDay(
            received[place],
            suspect[place],
            failed[place],
            lowest[place],
            mean[place],
            highest[place],
            {check: number[place] for check, number in checks.items() if number[place]},
        )
        if received[place]
        else None
        for place in range(len(starts))
    ]


def _range(
    name: str, values: Floats, among: Mask, starts: Starts
) -> tuple[list[float | None], list[float | None], list[float | None]]:
    """The lowest value, the mean and the highest value of each day, over some of the values."""
    number = np.add.reduceat(among.astype(np.int64), starts)
    if name in _DIRECTIONS:
        nothing = np.full(len(starts), np.nan)
        return _listed(nothing), _listed(mean_direction(values, among, starts)), _listed(nothing)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.add.reduceat(np.where(among, values, 0.0), starts) / number
    lowest = np.minimum.reduceat(np.where(among, values, np.inf), starts)
    highest = np.maximum.reduceat(np.where(among, values, -np.inf), starts)
    # Rounding can put the mean of equal values slightly outside their range.
    limits = (lowest, mean.clip(lowest, highest), highest)
    first, second, third = (_listed(np.where(number > 0, found, np.nan)) for found in limits)
    return first, second, third


def mean_direction(values: Floats, among: Mask, starts: Starts) -> Floats:
    """The direction of the sum of unit vectors, in degrees; NaN if they cancel out."""
    angles = np.radians(np.where(among, values, 0.0))
    east, north = (np.add.reduceat(np.where(among, part(angles), 0.0), starts) for part in (np.sin, np.cos))
    degrees = np.degrees(np.arctan2(east, north)) % 360
    # North, within the rounding error.
    degrees = np.where(degrees < _NO_RESULTANT, 360.0, degrees)
    return np.where(np.hypot(east, north) > _NO_RESULTANT * np.diff(starts, append=len(values)), degrees, np.nan)


def _count(mask: Mask, starts: Starts) -> list[int]:
    numbers: list[int] = np.add.reduceat(mask.astype(np.int64), starts).tolist()
    return numbers


def _listed(values: Floats) -> list[float | None]:
    return [None if np.isnan(value) else value for value in values.tolist()]
