"""A station among its neighbours, and as a whole."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from forecast.qc.flags import FAIL, GOOD, NOT_EVALUATED, SUSPECT
from forecast.qc.registry import CHECKS
from forecast.qc.results import QcResults
from forecast.qc.runner import run_station_checks
from forecast.qc.series import Series
from tests.networks import curve, evaluate_among, evaluated, five, hours, series, station

AMONG = tuple(CHECKS)[list(CHECKS).index("buddy_check") :]
TIMES = hours(72)
STATIONS = {member.id: member for member in five()}
AIR, PRESSURE = "air_temperature", "air_pressure_at_mean_sea_level"


def flagged(results: QcResults, name: str) -> list[list[str]]:
    """The checks that flagged each value of a parameter."""
    found = [json.loads(text or "{}") for text in results.quality().flags.to_pylist()]
    return [row.get(name, {}).get("checks", []) for row in found]


def air(of_a: Mapping[str, Any] = MappingProxyType({}), names: str = "ABCDE") -> list[Series]:
    """The same curve of air temperature at every station, and what A has instead."""
    everyone = {AIR: curve(TIMES)}
    return [series(STATIONS[name], TIMES, **({**everyone, **of_a} if name == "A" else everyone)) for name in names]


def twins() -> list[Series]:
    """A, for four hours 7 degrees warmer than B, C and D around it, of which C and D stand at one site."""
    at_c, at_d = station("C", 20, same_site_as=("D",)), station("D", 20, same_site_as=("C",))
    warmer = curve(TIMES) + np.where((TIMES[30] <= TIMES) & (TIMES[34] > TIMES), 7.0, 0.0)
    others = (STATIONS["B"], at_c, at_d)
    return [series(STATIONS["A"], TIMES, air_temperature=warmer)] + [
        series(one, TIMES, air_temperature=curve(TIMES)) for one in others
    ]


def test_stations_of_one_site_count_as_one_neighbour() -> None:
    """Three sites are needed for a comparison, and there are two, although there are three stations."""
    assert "buddy_check" not in {check for row in flagged(evaluated(*twins())["A"], AIR) for check in row}
    third = series(STATIONS["E"], TIMES, air_temperature=curve(TIMES))
    assert "buddy_check" in flagged(evaluated(*twins(), third)["A"], AIR)[31]


def test_a_value_far_from_the_neighbours_is_suspect_and_stays() -> None:
    """Seven degrees too warm for four hours: no spike, which is shorter, and each step is possible."""
    warm = curve(TIMES)
    warm[30:34] += 7
    results = evaluated(*air({AIR: warm}))
    assert [row for row, checks in enumerate(flagged(results["A"], AIR)) if "buddy_check" in checks] == [
        30,
        31,
        32,
        33,
    ]
    assert results["A"].flags[AIR][30:34].tolist() == [SUSPECT] * 4
    np.testing.assert_array_equal(results["A"].series.values[AIR], warm)
    for name in "BCDE":
        assert flagged(results[name], AIR) == [[]] * 72


@pytest.mark.parametrize(("names", "compared"), [("ABC", False), ("ABCD", True)])
def test_below_three_neighbours_nothing_is_compared(names: str, compared: bool) -> None:
    warm = curve(TIMES)
    warm[30:34] += 7
    results = evaluated(*air({AIR: warm}, names))["A"]
    assert ({check for check, _ in results.by_check} >= {"buddy_check", "stuck", "clock_offset"}) == compared
    assert ([checks for checks in flagged(results, AIR) if checks] == [["buddy_check"]] * 4) == compared


def test_a_neighbour_without_a_value_at_that_time_does_not_count() -> None:
    """Four stations, so three neighbours: where one has a gap, or a value that failed, two are too few."""
    members = air(names="ABCD")
    members[1].values[AIR][10:20] = np.nan
    members[2].values[AIR][40] = 99.0
    results = evaluated(*members)["A"]
    spatial = results.by_check["buddy_check", AIR]
    # An hourly value stands for half an hour to either side.
    assert np.flatnonzero(spatial == NOT_EVALUATED).tolist() == [*range(10, 20), 40]
    assert set(spatial.tolist()) == {GOOD, NOT_EVALUATED}


def test_a_value_that_failed_is_not_compared() -> None:
    hot = curve(TIMES)
    hot[30] = 99.0
    results = evaluated(*air({AIR: hot}))["A"]
    assert flagged(results, AIR)[30] == ["gross_range"]
    assert results.by_check["buddy_check", AIR][30] == NOT_EVALUATED


@pytest.mark.parametrize(("elevation", "expected"), [(20, GOOD), (120, SUSPECT)])
def test_the_height_is_allowed_for(elevation: float, expected: int) -> None:
    """0.65 °C for 100 m; 3 °C are suspect. Three hours are too few to know a station's usual difference."""
    times = TIMES[:3]
    high = series(station("A", elevation=elevation), times, **{AIR: curve(times) + 2.6})
    members = [high, *(series(STATIONS[name], times, **{AIR: curve(times)}) for name in "BCDE")]
    assert evaluated(*members)["A"].by_check["buddy_check", AIR].tolist() == [expected] * 3


