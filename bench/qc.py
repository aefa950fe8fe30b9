"""Compares our checks with titanlib's and CrowdQC+'s on a city of 624 stations with errors of known kind and size.

As Alerskans et al. 2022 (J. Atmos. Oceanic Technol. 39) do it: each method is tuned on one half of the stations, here
to a share of false alarms, and its hits and false alarms are those of the other half. A value is an error where it was
changed by LEAST °C or more, and a false alarm where its station was left as it was.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import titanlib

from bench import crowdqc
from forecast.core.registry import load_stations
from forecast.core.stations import Station, Stations
from forecast.networks.registry import NETWORKS
from forecast.qc.checks.buddy_check import CHECK as BUDDY_CHECK
from forecast.qc.flags import is_flagged
from forecast.qc.neighbours import neighbours_of
from forecast.qc.runner import compared_values, run_closing_checks, run_neighbour_checks, run_station_checks
from forecast.qc.series import Series
from forecast_demo.crowd import CITY_STATIONS, Crowd, hourly

Table = npt.NDArray[np.float64]
Found = npt.NDArray[np.bool_]
Random = np.random.Generator
AIR: Final = "air_temperature"
STATIONS = CITY_STATIONS
HOURS = 120
# Every so many hours are looked at: titanlib looks at each by itself.
EVERY = 5
LEAST: Final = 2.0
FALSE_ALARMS: Final = 0.005
ALTERED: Final = 0.08
# What titanlib's documentation gives for temperature: 15 km, five stations, the standard atmosphere.
RADIUS_M, FEWEST, MOST_HEIGHT_M, GRADIENT, SMALLEST_DEVIATION = 15_000, 5, 200, -0.0065, 1.0
THRESHOLDS: Final = tuple(np.arange(1.0, 5.01, 0.25).tolist())
SCT_THRESHOLDS: Final = tuple(np.arange(2.0, 40.01, 1.0).tolist())
# A run takes seconds: none are below what the other methods are tuned to.
CROWDQC_THRESHOLDS: Final = tuple(np.arange(2.5, 6.01, 0.25).tolist())


def spikes(own: Table, chance: Random, _: Table) -> Table:
    """One hour in twenty, 5 °C off."""
    return own + np.where(chance.random(own.size) < 0.05, chance.choice([-5.0, 5.0], own.size), 0.0)


def drift(own: Table, chance: Random, _: Table) -> Table:
    """6 °C in the whole time."""
    return own + np.linspace(0, 6, own.size) * float(chance.choice([-1, 1]))


def bias(own: Table, chance: Random, _: Table) -> Table:
    """3 °C all the time."""
    return own + 3.0 * float(chance.choice([-1, 1]))


def radiation(own: Table, _: Random, __: Table) -> Table:
    """Up to 5 °C too warm by day."""
    sun: Table = np.sin((np.arange(own.size) % 24 - 6) / 12 * np.pi).clip(0)
    return own + 5 * sun


def stuck(own: Table, chance: Random, _: Table) -> Table:
    """Two days of one value."""
    start = int(chance.integers(0, own.size - 48))
    changed = own.copy()
    changed[start : start + 48] = own[start]
    return changed


def swapped(_: Table, chance: Random, everyone: Table) -> Table:
    """The values of another station."""
    return np.array(everyone[chance.integers(len(everyone))])


def misplaced(own: Table, chance: Random, _: Table) -> Table:
    """A place 350 m higher, where the day's curve is another."""
    return own - 0.0065 * 350 + 1.5 * np.sin(np.arange(own.size) / 24 * 2 * np.pi + chance.uniform(0, 6))


def indoor(own: Table, _: Random, __: Table) -> Table:
    """22 °C and a tenth of what is outside."""
    return 22 + 0.1 * (own - 18)


KINDS: Final[Mapping[str, Callable[[Table, Random, Table], Table]]] = {
    one.__name__: one for one in (spikes, drift, bias, radiation, stuck, swapped, misplaced, indoor)
}


@dataclass(frozen=True)
class City:
    """The stations, their values (a row a station, a column an hour), and what is wrong among them."""

    crowd: Crowd
    stations: tuple[Station, ...]
    values: Table
    altered: Found
    errors: Found

    @classmethod
    def sound(cls) -> City:
        """Nothing is wrong."""
        crowd = Crowd.city(STATIONS)
        known = load_stations([crowd.registry()])
        stations = tuple(station for name in crowd.ids if (station := known.get(name)) is not None)
        values = crowd.temperatures(hourly(HOURS))
        return cls(crowd, stations, values, np.zeros(len(values), dtype=bool), np.zeros(values.shape, dtype=bool))

    def with_errors(self, kind: str) -> City:
        """Some stations have errors of a kind."""
        chance = np.random.default_rng([11, list(KINDS).index(kind)])
        altered = chance.random(len(self.values)) < ALTERED
        values = self.values.copy()
        for row in np.flatnonzero(altered):
            values[row] = KINDS[kind](self.values[row], chance, self.values).round(1)
        errors = np.abs(values - self.values) >= LEAST
        if kind == "stuck":
            errors = altered[:, None] & (values != self.values)
        return replace(self, values=values, altered=altered, errors=errors)


Method = Callable[[City, float], Found]


