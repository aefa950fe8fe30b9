"""Errors of known size, put at random places into the real week, and what the checks say of them.

The table is used by the test beside it and by docs/generate.py. Every place is drawn from a seed, so the numbers are
the same each time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from forecast.core.clock import DAY_MS
from forecast.core.parameters import MEASURED_NAMES
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
    """Every value of the station; it has to be told on the days on which the stations can be compared."""

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


_QUICK: Final = (*TEN_MINUTES, *WUNDERGROUND)
# Between them they have every parameter but snow.
_ALL_PARAMETERS: Final = (LESQUIN, LA_MADELEINE)
_AT_HOURLY: Final = ", hourly station"
_SPIKES: Final = ((T, "±5 °C", 5), (TD, "±5 °C", 5), (P, "±3 hPa", 3), (RH, "±25 %", 25))
_STEPS: Final = ((P, "±3 hPa", 3), (T, "±8 °C", 8), (TD, "±8 °C", 8), (RH, "±40 %", 40))
_AN_HOUR: Final = (
    (T, "+5 °C", plus(5), 0.9),
    (T, "-5 °C", plus(-5), 0.9),
    (TD, "+5 °C", plus(5), 0.9),
    (RH, "-30 %", plus(-30), 0.9),
    # Barometers that stand 8 hPa from each other make a wide spread.
    (P, "±8 hPa", plus_or_minus(8), 0.75),
)
# At an hourly station the air itself changes by as much as an error of 3 hPa is above the limit.
_LEAST_AT_HOURLY: Final = {P: 0.3}
# Of errors that last: more of them would leave little of two and a half days untouched.
_FEW, _FAR_HOURS = 3, 10


def _experiments() -> Iterator[Experiment]:
    for parameter in MEASURED_NAMES:
        above = at_places(parameter, beyond(parameter, "gross_range_fail_max", 1))
        yield Experiment(
            "gross_range", "1 above the upper limit", parameter, above, 1, _ALL_PARAMETERS, 1, together="each"
        )
    for parameter in (T, TD, RH, P, SPEED):
        words = "temperature, dew point, humidity, pressure, wind speed"
        alter = at_places(parameter, to(-99.9))
        yield Experiment("gross_range", "-99.9 for a value", parameter, alter, 1, _ALL_PARAMETERS, 1, together=words)
    a_share = at_places(RH, times(0.01), where=where_value(RH, lambda humidity: humidity < 100))
    yield Experiment("gross_range", "a share of 1 below 100 %", RH, a_share, 1)
    for parameter, value, unit in ((T, 37, "°C"), (TD, 31, "°C"), (P, 935, "hPa"), (SPEED, 55, "m/s")):
        alter = at_places(parameter, to(value))
        yield Experiment("climatology", f"{value} {unit} in October", parameter, alter, 1, trials=1)
    yield from _contradictions()
    yield from _changes()
    yield from _still()
    yield from _rain()
    for parameter, words, change, least in _AN_HOUR:
        alter = at_places(
            parameter, change, minutes=60, where=compared(parameter), at_once=_FEW, apart_hours=_FAR_HOURS
        )
        yield Experiment("buddy_check", f"{words} for 1 h", parameter, alter, least, trials=4, by_itself=True)
    yield Experiment("bias", "±5 hPa all the time", P, all_the_time(P, plus_or_minus(5)), 0.95, by_itself=True)
    for parameter in (T, P, RH):
        yield Experiment("stuck", "the same value for a day", parameter, on_a_day(parameter, stand_still), 0.95)
    for hours in (-2, -1, 1, 2):
        yield Experiment(
            "clock_offset",
            f"off by {hours:+d} h, flagged within 2 days",
            T,
            clock_off(hours),
            1,
            trials=1,
            by_itself=True,
        )
    alter = on_a_day(T, to(-99.9), share=0.25, flags_rest=True)
    yield Experiment("flag_rate", "-99.9 for a quarter of a day: the rest of it", T, alter, 1, by_itself=True)


def _contradictions() -> Iterator[Experiment]:
    def at(check: str, error: str, parameter: str, change: Change, where: Where = everywhere) -> Experiment:
        return Experiment(check, error, parameter, at_places(parameter, change, where=where), 1, by_itself=True)

    windy = where_value(SPEED, lambda speed: speed >= 1.5)
    dark, high = at_sun(lambda height: height < -6), at_sun(lambda height: height > 20)
    three_hours = where_value(THREE_HOURS, lambda amount: amount >= 0)
    yield at("dew_point_above_temperature", "1 °C above the temperature", TD, other(T, 1))
    yield at("dew_point_from_humidity", "-10 %", RH, plus(-10))
    yield at("gust_below_mean", "1 m/s below the mean wind", GUST, other(SPEED, -1), windy)
    yield at("gust_above_mean", "40 m/s above the mean wind", GUST, other(SPEED, 40))
    yield at("direction_at_calm", "0 (calm) in a wind of 1.5 m/s or more", DIRECTION, to(0), windy)
    yield at("nested_accumulation", "0.5 mm more than in 3 h", ONE_HOUR, other(THREE_HOURS, 0.5), three_hours)
    yield at("solar_range", "20 W/m² at night", SOLAR, to(20), dark)
    yield at("solar_range", "1300 W/m² by day", SOLAR, to(1300), high)
    yield at("solar_range", "index 1 at night", UV, to(1), dark)
    yield at("snowfall_with_warmth", "code 71 (snow)", WEATHER, to(71), where_value(T, lambda t: t > 4))


def _changes() -> Iterator[Experiment]:
    for stations, more in ((_QUICK, ""), (HOURLY, _AT_HOURLY)):
        for parameter, words, size in _SPIKES:
            least = _LEAST_AT_HOURLY.get(parameter, 0.95) if more else 0.95
            alter = at_places(parameter, plus_or_minus(size))
            yield Experiment(
                "spike", f"{words} for one value{more}", parameter, alter, least, stations, trials=8 if more else 3
            )
    for stations, more in ((_QUICK, ""), (HOURLY, _AT_HOURLY)):
        for parameter, words, size in _STEPS:
            least = _LEAST_AT_HOURLY.get(parameter, 0.95) if more else 0.95
            where, change = compared_in_time(parameter), plus_or_minus(size)
            alter = at_places(
                parameter, change, minutes=180, where=where, first_told=True, at_once=_FEW, apart_hours=_FAR_HOURS
            )
            error = f"{words} for 3 h, flagged at once{more}"
            yield Experiment("rate_of_change", error, parameter, alter, least, stations, trials=8 if more else 4)
    alter = at_places(SPEED, plus(12), minutes=60, first_told=True, at_once=_FEW, apart_hours=_FAR_HOURS)
    yield Experiment("rate_of_change", "+12 m/s for 1 h, flagged at once", SPEED, alter, 0.95)


def _still() -> Iterator[Experiment]:
    def still(
        parameter: str, hours: int, words: str = "", stations: Sequence[str] = STATIONS, where: Where = everywhere
    ) -> Experiment:
        alter = at_places(
            parameter,
            stand_still,
            minutes=60 * hours,
            where=where,
            throughout=where is not everywhere,
            at_once=_FEW,
            apart_hours=_FAR_HOURS,
        )
        return Experiment("persistence", f"stands still for {hours} h{words}", parameter, alter, 0.95, stations)

    yield still(T, 6)
    yield still(TD, 6)
    yield still(P, 6, ", InfoClimat", INFOCLIMAT)
    yield still(P, 12, ", Weather Underground", WUNDERGROUND)
    yield still(RH, 12, " below 95 %", where=where_value(RH, lambda humidity: humidity < 95))
    yield still(SPEED, 12, " above 0", where=where_value(SPEED, lambda speed: speed > 0))
    yield still(DIRECTION, 6, " in wind", where=where_value(SPEED, lambda speed: speed > 0.5))
    yield still(SOLAR, 3, " by day", where=at_sun(lambda height: height > 5))


def _rain() -> Iterator[Experiment]:
    counted = where_value(COUNTER, lambda counter: counter >= 1)
    half = for_good(COUNTER, half_from_here, where=counted)
    zero = at_places(COUNTER, to(0), where=counted)
    between = at_places(THREE_HOURS, to(0), where=between_synoptic_hours, where_missing=True)
    yield Experiment("rain_counter", "+20 mm at once", COUNTER, for_good(COUNTER, plus(20)), 1, trials=4)
    yield Experiment("rain_counter", "falls to half without a reset", COUNTER, half, 1, trials=4)
    yield Experiment("rain_counter", "0 for one reading after 1 mm or more", COUNTER, zero, 1)
    yield Experiment("false_zero", "0 between synoptic hours", THREE_HOURS, between, 1, INFOCLIMAT)


EXPERIMENTS: Final = tuple(_experiments())


def table_rows() -> Iterator[tuple[str, ...]]:
    """The outcomes in words; experiments told as one are summed."""
    sums: dict[tuple[str, str, str], Outcome] = {}
    for experiment in EXPERIMENTS:
        where = experiment.together or f"`{experiment.parameter}`"
        key = (experiment.check, experiment.error, where)
        sums[key] = sums.get(key, Outcome()) + outcome_of(experiment)
    for (check, error, where), outcome in sums.items():
        yield (
            f"`{check}`",
            error,
            where,
            str(outcome.errors),
            _percent(outcome.caught, outcome.errors, 0),
            _percent(outcome.caught_by_check, outcome.errors, 0),
            _percent(outcome.values_flagged, outcome.values, 0),
            _percent(outcome.suspect, outcome.untouched, 2),
            _percent(outcome.failed, outcome.untouched, 2),
        )


TABLE_HEAD: Final = (
    *("check", "error", "in", "errors", "caught", "by the check itself", "changed values flagged"),
    *("others suspect", "others failed"),
)


def _percent(part: int, whole: int, digits: int) -> str:
    return f"{100 * part / whole:.{digits}f} %"