def test_a_station_that_measures_less_than_its_neighbours_is_compared_in_what_it_measures() -> None:
    """A rain gauge among complete stations, as most of a national network's are."""
    everything = {AIR: curve(TIMES), PRESSURE: 1013 + np.sin(TIMES / 3e7), "wind_speed": 3 + np.sin(TIMES / 2e7)}
    around = [series(STATIONS[name], TIMES, **everything) for name in "BCDE"]
    for lacking in ([PRESSURE], [AIR], [AIR, PRESSURE, "wind_speed"]):
        own = {name: column for name, column in everything.items() if name not in lacking}
        own = own or {"precipitation_amount_1h": np.zeros(len(TIMES))}
        found = evaluated(series(STATIONS["A"], TIMES, **own), *around)["A"]
        assert found.flags.keys() == own.keys()


def test_a_barometer_that_is_off_is_suspect_day_by_day_and_never_failed() -> None:
    """A is 8 hPa low in a changing weather; of the first day there are too few hours to tell."""
    times = hours(60, TIMES[0] + 12 * 3_600_000)
    weather = 1013 + 6 * np.sin(np.arange(60) / 9)
    members = [series(STATIONS[n], times, **{PRESSURE: weather - 8 * (n == "A")}) for n in "ABCDE"]
    results = evaluated(*members)
    checks = flagged(results["A"], PRESSURE)
    assert ["bias" in found for found in checks] == [False] * 12 + [True] * 48
    assert FAIL not in results["A"].flags[PRESSURE]
    for name in "BCDE":
        assert not any("bias" in found for found in flagged(results[name], PRESSURE))


def test_a_sensor_that_stands_still_while_others_move_is_suspect_that_day() -> None:
    stuck = curve(TIMES)
    stuck[24:48] = stuck[29]
    results = evaluated(*air({AIR: stuck}))
    assert ["stuck" in found for found in flagged(results["A"], AIR)] == [False] * 24 + [True] * 24 + [False] * 24


def test_a_wrong_clock_makes_every_value_of_the_day_suspect() -> None:
    """An hour late from the second day on, seen when that day and the one before are looked at."""
    late = curve(TIMES)
    late[24:] = curve(TIMES - 3_600_000)[24:]
    wind = 3 + np.sin(np.arange(72))
    results = evaluated(*air({AIR: late, "wind_speed": wind}))
    clock = ["clock_offset" in found for found in flagged(results["A"], AIR)]
    assert (clock[:24], clock[48:]) == ([False] * 24, [True] * 24)
    assert all("clock_offset" in found for found in flagged(results["A"], "wind_speed")[48:])
    for name in "BCDE":
        assert not any("clock_offset" in found for found in flagged(results[name], AIR))


