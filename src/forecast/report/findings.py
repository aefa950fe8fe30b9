"""What the checks found: counts, the worst episodes, and completeness by day.

Its memory grows with stations, parameters, checks and days, never with the number of observations.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Final

import numpy as np
import numpy.typing as npt

from forecast.core.clock import DAY_MS
from forecast.core.parameters import MEASURED_NAMES
from forecast.core.presence import expected_on
from forecast.core.stations import Station
from forecast.qc.checks import bias
from forecast.qc.days import count_by_day, days_of
from forecast.qc.flags import FAIL, GOOD, MISSING, SUSPECT, Flags, Mask
from forecast.qc.registry import CHECKS
from forecast.qc.results import QcResults
from forecast.qc.series import Series
from forecast.report.episodes import MAX_EPISODES, FlagEpisode, worst_episodes
from forecast.report.models.quality import CheckCounts, Completeness, ParameterFlags
from forecast.report.write import DIGITS

# The only check whose number is reported: how far the station differs.
BIAS: Final = bias.CHECK.id
_PLACES: Final = {check: place for place, check in enumerate(CHECKS)}
_EVALUATED: Final = [GOOD, SUSPECT, FAIL]


@dataclass(slots=True)
class Findings:
    """Counts by (station, parameter, check); values by (station, parameter); received values by station and day.

    `evaluated_days` are the station-days that were evaluated now. For other days, only the flags are known, the
    `stored_` ones, which are not included in shares of a number of values.
    """

    evaluated: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    suspect: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    failed: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    values: Counter[tuple[str, str]] = field(default_factory=Counter)
    flagged: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    stored_by_check: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    stored_flagged: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    stored_failed: set[tuple[str, str, str]] = field(default_factory=set)
    received: dict[str, dict[int, dict[str, int]]] = field(default_factory=dict)
    stations: dict[str, Station] = field(default_factory=dict)
    biases: dict[tuple[str, str], float] = field(default_factory=dict)
    worst: list[FlagEpisode] = field(default_factory=list)
    evaluated_days: set[tuple[str, int]] = field(default_factory=set)

    def expect(self, station: Station, days: Iterable[int]) -> None:
        """Expect values of a station on these days, whether any are received or not."""
        self.stations[station.id] = station
        received = self.received.setdefault(station.id, {})
        for day in days:
            received.setdefault(day, {})

    def observe(self, results: QcResults, changed: Mapping[str, Set[int]]) -> None:
        """Count the flags on these days (by station), except on days that were already counted."""
        series = results.series
        observed = [station for station in series.stations if station.id in changed]
        self.stations |= {station.id: station for station in observed}
        rows = series.rows_on(
            {
                station.id: [day for day in changed[station.id] if (station.id, day) not in self.evaluated_days]
                for station in observed
            }
        )
        names = [station.id for station in series.stations]
        for (check, name), flags in results.by_check.items():
            numbers = _numbers(series, flags, rows)
            for counter, codes in ((self.evaluated, _EVALUATED), (self.suspect, [SUSPECT]), (self.failed, [FAIL])):
                for place, number in _above_zero(numbers[:, codes].sum(axis=1)):
                    counter[names[place], name, check] += number
        for name, flags in results.flags.items():
            self._count_values(results, name, rows, changed)
            numbers = _numbers(series, flags, rows)
            for flag in (SUSPECT, FAIL):
                for place, number in _above_zero(numbers[:, flag]):
                    self.flagged[names[place], name, flag] += number
            self.worst += worst_episodes(results, name, flags, rows)
            self._note_biases(results, name, rows)
        self.worst = sorted(self.worst, reverse=True)[:MAX_EPISODES]
        self._count_days(results, rows, [station.id for station in observed])

    def merge(self, other: Findings) -> None:
        """Add another process's findings, for other days of the same stations or for others."""
        for name in ("evaluated", "suspect", "failed", "values", "flagged"):
            getattr(self, name).update(getattr(other, name))
        self.stations |= other.stations
        self.biases |= other.biases
        self.worst = sorted(self.worst + other.worst, reverse=True)[:MAX_EPISODES]
        self.evaluated_days |= other.evaluated_days
        for station, days in other.received.items():
            self.received.setdefault(station, {}).update(days)

    def add_stored(self, station: str, parameter: str, flag: int, number: int, checks: Mapping[str, int]) -> None:
        """Count a flag of values that this run did not evaluate, with their number and the checks that set it."""
        self.stored_flagged[station, parameter, flag] += number
        for check, of_check in checks.items():
            self.stored_by_check[station, parameter, check] += of_check
            if flag == FAIL:
                self.stored_failed.add((station, parameter, check))

    @property
    def anomalies(self) -> int:
        """Values flagged 3 or 4."""
        return self.flagged_by_station().total()

    def flagged_by_station(self) -> Counter[str]:
        """Values flagged 3 or 4, by station."""
        found: Counter[str] = Counter()
        for (station, _, _), number in self._all_flagged():
            found[station] += number
        return found

    def flagged_by_parameter(self) -> Counter[str]:
        """Values flagged 3 or 4, by parameter."""
        found: Counter[str] = Counter()
        for (_, name, _), number in self._all_flagged():
            found[name] += number
        return found

    def by_check(self) -> dict[str, CheckCounts]:
        """The numbers of evaluated, suspect and failed values of each check."""
        evaluated, suspect, failed = map(_by_check, (self.evaluated, self.suspect, self.failed))
        return {check: CheckCounts(evaluated[check], suspect[check], failed[check]) for check in CHECKS}

    def by_station(self) -> dict[str, dict[str, ParameterFlags]]:
        """By station and parameter: values, suspect, failed, and those of each check that flagged some."""
        found: dict[str, dict[str, ParameterFlags]] = {}
        of_pair: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for station, name, check in sorted(self.suspect.keys() | self.failed.keys(), key=lambda key: _PLACES[key[2]]):
            of_pair[station, name].append(check)
        for station, name in sorted(self.values, key=lambda key: (key[0], MEASURED_NAMES.index(key[1]))):
            checks = {
                check: CheckCounts(self.evaluated[key], self.suspect[key], self.failed[key])
                for check in of_pair.get((station, name), ())
                if self.suspect[key := (station, name, check)] or self.failed[key]
            }
            found.setdefault(station, {})[name] = ParameterFlags(
                values=self.values[station, name],
                suspect=self.flagged[station, name, SUSPECT],
                failed=self.flagged[station, name, FAIL],
                checks=checks,
            )
        return found

    def completeness(self, now: datetime) -> dict[str, Completeness]:
        """Received and expected values by station, parameter and UTC day; the current day counts up to now."""
        return {
            station_id: _completeness(self.stations[station_id], days, now)
            for station_id, days in sorted(self.received.items())
        }

    def expected(self, now: datetime) -> dict[str, int]:
        """Values of one parameter expected of each station, over all its days."""
        return {
            station_id: sum(expected_on(self.stations[station_id], day, now) for day in days)
            for station_id, days in self.received.items()
        }

    def _all_flagged(self) -> Iterator[tuple[tuple[str, str, int], int]]:
        return chain(self.flagged.items(), self.stored_flagged.items())

    def _count_values(self, results: QcResults, name: str, rows: Mask, changed: Mapping[str, Set[int]]) -> None:
        """How many of these rows have a value, for stations that have any."""
        series = results.series
        is_there = ~np.isnan(series.values[name])
        of_all, counted = (
            np.bincount(series.of_row[of], minlength=len(series.stations)) for of in (is_there, is_there & rows)
        )
        for place in np.flatnonzero(of_all).tolist():
            if (station := series.stations[place].id) in changed:
                self.values[station, name] += int(counted[place])

    def _note_biases(self, results: QcResults, name: str, rows: Mask) -> None:
        flags, median = results.by_check.get((BIAS, name)), results.medians.get(name)
        if flags is None or median is None:
            return
        off = np.flatnonzero(rows & (flags == SUSPECT))
        stations = results.series.of_row[off]
        for place in np.unique(stations).tolist():
            own = off[stations == place]
            by = results.series.values[name][own] - median[own]
            self.biases[results.series.stations[place].id, name] = float(np.nanmedian(by))

    def _count_days(self, results: QcResults, rows: Mask, observed: Iterable[str]) -> None:
        for station in observed:
            self.received.setdefault(station, {})
        series, chosen = results.series, np.flatnonzero(rows)
        days = days_of(series.axis[chosen])
        stations = [series.stations[place].id for place in series.of_row[chosen[days.starts]].tolist()]
        station_days = list(zip(stations, (series.times[chosen[days.starts]] // DAY_MS).tolist(), strict=True))
        self.evaluated_days.update(station_days)
        for station, day in station_days:
            self.received[station][day] = {}
        for name, values in series.values.items():
            numbers = count_by_day(~np.isnan(values[chosen]), days).astype(int).tolist()
            for (station, day), number in zip(station_days, numbers, strict=True):
                if number:
                    self.received[station][day][name] = number


def _numbers(series: Series, flags: Flags, rows: Mask) -> npt.NDArray[np.intp]:
    """The number of rows with each flag (a column each) of each station (a row each)."""
    codes = series.of_row[rows] * (MISSING + 1) + flags[rows]
    return np.bincount(codes, minlength=len(series.stations) * (MISSING + 1)).reshape(-1, MISSING + 1)


def _above_zero(numbers: npt.NDArray[np.intp]) -> Iterator[tuple[int, int]]:
    """The places with a number, and their numbers."""
    places = np.flatnonzero(numbers)
    return zip(places.tolist(), numbers[places].tolist(), strict=True)


def _by_check(counter: Counter[tuple[str, str, str]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for (_, _, check), number in counter.items():
        found[check] += number
    return found


def _completeness(station: Station, received: dict[int, dict[str, int]], now: datetime) -> Completeness:
    days = sorted(received)
    expected = [expected_on(station, day, now) for day in days]
    whole = sum(expected)
    counts = {name: [received[day].get(name, 0) for day in days] for name in station.parameters}
    return Completeness(
        interval_minutes=station.interval_minutes,
        days=[_date(day).isoformat() for day in days],
        expected=expected,
        received=counts,
        share={
            name: round(min(1.0, sum(numbers) / whole), DIGITS) if whole else 0.0 for name, numbers in counts.items()
        },
    )


def _date(day: int) -> date:
    return date(1970, 1, 1) + timedelta(days=day)
