"""Errors of known size, put at random places into the real week, and what the checks say of them.

The test of a check says which errors it has to find, in its EXPERIMENTS; `every_check.py` has them all. Every place is
drawn from a seed, so the numbers are the same each time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from forecast.core.clock import DAY_MS
from forecast.qc.flags import FAIL, GOOD, SUSPECT, Floats, Mask, Times
from forecast.qc.limits import limits_of
from forecast.qc.results import QcResults
from forecast.qc.runner import run_station_checks
from forecast.qc.series import Series
from forecast.qc.sun import solar_elevation
from tests.networks import evaluate_among
from tests.quality.week import DATA, HOUR_MS, Week, read_week
from tests.real_week import ARMENTIERES, BERGUES, HAZEBROUCK, ICHTEGEM, LA_MADELEINE, LESQUIN

Rows = npt.NDArray[np.intp]
Random = np.random.Generator

SEED: Final = 2024
T, TD, RH, P = "air_temperature", "dew_point_temperature", "relative_humidity", "air_pressure_at_mean_sea_level"
SPEED, GUST, DIRECTION = "wind_speed", "wind_speed_of_gust", "wind_from_direction"
RATE, ONE_HOUR, THREE_HOURS = "rainfall_rate", "precipitation_amount_1h", "precipitation_amount_3h"
COUNTER, WEATHER = "precipitation_counter", "present_weather"
UV, SOLAR = "ultraviolet_index", "surface_downwelling_shortwave_flux_in_air"
HOURLY: Final = (LESQUIN,)
TEN_MINUTES: Final = (ARMENTIERES, BERGUES, HAZEBROUCK)
INFOCLIMAT: Final = (*TEN_MINUTES, *HOURLY)
WUNDERGROUND: Final = (ICHTEGEM, LA_MADELEINE)
QUICK: Final = (*TEN_MINUTES, *WUNDERGROUND)
STATIONS: Final = (*INFOCLIMAT, *WUNDERGROUND)
# What is wrong in that week as it was published: no error is put there, and no flag there is a false alarm.
KNOWN_FAULTS: Final = frozenset(
    {
        (ICHTEGEM, P),
        (BERGUES, THREE_HOURS),
        # Two of its hours have more rain than the three hours around them.
        (BERGUES, ONE_HOUR),
    }
)
# Of errors that last: more of them would leave little of two and a half days untouched.
FEW, FAR_HOURS = 3, 10
# At an hourly station the air itself changes by as much as an error of 3 hPa is above the limit.
LEAST_AT_HOURLY: Final = {P: 0.3}
# The days on which stations can be compared.
FIRST_COMPARED: Final = 20_001 * DAY_MS


class Error(NamedTuple):
    """One error: the rows of a parameter that were changed, and those of which one has to be flagged."""

    parameter: str
    rows: Rows
    told: Rows


class Altered(NamedTuple):
    """A series with errors; where its times were changed, no value of it is untouched."""

    series: Series
    errors: list[Error]
    untimed: bool = False


@dataclass(frozen=True)
class Clean:
    """The week as it was published, and what the checks say of it: `alone` before the stations are compared."""

    week: Week
    alone: dict[str, QcResults]
    results: dict[str, QcResults]

    @classmethod
    def of(cls, week: Week) -> Clean:
        alone = {name: run_station_checks(series) for name, series in week.items()}
        results = {name: _copy(one) for name, one in alone.items()}
        evaluate_among(results)
        return cls(week, alone, results)

    def evaluated_with(self, series: Series) -> dict[str, QcResults]:
        """What the checks say where one station's series is another."""
        results = {name: _copy(one) for name, one in self.alone.items()} | {
            series.stations[0].id: run_station_checks(series)
        }
        evaluate_among(results)
        return results

    def sound(self, station: str, parameter: str) -> Mask:
        """The values that no check flags."""
        return np.isin(self.results[station].flags[parameter], (SUSPECT, FAIL), invert=True) & ~np.isnan(
            self.week[station].values[parameter]
        )


def _copy(results: QcResults) -> QcResults:
    copy = QcResults(results.series)
    copy.flags = dict(results.flags)
    copy.by_check = dict(results.by_check)
    copy.amount = results.amount
    return copy


Alter = Callable[[Clean, str, Random], Altered]
Change = Callable[[Floats, Series, Rows, Random], Floats]
Where = Callable[[Clean, str], Mask]


@dataclass(frozen=True)
class Experiment:
    """Errors of one kind at some stations; `aim` is the share of them that has to be caught.

    In each of the `trials` one station is altered. `by_itself`: the check has to catch that share, and not any of them.
    """

    check: str
    error: str
    parameter: str
    alter: Alter
    aim: float
    stations: Sequence[str] = STATIONS
    trials: int = 2
    by_itself: bool = False
    # The parameters in words, where experiments are told as one.
    together: str | None = None


@dataclass
class Outcome:
    """What became of the errors of an experiment, and of the values that were left as they were."""

    errors: int = 0
    caught: int = 0
    caught_by_check: int = 0
    values: int = 0
    values_flagged: int = 0
    untouched: int = 0
    suspect: int = 0
    failed: int = 0

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))