@pytest.mark.parametrize(("wrong", "suspects"), [(9, False), (10, True)])
def test_a_day_with_too_many_flagged_values_is_suspect_as_a_whole(wrong: int, suspects: bool) -> None:
    """A direction of 0 in wind is one; of 24 values, ten are more than four in ten."""
    speed, direction = np.full(48, 3.0) + np.arange(48) % 3, np.arange(48) * 50.0 % 360 + 1
    direction[: 2 * wrong : 2] = 0
    results = evaluated(series(STATIONS["A"], hours(48), wind_speed=speed, wind_from_direction=direction))["A"]
    whole = ["flag_rate"] if suspects else []
    assert flagged(results, "wind_from_direction") == [
        *[["direction_at_calm", *whole], whole] * wrong,
        *[whole] * (24 - 2 * wrong),
        *[[]] * 24,
    ]


def test_directions_at_calm_have_no_share_in_the_flagged_ones_of_a_day() -> None:
    """Of 24 directions 14 are wrong, which makes the day suspect; the ten at calm stay what they are."""
    speed, direction = np.full(24, 3.0) + np.arange(24) % 3, np.arange(24) * 50.0 % 360 + 1
    direction[:14], speed[14:] = 0, 0
    results = evaluated(series(STATIONS["A"], hours(24), wind_speed=speed, wind_from_direction=direction))["A"]
    assert results.flags["wind_from_direction"].tolist() == [SUSPECT] * 14 + [NOT_EVALUATED] * 10
    speed[:], direction[:] = 0, 90
    results = evaluated(series(STATIONS["A"], hours(24), wind_speed=speed, wind_from_direction=direction))["A"]
    assert results.flags["wind_from_direction"].tolist() == [NOT_EVALUATED] * 24


def test_of_a_few_values_no_share_is_taken() -> None:
    speed, direction = np.full(11, 3.0), np.zeros(11)
    results = evaluated(series(STATIONS["A"], hours(11), wind_speed=speed, wind_from_direction=direction))["A"]
    assert results.by_check["flag_rate", "wind_from_direction"].tolist() == [NOT_EVALUATED] * 11


def test_only_the_targets_are_evaluated() -> None:
    results = {one.stations[0].id: run_station_checks(one) for one in air()}
    evaluate_among(results, ["B"])
    for name in "ACDE":
        assert {check for check, _ in results[name].by_check}.isdisjoint(AMONG)
    assert {check for check, _ in results["B"].by_check} > {"buddy_check", "stuck", "clock_offset", "flag_rate"}


def test_the_order_of_the_stations_makes_no_difference() -> None:
    """Whether a value counts for its neighbours is decided before any of them is compared."""
    chance = np.random.default_rng(3)
    members = [
        series(member, TIMES, **{AIR: curve(TIMES) + chance.normal(0, 4, 72), PRESSURE: chance.normal(1013, 4, 72)})
        for member in STATIONS.values()
    ]
    found = set()
    for order in itertools.islice(itertools.permutations(members), 0, 120, 17):
        results = evaluated(*order)
        found.add(json.dumps({name: results[name].quality().flags.to_pylist() for name in "ABCDE"}))
    assert len(found) == 1


def test_a_station_without_observations_is_accepted() -> None:
    empty = series(STATIONS["A"], hours(0), **{AIR: []})
    results = evaluated(empty, *air(names="BCDE"))
    assert results["A"].quality().flag.tolist() == []
    assert "buddy_check" in {check for check, _ in results["B"].by_check}


def test_thresholds_of_the_station_are_those_of_its_comparisons() -> None:
    """No value is far from the neighbours, and the clock is never flagged."""
    lenient = station(
        "A", thresholds={AIR: {"buddy_check_suspect_z": 1000.0}, "clock_offset": {"clock_offset_min_hours": 1000}}
    )
    warm = curve(TIMES)
    warm[30:34] += 7
    members = [series(lenient, TIMES, **{AIR: warm}), *air(names="BCDE")]
    results = evaluated(*members)["A"]
    assert flagged(results, AIR) == [[]] * 72
    assert set(results.by_check["clock_offset", AIR].tolist()) == {NOT_EVALUATED}
