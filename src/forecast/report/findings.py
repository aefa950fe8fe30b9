"""What the checks found: counts, the worst stretches, completeness by day, and what to do about it in words.

Its memory grows with stations, parameters, checks and days, never with the number of observations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple

import numpy as np

from forecast.flags import FAIL, GOOD, SUSPECT, Flags, Floats, Mask
from forecast.parameters import MEASURED_NAMES, PARAMETERS
from forecast.report.write import iso_time
from forecast.series import CHECKS, DAY_MS, Verdicts
from forecast.stations import Station

MOST_STRETCHES: Final = 10
_MOST_VALUES: Final = 5
_MOST_ADVICE: Final = 20
# A failed value weighs as much as three suspect ones.
_FAIL_WEIGHT: Final = 3
_MINUTES_A_DAY: Final = 1440
_DIGITS: Final = 6
_UNITS: Final = {parameter.name: parameter.unit for parameter in PARAMETERS}

ADVICE: Final[Mapping[str, str]] = {
    "gross_range": "beyond what instrument or weather can do: look at the sensor, and at the unit of the source",
    "seasonal_range": "beyond what the season brings there: look at the sensor",
    "dew_point_above_temperature": "the dew point is above the temperature: one of the two sensors is wrong",
    "dew_point_from_humidity": "dew point and humidity do not go together: look at the hygrometer and its software",
    "gust_below_mean": "the gust is below the mean wind: look at the averaging of the station's software",
    "gust_above_mean": "the gust is far above the mean wind: look at the anemometer",
    "direction_at_calm": "a direction without wind says nothing: leave out the direction where the speed is 0",
    "nested_accumulation": "more rain in one hour than in the three hours around it: the longer sum is not reliable",
    "rain_in_dry_air": "rain in dry air: look at the rain gauge (sprinkler, vibration) and at the hygrometer",
    "rain_without_cloud": "rain from a clear sky: look at the rain gauge, and at who reports the clouds",
    "solar_range": "more sun than there can be: look at the sensor's place, its unit and the station's clock",
    "snow_with_warmth": "snow grows in the warmth: look at the snow sensor (grass, an animal)",
    "snowfall_with_warmth": "snowfall is reported in the warmth: look at the present weather sensor",
    "spike": "values jump out and back: look at cables, radio and power",
    "step": "values jump: look for a change of the sensor, its place or its calibration",
    "persistence": "values stand still: the sensor is stuck, frozen or has lost its connection",
    "counter": "the rain counter jumps, or falls without starting again: use no sum over these hours",
    "false_zero": "a zero between synoptic hours means not measured: use the sums at 00, 03, 06 … UTC only",
    "spatial": "far from what the stations around measure: look at the sensor and its place",
    "bias": "always off its neighbours: correct it at the source (altitude, calibration); leave it out till then",
    "stuck": "stands still on a day that changes elsewhere: the sensor is stuck, or stands in the lee",
    "clock": "the day's curve fits the neighbours' when moved by hours: set the clock or the zone of the station",
    "flag_rate": "so many values of the day are flagged that the others are not to be trusted either",
}
# Of the station as a whole, which may be none but a file in the wrong folder; the clock is one for all parameters.
_WARNINGS: Final[Mapping[str, str]] = {
    "bias": (
        "{station} {parameter} is {off} its neighbours: is its calibration or its altitude wrong, or is a file of "
        "another station in its folder?"
    ),
    "stuck": "{station} {parameter} stands still on a day that changes elsewhere: is the sensor stuck, or in the lee?",
    "clock": (
        "{station} fits its neighbours when moved by hours: is its clock or its time zone wrong, or is a file of "
        "another station in its folder?"
    ),
}


class Stretch(NamedTuple):
    """Flagged values of one parameter one after another; times are ms since 1970."""

    weight: int
    station: str
    parameter: str
    first: int
    last: int
    flag: int
    number: int
    checks: tuple[str, ...]
    low: float
    high: float
    values: tuple[float, ...]

    def entry(self) -> dict[str, Any]:
        """As the report has it."""
        return {
            "station": self.station,
            "parameter": self.parameter,
            "from": _iso(self.first),
            "to": _iso(self.last),
            "checks": list(self.checks),
            "flag": self.flag,
            "number": self.number,
            "min": round(self.low, _DIGITS),
            "max": round(self.high, _DIGITS),
            "values": [round(value, _DIGITS) for value in self.values],
        }


@dataclass(slots=True)
class Findings:
    """Counts by (station, parameter, check); values by (station, parameter); received values by station and day.

    `judged_days` are the station-days whose verdicts were made now. Of other days only the flags are known, the
    `stored_` ones: they have no part in what is told out of a number of values.
    """

    evaluated: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    suspect: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    failed: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    values: Counter[tuple[str, str]] = field(default_factory=Counter)
    flagged: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    stored_by_check: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    stored_flagged: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    received: dict[str, dict[int, dict[str, int]]] = field(default_factory=dict)
    stations: dict[str, Station] = field(default_factory=dict)
    biases: dict[tuple[str, str], float] = field(default_factory=dict)
    worst: list[Stretch] = field(default_factory=list)
    judged_days: set[tuple[str, int]] = field(default_factory=set)

    def expect(self, station: Station, days: Iterable[int]) -> None:
        """Expect values of a station on these days, whether any came or not."""
        self.stations[station.id] = station
        received = self.received.setdefault(station.id, {})
        for day in days:
            received.setdefault(day, {})

    def hear(self, verdicts: Verdicts, changed_days: set[int]) -> None:
        """Count the verdicts on these days of a station, but for days that were heard before."""
        station, days = verdicts.series.station, verdicts.series.times // DAY_MS
        self.stations[station.id] = station
        rows = np.isin(days, [day for day in changed_days if (station.id, day) not in self.judged_days])
        for (check, name), flags in verdicts.by_check.items():
            key = (station.id, name, check)
            numbers = np.bincount(flags[rows], minlength=FAIL + 1).tolist()
            self.evaluated[key] += numbers[GOOD] + numbers[SUSPECT] + numbers[FAIL]
            self.suspect[key] += numbers[SUSPECT]
            self.failed[key] += numbers[FAIL]
        for name, flags in verdicts.flags.items():
            self.values[station.id, name] += int((~np.isnan(verdicts.series.values[name]) & rows).sum())
            numbers = np.bincount(flags[rows], minlength=FAIL + 1).tolist()
            for flag in (SUSPECT, FAIL):
                self.flagged[station.id, name, flag] += numbers[flag]
            self.worst += _stretches(verdicts, name, flags, rows)
            self._note_bias(verdicts, name, rows)
        self.worst = sorted(self.worst, reverse=True)[:MOST_STRETCHES]
        self._count_days(verdicts, days, rows)

    def add_stored(self, station: str, flags: Mapping[str, Any], number: int) -> None:
        """Count the flags that so many documents of a station have; they were not judged now, and are as they were."""
        for name, entry in flags.items():
            self.stored_flagged[station, name, entry["flag"]] += number
            for check in entry["checks"]:
                self.stored_by_check[station, name, check] += number

    @property
    def anomalies(self) -> int:
        """Values flagged 3 or 4."""
        return self._all_flagged().total()

    def flagged_of_station(self, station_id: str) -> int:
        """Values of a station flagged 3 or 4."""
        return sum(number for (station, _, _), number in self._all_flagged().items() if station == station_id)

    def flagged_of_parameter(self, parameter: str) -> int:
        """Values of a parameter flagged 3 or 4."""
        return sum(number for (_, name, _), number in self._all_flagged().items() if name == parameter)

    def by_check(self) -> dict[str, dict[str, int]]:
        """Evaluated, suspect and failed values of every check."""
        return {check: self._counts(lambda key, check=check: key[2] == check) for check in CHECKS}

    def by_station(self) -> dict[str, dict[str, dict[str, Any]]]:
        """By station and parameter: values, suspect, failed, and those of each check that flagged some."""
        found: dict[str, dict[str, dict[str, Any]]] = {}
        for station, name in sorted(self.values, key=lambda key: (key[0], MEASURED_NAMES.index(key[1]))):
            checks = {
                check: {"evaluated": self.evaluated[key], "suspect": self.suspect[key], "failed": self.failed[key]}
                for check in CHECKS
                if self.suspect[key := (station, name, check)] or self.failed[key]
            }
            found.setdefault(station, {})[name] = {
                "values": self.values[station, name],
                "suspect": self.flagged[station, name, SUSPECT],
                "failed": self.flagged[station, name, FAIL],
                "checks": checks,
            }
        return found

    def completeness(self, now: datetime) -> dict[str, Any]:
        """Received against expected values, by station, parameter and UTC day; a day that goes on counts up to now."""
        return {
            station_id: _completeness(self.stations[station_id], days, now)
            for station_id, days in sorted(self.received.items())
        }

    def expected(self, now: datetime) -> dict[str, int]:
        """Values of one parameter expected of each station, over all its days."""
        return {
            station_id: sum(_expected(self.stations[station_id], day, now) for day in days)
            for station_id, days in self.received.items()
        }

    def advice(self) -> list[dict[str, Any]]:
        """What to do, the most values first; no share of the values where some were not judged now."""
        numbers = self.suspect + self.failed + self.stored_by_check
        return [
            {
                "station": station,
                "parameter": name,
                "check": check,
                "number": number,
                "share": None
                if self.stored_by_check[station, name, check]
                else round(number / self.values[station, name], _DIGITS),
                "words": self._words(station, name, check),
            }
            for (station, name, check), number in numbers.most_common(_MOST_ADVICE)
        ]

    def warnings(self) -> Iterator[tuple[str, dict[str, str]]]:
        """What is wrong with a station as a whole, in words and as facts: one a station and parameter."""
        found = {
            (station, "" if check == "clock" else name, check)
            for (station, name, check), number in self.suspect.items()
            if number and check in _WARNINGS
        }
        for station, name, check in sorted(found):
            words = _WARNINGS[check].format(station=station, parameter=name, off=self._off(station, name))
            yield words, {"station": station, "check": check} | ({"parameter": name} if name else {})

    def _words(self, station: str, name: str, check: str) -> str:
        known = check == "bias" and (station, name) in self.biases
        return f"{self._off(station, name)} its neighbours; {ADVICE[check]}" if known else ADVICE[check]

    def _off(self, station: str, name: str) -> str:
        """How far a station is off its neighbours; without a number where none is known."""
        off = self.biases.get((station, name))
        if off is None:
            return "always off"
        return f"{abs(off):.1f} {_UNITS[name]} {'above' if off > 0 else 'below'}"

    def _all_flagged(self) -> Counter[tuple[str, str, int]]:
        return self.flagged + self.stored_flagged

    def _counts(self, takes: Any) -> dict[str, int]:
        counters = {"evaluated": self.evaluated, "suspect": self.suspect, "failed": self.failed}
        return {
            name: sum(number for key, number in counter.items() if takes(key)) for name, counter in counters.items()
        }

    def _note_bias(self, verdicts: Verdicts, name: str, rows: Mask) -> None:
        flags, median = verdicts.by_check.get(("bias", name)), verdicts.medians.get(name)
        if flags is not None and median is not None and (flags[rows] == SUSPECT).any():
            off = verdicts.series.values[name] - median
            self.biases[verdicts.series.station.id, name] = float(np.nanmedian(off[rows & (flags == SUSPECT)]))

    def _count_days(self, verdicts: Verdicts, days: np.ndarray, rows: Mask) -> None:
        received = self.received.setdefault(verdicts.series.station.id, {})
        distinct, which = np.unique(days[rows], return_inverse=True)
        numbers = {
            name: np.bincount(which, weights=~np.isnan(values[rows]), minlength=len(distinct)).astype(int).tolist()
            for name, values in verdicts.series.values.items()
        }
        for place, day in enumerate(distinct.tolist()):
            self.judged_days.add((verdicts.series.station.id, day))
            received[day] = {name: of_days[place] for name, of_days in numbers.items() if of_days[place]}


def _stretches(verdicts: Verdicts, name: str, flags: Flags, rows: Mask) -> list[Stretch]:
    """The longest stretches of flagged values one after another; a missing value is no end of one."""
    places = np.flatnonzero(~np.isnan(verdicts.series.values[name]))
    bad = np.isin(flags[places], (SUSPECT, FAIL)) & rows[places]
    edges = np.flatnonzero(np.diff(bad.astype(np.int8), prepend=0, append=0))
    ends = edges.reshape(-1, 2)
    longest = ends[np.argsort(ends[:, 0] - ends[:, 1], kind="stable")[:MOST_STRETCHES]] if len(ends) else ends
    # Short ones that failed may weigh more, but not more than the tenth of the longest by far.
    return [_stretch(verdicts, name, flags, places[first:last]) for first, last in longest.tolist()]


def _stretch(verdicts: Verdicts, name: str, flags: Flags, places: np.ndarray) -> Stretch:
    values: Floats = verdicts.series.values[name][places]
    failed = int((flags[places] == FAIL).sum())
    checks = tuple(
        check
        for check in CHECKS
        if (given := verdicts.by_check.get((check, name))) is not None and np.isin(given[places], (SUSPECT, FAIL)).any()
    )
    times = verdicts.series.times[places]
    return Stretch(
        weight=len(places) + (_FAIL_WEIGHT - 1) * failed,
        station=verdicts.series.station.id,
        parameter=name,
        first=int(times[0]),
        last=int(times[-1]),
        flag=FAIL if failed else SUSPECT,
        number=len(places),
        checks=checks,
        low=float(values.min()),
        high=float(values.max()),
        values=tuple(values[:_MOST_VALUES].tolist()),
    )


def _completeness(station: Station, received: dict[int, dict[str, int]], now: datetime) -> dict[str, Any]:
    days = sorted(received)
    expected = [_expected(station, day, now) for day in days]
    whole = sum(expected)
    counts = {name: [received[day].get(name, 0) for day in days] for name in station.parameters}
    return {
        "interval_minutes": station.interval_minutes,
        "days": [_date(day).isoformat() for day in days],
        "expected": expected,
        "received": counts,
        "share": {
            name: round(min(1.0, sum(numbers) / whole), _DIGITS) if whole else 0.0 for name, numbers in counts.items()
        },
    }


def _expected(station: Station, day: int, now: datetime) -> int:
    """Values that a station makes on a UTC day, or has made by now."""
    passed = min(_MINUTES_A_DAY, now.timestamp() / 60 - day * _MINUTES_A_DAY)
    return max(0, int(passed // station.interval_minutes))


def _date(day: int) -> date:
    return date(1970, 1, 1) + timedelta(days=day)


def _iso(milliseconds: int) -> str:
    return iso_time(datetime.fromtimestamp(milliseconds / 1000, UTC))
