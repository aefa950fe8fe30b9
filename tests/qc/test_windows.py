"""What is evaluated at once: every QC result that a new observation can change, and all that those depend on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.core.clock import DAY_MS, HOUR_MS
from forecast.core.stations import Station, Stations
from forecast.qc import windows as qc_windows
from forecast.qc.changes import Changes
from forecast.qc.neighbours import neighbours_of
from forecast.qc.own_flags import differing_own_flags
from forecast.qc.results import QcResults
from forecast.qc.runner import run_station_checks
from forecast.qc.series import Series
from forecast.qc.windows import QcWindow, RowsByDay, day_ranges, windows_of
from tests.examples import examples
from tests.networks import (
    CELLS,
    DAY,
    KM_A_DEGREE,
    are_neighbours,
    curve,
    evaluated,
    five,
    hours,
    network,
    nominal_rows,
    series,
    station,
)
from tests.series import series_of

FAR = station("F", 500)
DAYS = st.sets(st.integers(19_000, 20_000), min_size=1, max_size=8)
DAYS_OF_A_MONTH = st.sets(st.integers(0, 30), min_size=1)


def whole(changed: dict[str, set[int]], stations: Stations, rows: RowsByDay = nominal_rows) -> list[QcWindow]:
    return list(windows_of(Changes(changed), stations, rows))


def ids(members: tuple[Station, ...]) -> str:
    return "".join(member.id for member in members)


@pytest.mark.parametrize(
    ("days", "expected"),
    [([], []), ([5], [(5, 5)]), ([7, 5, 6], [(5, 7)]), ([1, 2, 4, 7, 8], [(1, 2), (4, 4), (7, 8)])],
)
def test_consecutive_days_form_ranges(days: list[int], expected: list[tuple[int, int]]) -> None:
    assert list(day_ranges(days)) == expected


@given(st.sets(st.integers(-50, 50)))
def test_ranges_cover_each_day_once_and_are_as_long_as_possible(days: set[int]) -> None:
    found = list(day_ranges(days))
    assert [day for first, last in found for day in range(first, last + 1)] == sorted(days)
    assert all(one[1] + 1 < other[0] for one, other in pairwise(found))


def test_a_day_reaches_as_far_as_the_checks_look() -> None:
    """Hours around: 42 before and 30 after alone, 6.5 among the neighbours; the station as a whole two days back."""
    (window,) = whole({"F": {DAY}}, network(FAR))
    assert window == QcWindow({"F": {DAY}}, (FAR,), (FAR,), DAY - 1, DAY + 4, 12 * 24)
    assert window.rows == 12 * 24
    assert (window.first_read, window.last_read) == (DAY - 5, DAY + 6)
    assert window.read_from == (DAY - 1) * DAY_MS - 90.5 * HOUR_MS


def test_days_whose_flags_depend_on_each_other_are_evaluated_together_and_others_are_not() -> None:
    changed = {"F": {DAY, DAY + 6, DAY + 30}}
    assert [(window.first, window.last, window.changed["F"]) for window in whole(changed, network(FAR))] == [
        (DAY - 1, DAY + 10, {DAY, DAY + 6}),
        (DAY + 29, DAY + 34, {DAY + 30}),
    ]


def test_neighbours_are_evaluated_again_and_their_neighbours_are_read() -> None:
    """Seven in a row, 40 km from one to the next: each has the next alone for a neighbour."""
    row = network(*(station(name, 40 * number) for number, name in enumerate("ABCDEFG")))
    (window,) = whole({"D": {DAY}}, row)
    assert (ids(window.targets), ids(window.halo)) == ("CDE", "BCDEF")
    assert window.changed == {"D": {DAY}}


def test_a_few_stations_are_evaluated_together_wherever_they_are() -> None:
    stations = network(*five(), FAR)
    found = whole({"F": {DAY}, "A": {DAY}, "E": {DAY + 1}}, stations)
    assert [(dict(window.changed), ids(window.targets), ids(window.halo)) for window in found] == [
        ({"A": {DAY}, "E": {DAY + 1}, "F": {DAY}}, "ABCDEF", "ABCDEF"),
    ]


def test_a_mountain_is_not_a_neighbour_of_the_valley() -> None:
    (window,) = whole(
        {"A": {DAY}}, network(station("A"), station("B", 5, elevation=221), station("C", 5, elevation=220))
    )
    assert ids(window.targets) == "AC"


def test_a_station_that_the_registry_does_not_know_is_left_out() -> None:
    assert whole({"X": {DAY}}, five()) == []
    assert [window.changed for window in whole({"X": {DAY}, "A": {DAY}}, five())] == [{"A": {DAY}}]


def city(number: int, **more: Any) -> Stations:
    """Stations in a square of 20 km."""
    places = np.random.default_rng(1).uniform(0, 20, (number, 2)).tolist()
    return network(
        *(
            station(f"S{at:03}", north, longitude=3 + east / KM_A_DEGREE / 0.643, **more)
            for at, (north, east) in enumerate(places)
        )
    )


def test_of_a_city_every_flag_is_in_one_window_and_no_row_is_read_twice_on_average() -> None:
    """A month of 600 hourly stations of one parameter: the stations around a group are a part of it, not most."""
    stations = city(600, parameters=("air_temperature",))
    found = whole({one.id: set(range(DAY, DAY + 31)) for one in stations}, stations)
    each = [(one.id, day) for window in found for one in window.targets for day in range(window.first, window.last + 1)]
    assert len(each) == len(set(each)) == 600 * (31 + 5)
    assert max(window.rows for window in found) <= 2_880_000 / (24 + 1)
    groups = {ids(window.targets): window for window in found}
    assert sum(len(window.targets) for window in groups.values()) == 600
    assert sum(len(window.halo) for window in groups.values()) < 1.8 * 600


def test_one_hour_of_a_city_changes_flags_at_few_stations_when_one_of_them_sent_it() -> None:
    stations = city(600)
    (window,) = whole({"S001": {DAY}}, stations)
    neighbours = neighbours_of(stations)
    assert {one.id for one in window.targets} == {"S001", *neighbours.compared_with("S001")}
    assert len(window.targets) < 60
    assert len(window.halo) < 150


def test_a_station_that_sends_a_year_at_once_does_not_have_a_city_evaluated_for_it() -> None:
    stations = city(200)
    changed = {one.id: {DAY} for one in stations} | {"S001": set(range(DAY - 364, DAY + 1))}
    evaluated: dict[str, int] = defaultdict(int)
    for window in whole(changed, stations):
        for one in window.targets:
            evaluated[one.id] += window.last - window.first + 1
    near = {"S001", *neighbours_of(stations).compared_with("S001")}
    assert {evaluated[name] for name in near} == {365 + 5}
    assert sum(evaluated.values()) < 2 * ((365 + 5) * len(near) + 6 * (200 - len(near)))


def test_long_times_are_cut_so_that_a_window_fits_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five stations at five minutes make 1 440 rows a day, so 55 days are read and 49 evaluated."""
    monkeypatch.setattr(qc_windows, "_CELLS_AT_ONCE", 80_000 * CELLS)
    stations = five(interval_minutes=5)
    found = whole({"A": set(range(DAY, DAY + 200))}, stations)
    assert [(window.first, window.last) for window in found] == [
        (DAY - 1, DAY + 47),
        (DAY + 48, DAY + 96),
        (DAY + 97, DAY + 145),
        (DAY + 146, DAY + 194),
        (DAY + 195, DAY + 203),
    ]
    assert {(window.last_read - window.first_read + 1) * 1440 <= 80_000 for window in found} == {True}
    assert set().union(*(window.changed["A"] for window in found)) == set(range(DAY, DAY + 200))