@cache
def clean_week() -> Clean:
    """The published files; what follows is worked out once for all tests."""
    return Clean.of(read_week(DATA / "raw-native"))


# The words that places are drawn by where they are not the check's id: another id is no other experiment.
_DRAWN_BY = {
    "climatology": "seasonal_range",
    "rate_of_change": "step",
    "rain_counter": "counter",
    "buddy_check": "spatial",
    "clock_offset": "clock",
}


@cache
def outcome_of(experiment: Experiment) -> Outcome:
    """Make an experiment with the published week."""
    clean, outcome = clean_week(), Outcome()
    for station in experiment.stations:
        series = clean.week[station]
        if (station, experiment.parameter) in KNOWN_FAULTS or experiment.parameter not in series.values:
            continue
        for trial in range(experiment.trials):
            drawn_by = _DRAWN_BY.get(experiment.check, experiment.check)
            words = f"{drawn_by}, {experiment.error}, {experiment.parameter}, {station}, {trial}"
            random = np.random.default_rng([SEED, *words.encode()])
            altered = experiment.alter(clean, station, random)
            if altered.errors:
                _count(outcome, clean.evaluated_with(altered.series), altered, experiment.check)
    return outcome


def _count(outcome: Outcome, all_results: dict[str, QcResults], altered: Altered, check: str) -> None:
    station = altered.series.stations[0].id
    results = all_results[station]
    for parameter, rows, told in altered.errors:
        flagged = np.isin(results.flags[parameter], (SUSPECT, FAIL))
        by_check = results.by_check.get((check, parameter), np.zeros(len(flagged)))
        outcome.errors += 1
        outcome.caught += bool(flagged[told].any())
        outcome.caught_by_check += bool(np.isin(by_check[told], (SUSPECT, FAIL)).any())
        outcome.values += len(rows)
        outcome.values_flagged += int(flagged[rows].sum())
    for name, one in all_results.items():
        for parameter in one.flags:
            if (name, parameter) in KNOWN_FAULTS or (altered.untimed and name == station):
                continue
            untouched = ~np.isnan(one.series.values[parameter])
            for error in altered.errors if name == station else ():
                if error.parameter == parameter:
                    untouched[error.rows] = untouched[error.told] = False
            flags = one.flags[parameter][untouched]
            outcome.untouched += len(flags)
            outcome.suspect += int((flags == SUSPECT).sum())
            outcome.failed += int((flags == FAIL).sum())


class Tally(NamedTuple):
    """How many values of the week there are, and how many are flagged in which way."""

    values: int
    suspect: int
    failed: int


def tally_of_sound(clean: Clean) -> Tally:
    """Known faults apart."""
    values = suspect = failed = 0
    for name, results in clean.results.items():
        for parameter, flags in results.flags.items():
            if (name, parameter) not in KNOWN_FAULTS:
                values += int((~np.isnan(results.series.values[parameter])).sum())
                suspect += int((flags == SUSPECT).sum())
                failed += int((flags == FAIL).sum())
    return Tally(values, suspect, failed)


# Errors at random places.


def everywhere(clean: Clean, station: str) -> Mask:
    return np.ones(len(clean.week[station].times), dtype=bool)


def compared(parameter: str) -> Where:
    """Where the value has enough neighbours."""

    def where(clean: Clean, station: str) -> Mask:
        return np.isin(clean.results[station].by_check["buddy_check", parameter], (GOOD, SUSPECT, FAIL))

    return where


def at_places(
    parameter: str,
    change: Change,
    *,
    minutes: float = 0,
    where: Where = everywhere,
    at_once: int = 8,
    apart_hours: float = 8,
    where_missing: bool = False,
    throughout: bool = False,
    first_told: bool = False,
) -> Alter:
    """Errors that begin at sound values and last some minutes: all values of these are changed.

    They begin where `where` says so, or lie wholly there (`throughout`). `first_told`: the first of the values has to
    be flagged, not just any.
    """

    def alter(clean: Clean, station: str, random: Random) -> Altered:
        series = clean.week[station]
        sound = np.isnan(series.values[parameter]) if where_missing else clean.sound(station, parameter)
        allowed = sound & where(clean, station)
        values = series.values[parameter].copy()
        errors = []
        for place in _places(series.times, allowed, random, minutes, apart_hours):
            if throughout and not allowed[place].all():
                continue
            rows = place[sound[place]]
            values[rows] = change(values[rows], series, rows, random)
            errors.append(Error(parameter, rows, rows[:1] if first_told else rows))
            if len(errors) == at_once:
                break
        return Altered(_with(series, parameter, values), errors)

    return alter


def _places(times: Times, allowed: Mask, random: Random, minutes: float, apart_hours: float) -> Iterator[Rows]:
    """Rows of errors, far enough from each other; one that lasts minutes has values at both ends of them."""
    taken: list[tuple[int, int]] = []
    apart = apart_hours * HOUR_MS
    for start in random.permutation(np.flatnonzero(allowed)).tolist():
        end = int(np.searchsorted(times, times[start] + round(minutes * 60_000), side="left")) + 1
        if end > len(times):
            continue
        first, last = int(times[start]), int(times[end - 1])
        if all(last + apart < before or first - apart > after for before, after in taken):
            taken.append((first, last))
            yield np.arange(start, end)