def buddy_check(city: City, threshold: float) -> Found:
    """titanlib's."""
    number = len(city.values)
    return _by_hour(
        city,
        lambda points, values: titanlib.buddy_check(
            points,
            values,
            np.full(number, RADIUS_M),
            np.full(number, FEWEST),
            threshold,
            MOST_HEIGHT_M,
            GRADIENT,
            SMALLEST_DEVIATION,
            1,
        ),
    )


def sct(city: City, threshold: float) -> Found:
    """titanlib's spatial consistency test."""
    number = len(city.values)
    limit = np.full(number, threshold)
    return _by_hour(
        city,
        lambda points, values: titanlib.sct(
            points, values, 5, 50, 15_000, 50_000, 1, 20, 200, 10_000, 200, limit, limit, np.full(number, 0.5)
        )[0],
    )


def _by_hour(city: City, check: Callable[[object, Table], npt.NDArray[np.int_]]) -> Found:
    crowd = city.crowd
    points = titanlib.Points(crowd.latitudes, crowd.longitudes, crowd.elevations)
    found = np.zeros(city.values.shape, dtype=bool)
    for hour in range(0, HOURS, EVERY):
        found[:, hour] = np.asarray(check(points, city.values[:, hour])) != 0
    return found


def ours(city: City, threshold: float) -> Found:
    """All checks of the program, with a limit of the buddy check."""
    limits = {AIR: {"buddy_check_suspect_z": threshold}}
    stations = Stations({one.id: replace(one, thresholds=limits) for one in city.stations})
    networks = {station.network for station in stations}
    (thresholds,) = map(NETWORKS.thresholds_of, networks)
    series = Series(
        tuple(stations),
        np.arange(len(stations)) * HOURS,
        np.tile(hourly(HOURS), len(stations)),
        {AIR: city.values.reshape(-1)},
        network_limits=thresholds,
    )
    results = run_station_checks(series)
    run_neighbour_checks([results], [compared_values(results)], neighbours_of(stations))
    run_closing_checks(results)
    return is_flagged(results.flags[AIR]).reshape(city.values.shape)


def crowdqc_plus(city: City, threshold: float) -> Found:
    """CrowdQC+'s filters m1 to m5."""
    return crowdqc.filtered(city.crowd, city.values, threshold)


def crowdqc_defaults(city: City, _: float) -> Found:
    """The same with its own settings."""
    return crowdqc.filtered(city.crowd, city.values, None)


# What a station has that says nothing else.
THRESHOLD: Final = BUDDY_CHECK.limits[AIR]["buddy_check_suspect_z"].value

METHODS: Final[Mapping[str, tuple[Method, tuple[float, ...]]]] = {
    "all checks of this program": (ours, THRESHOLDS),
    "the same with its own limit": (ours, (THRESHOLD,)),
    "titanlib buddy_check": (buddy_check, THRESHOLDS),
    "titanlib sct": (sct, SCT_THRESHOLDS),
    "CrowdQC+": (crowdqc_plus, CROWDQC_THRESHOLDS),
    "CrowdQC+, its own settings": (crowdqc_defaults, (float("nan"),)),
}
BY_HOUR: Final = (buddy_check, sct)
IN_R: Final = (crowdqc_plus, crowdqc_defaults)


def shares(city: City, found: Found, half: slice) -> tuple[float, float]:
    """Hits among the errors and false alarms among the stations that were left alone, of the hours looked at."""
    seen = np.s_[half, ::EVERY]
    errors, sound = city.errors[seen], ~np.broadcast_to(city.altered[:, None], found.shape)[seen]
    hits, alarms = found[seen][errors], found[seen][sound]
    return (float(hits.mean()) if hits.size else float("nan")), float(alarms.mean())


def tuned(city: City, method: Method, thresholds: tuple[float, ...]) -> float:
    """The lowest limit with as few false alarms as asked for, on the first half of the stations."""
    first = slice(0, len(city.values), 2)
    for threshold in thresholds:
        if shares(city, method(city, threshold), first)[1] <= FALSE_ALARMS:
            return threshold
    return thresholds[-1]


def _cpu_seconds() -> float:
    """Of this process and of those that it waited for."""
    return sum(os.times()[:4])


def main() -> int:
    sound = City.sound()
    lacking = crowdqc.missing()
    cities = {kind: sound.with_errors(kind) for kind in KINDS}
    second = slice(1, len(sound.values), 2)
    print(
        f"{len(sound.values)} stations, {HOURS} hours; at most {FALSE_ALARMS:.1%} false alarms on the half that tunes"
    )
    print(f"  {'':<28}{'limit':>6}{'false':>8}" + "".join(f"{kind:>11}" for kind in KINDS) + f"{'ms/hour':>9}")
    for name, (method, thresholds) in METHODS.items():
        if method in IN_R and lacking is not None:
            print(f"  {name:<28}not run: {lacking}")
            continue
        limit = tuned(sound, method, thresholds)
        start = _cpu_seconds()
        measured = {kind: shares(city, method(city, limit), second) for kind, city in cities.items()}
        hours = len(KINDS) * (len(range(0, HOURS, EVERY)) if method in BY_HOUR else HOURS)
        cost = 1000 * (_cpu_seconds() - start) / hours
        alarms = shares(sound, method(sound, limit), second)[1]
        hits = "".join(f"{hit:>11.2f}" for hit, _ in measured.values())
        shown = "-" if np.isnan(limit) else f"{limit:g}"
        print(f"  {name:<28}{shown:>6}{alarms:>8.2%}{hits}{cost:>9.1f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