def test_a_network_too_dense_for_memory_is_evaluated_day_by_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qc_windows, "_CELLS_AT_ONCE", 10 * CELLS)
    found = whole({"A": {DAY}}, five())
    assert [(window.first, window.last, window.is_large) for window in found] == [
        (day, day, True) for day in range(DAY - 1, DAY + 5)
    ]


def test_case_104_days_are_cut_by_the_rows_that_are_there_and_not_by_the_registry(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An hourly station that sends every second for two days: these days are evaluated each by itself."""

    def dense(_: tuple[Station, ...], first: int, last: int) -> dict[int, int]:
        return {day: 86_400 for day in (DAY + 20, DAY + 21) if first <= day <= last}

    monkeypatch.setattr(qc_windows, "_CELLS_AT_ONCE", 80_000 * CELLS)
    found = whole({"F": set(range(DAY, DAY + 40))}, network(FAR), dense)
    assert [(window.first - DAY, window.last - DAY, window.rows) for window in found] == [
        (-1, 17, 0),
        *((day, day, rows) for day, rows in zip(range(18, 26), [86_400, *[2 * 86_400] * 6, 86_400], strict=True)),
        (26, 43, 0),
    ]


COUNTS = st.lists(st.sampled_from([0, 1, 3, 7, 50]), min_size=80, max_size=80)


@given(DAYS_OF_A_MONTH, COUNTS)
def test_no_window_of_several_days_reads_more_rows_than_it_may(changed: set[int], counts: list[int]) -> None:
    """Its own number of them is that of the days it reads; and no window ends where one more day had had room."""
    rows = dict(enumerate(counts, -20))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(qc_windows, "_CELLS_AT_ONCE", 20 * CELLS)
        found = whole({"F": changed}, network(FAR), lambda _, first, last: {d: rows[d] for d in range(first, last + 1)})

    def between(first: int, last: int) -> int:
        return sum(rows[day] for day in range(first, last + 1))

    for window in found:
        assert window.rows == between(window.first_read, window.last_read)
        assert window.first == window.last or window.rows <= 20
    for one, other in pairwise(found):
        if one.last + 1 == other.first:
            assert between(one.first_read, one.last_read + 1) > 20
    evaluated = {day for window in found for day in range(window.first, window.last + 1)}
    assert evaluated == {day + step for day in changed for step in range(-1, 5)}


PLACES = st.lists(
    st.tuples(st.integers(0, 300), st.integers(0, 400), st.sampled_from([1, 5, 60])), min_size=1, max_size=12
)


@given(PLACES, st.data())
def test_every_changed_day_is_in_one_window_and_every_neighbour_within_reach(places: list[Any], data: Any) -> None:
    stations = network(
        *(
            station(f"S{number:02}", north, elevation=height, interval_minutes=interval)
            for number, (north, height, interval) in enumerate(places)
        )
    )
    names = [member.id for member in stations]
    changed = data.draw(st.dictionaries(st.sampled_from(names), DAYS, min_size=1))
    found = whole(changed, stations)
    told = [(name, day) for window in found for name, days in window.changed.items() for day in days]
    assert sorted(told) == sorted((name, day) for name, days in changed.items() for day in days)
    covered = {
        (one.id, day) for window in found for one in window.targets for day in range(window.first, window.last + 1)
    }
    for name, days in changed.items():
        of_name = stations.get(name)
        assert of_name is not None
        for one in stations:
            if one.id == name or are_neighbours(one, of_name):
                assert {(one.id, day + step) for day in days for step in range(-1, 5)} <= covered
    for window in found:
        near = {one.id for one in stations if any(are_neighbours(one, member) for member in window.targets)}
        assert near | {one.id for one in window.targets} == {one.id for one in window.halo}


# The same of QC results: what changes is in a window, and a window's context is all that its QC results depend on.


LAST = 24
ALL_DAYS = range(DAY, DAY + LAST)


def weather(chance: np.random.Generator) -> list[Series]:
    """Five stations over many days, with all that can be wrong: stuck, off, jumping, late, silent."""
    times = hours(LAST * 48, step_minutes=30)
    air = curve(times) + np.cumsum(chance.normal(0, 0.3, len(times)))
    found = []
    for number, member in enumerate(five(interval_minutes=30)):
        temperature = np.roll(air, 2 * int(chance.integers(-1, 2))) + chance.normal(0, 0.2, len(times))
        pressure = 1013 + np.cumsum(chance.normal(0, 0.1, len(times))) + 4 * (number == 0)
        wind = np.abs(chance.normal(3, 2, len(times)))
        counter = np.cumsum(chance.choice([0, 0.2, 40], len(times), p=[0.9, 0.09, 0.01])) % 60
        for column in (temperature, pressure, wind):
            for start in chance.integers(0, len(times), 3):
                column[start : start + int(chance.integers(10, 90))] = column[start]
            places = chance.integers(0, len(times), 20)
            column[places] += chance.normal(0, 8, 20)
            column[chance.random(len(times)) < 0.05] = np.nan
        kept = chance.random(len(times)) < 0.9
        values = {
            "air_temperature": temperature,
            "dew_point_temperature": temperature - 2,
            "relative_humidity": np.clip(chance.normal(85, 10, len(times)), 0, 105).round(),
            "air_pressure_at_mean_sea_level": pressure,
            "wind_speed": np.abs(wind),
            "wind_from_direction": chance.integers(0, 5, len(times)) * 90.0,
            "precipitation_counter": counter,
        }
        found.append(series(member, times[kept], **{name: column[kept] for name, column in values.items()}))
    return found


def said(results: QcResults, days: Collection[int]) -> dict[int, tuple[Any, ...]]:
    """What is said of each row of these days, by its time."""
    quality = results.quality()
    rows = np.flatnonzero(np.isin(results.series.times // DAY_MS, list(days)))
    columns = (quality.flag.tolist(), quality.flags.to_pylist(), quality.amount.tolist())
    return {int(results.series.times[row]): tuple(map(str, (column[row] for column in columns))) for row in rows}


def outdated_days(changes: Changes, before: Series, after: Series) -> set[int]:
    """The days before a changed day on which the station's own checks find something else than before."""
    stored, results = run_station_checks(before), run_station_checks(after)
    found: set[int] = set()
    for start, end in changes.watched(after.stations[0].id):
        rows, rows_before = (np.arange(*np.searchsorted(each.times, (start, end))) for each in (after, before))
        quality = stored.quality(rows_before)
        texts = quality.flags.to_numpy(zero_copy_only=False)
        differing = differing_own_flags(results, rows, texts, quality.amount)
        found.update((after.times[differing] // DAY_MS).tolist())
    return found


def between(one: Series, start: int, last: int) -> Series:
    rows = (one.times >= start) & (one.times // DAY_MS <= last)
    return series_of(one.stations[0], one.times[rows], {name: column[rows] for name, column in one.values.items()})


@settings(max_examples=examples(0.15))
@given(st.integers(0, 2**32 - 1), st.integers(0, 4), st.integers(0, LAST - 1))
def test_a_window_reads_everything_that_its_flags_depend_on(seed: int, changed: int, day: int) -> None:
    everything = weather(np.random.default_rng(seed))
    stations = network(*(one.stations[0] for one in everything))
    full = evaluated(*everything)
    (window,) = whole({"ABCDE"[changed]: {DAY + day}}, stations)
    read = evaluated(*(between(one, window.read_from, window.last_read) for one in everything))
    days = range(window.first, window.last + 1)
    for name in "ABCDE":
        assert said(read[name], days) == said(full[name], days)


@settings(max_examples=examples(0.15))
@given(st.integers(0, 2**32 - 1), st.integers(0, 4), st.integers(0, LAST - 1), st.integers(0, 22), st.booleans())
def test_every_flag_that_a_day_can_change_is_in_its_window_or_in_those_of_outdated_days(
    seed: int, changed: int, day: int, hour: int, gone: bool
) -> None:
    """From an hour on, all observations of the day change."""
    chance = np.random.default_rng(seed)
    before = weather(chance)
    one = before[changed]
    since = (DAY + day) * DAY_MS + hour * HOUR_MS
    rows = (one.times >= since) & (one.times // DAY_MS == DAY + day)
    if gone:
        after = series_of(
            one.stations[0], one.times[~rows], {name: column[~rows] for name, column in one.values.items()}
        )
    else:
        values = {name: np.where(rows, column + chance.normal(0, 9), column) for name, column in one.values.items()}
        after = series_of(one.stations[0], one.times, values)
    stations = network(*(one.stations[0] for one in before))
    name = one.stations[0].id
    changes = Changes({name: {DAY + day}}, {(name, DAY + day): since})
    followed = replace(changes, reflagged={name: outdated_days(changes, one, after)})
    windows = list(windows_of(followed, stations, nominal_rows))
    outside = [each for each in ALL_DAYS if not any(window.first <= each <= window.last for window in windows)]
    old = evaluated(*before)
    new = evaluated(*before[:changed], after, *before[changed + 1 :])
    different = False
    for name in "ABCDE":
        assert said(old[name], outside) == said(new[name], outside)
        different |= said(old[name], ALL_DAYS) != said(new[name], ALL_DAYS)
    assert different