def for_good(parameter: str, change: Change, *, where: Where = everywhere) -> Alter:
    """One error that begins at a random value and stays: its first value has to be flagged."""

    def alter(clean: Clean, station: str, random: Random) -> Altered:
        series = clean.week[station]
        places = np.flatnonzero(clean.sound(station, parameter) & where(clean, station))[1:]
        if not len(places):
            return Altered(series, [])
        rows = np.arange(random.choice(places), len(series.times))
        values = series.values[parameter].copy()
        values[rows] = change(values[rows], series, rows, random)
        return Altered(_with(series, parameter, values), [Error(parameter, rows, rows[:1])])

    return alter


def on_a_day(parameter: str, change: Change, *, flags_rest: bool = False, share: float = 1) -> Alter:
    """A share of the values of one of the two whole days on which the stations can be compared.

    `flags_rest`: the other values of that day have to be flagged.
    """

    def alter(clean: Clean, station: str, random: Random) -> Altered:
        series = clean.week[station]
        day = FIRST_COMPARED // DAY_MS + random.integers(2)
        of_day = np.flatnonzero(clean.sound(station, parameter) & (series.times // DAY_MS == day))
        rows = np.sort(random.choice(of_day, round(share * len(of_day)), replace=False))
        values = series.values[parameter].copy()
        values[rows] = change(values[rows], series, rows, random)
        told = np.setdiff1d(of_day, rows) if flags_rest else rows
        return Altered(_with(series, parameter, values), [Error(parameter, rows, told)])

    return alter


def all_the_time(parameter: str, change: Change) -> Alter:
    """Every value of the station; it has to be found on the days on which the stations can be compared."""

    def alter(clean: Clean, station: str, random: Random) -> Altered:
        series = clean.week[station]
        rows = np.flatnonzero(~np.isnan(series.values[parameter]))
        values = series.values[parameter].copy()
        values[rows] = change(values[rows], series, rows, random)
        return Altered(
            _with(series, parameter, values), [Error(parameter, rows, rows[_in_two_days(series.times[rows])])]
        )

    return alter


def clock_off(hours: float) -> Alter:
    """All times of a station moved; it has to be flagged within the two days on which the stations can be compared."""

    def alter(clean: Clean, station: str, _: Random) -> Altered:
        series = clean.week[station]
        moved = replace(series, times=series.times + round(hours * HOUR_MS))
        rows = np.arange(len(moved.times))
        return Altered(moved, [Error(T, rows, rows[_in_two_days(moved.times)])], untimed=True)

    return alter


def _in_two_days(times: Times) -> Mask:
    return (times >= FIRST_COMPARED) & (times < FIRST_COMPARED + 2 * DAY_MS)


def _with(series: Series, parameter: str, values: Floats) -> Series:
    return replace(series, values={**series.values, parameter: values})


# What is done to values.


def to(value: float) -> Change:
    return lambda values, *_: np.full(len(values), value)


def plus(size: float) -> Change:
    return lambda values, *_: values + size


def times(factor: float) -> Change:
    return lambda values, *_: values * factor


def plus_or_minus(size: float) -> Change:
    return lambda values, _series, _rows, random: values + size * random.choice((-1, 1))


def stand_still(values: Floats, *_: object) -> Floats:
    return np.full(len(values), values[0])


def beyond(parameter: str, limit: str, by: float) -> Change:
    """A limit of a check, and something."""
    return lambda values, series, *_: np.full(
        len(values), limits_of(series.stations[0], series.network_limits)[parameter][limit] + by
    )


def other(parameter: str, by: float) -> Change:
    """The value of another parameter at the same time, and something."""
    return lambda values, series, rows, _: series.values[parameter][rows] + by


def half_from_here(values: Floats, series: Series, rows: Rows, _: Random) -> Floats:
    """A counter that falls to half without a reset, until its next one."""
    reset = np.flatnonzero(np.diff(values) < 0)
    end = int(reset[0]) + 1 if len(reset) else len(values)
    return np.concatenate([values[:end] - values[0] / 2, values[end:]])


# Where it is done.


def where_value(parameter: str, holds: Callable[[Floats], Mask]) -> Where:
    return lambda clean, station: holds(clean.week[station].values[parameter])


def at_sun(holds: Callable[[Floats], Mask]) -> Where:
    def where(clean: Clean, station: str) -> Mask:
        series = clean.week[station]
        return holds(solar_elevation(series.times, series.stations[0].latitude, series.stations[0].longitude))

    return where


def between_synoptic_hours(clean: Clean, station: str) -> Mask:
    times = clean.week[station].times
    between: Mask = (times % HOUR_MS == 0) & (times % (3 * HOUR_MS) != 0)
    return between


def compared_in_time(parameter: str) -> Where:
    """Where the value follows another, as it does not at the very beginning."""
    return lambda clean, station: np.isin(
        clean.results[station].by_check["rate_of_change", parameter], (GOOD, SUSPECT, FAIL)
    )
