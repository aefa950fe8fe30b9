"""What is judged at once: every verdict that a new observation can change, and all that those hang on."""

from __future__ import annotations

from collections.abc import Collection
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.core.clock import DAY_MS
from forecast.core.stations import Station, Stations
from forecast.qc import windows as blocks
from forecast.qc.neighbours import are_neighbours
from forecast.qc.results import Verdicts
from forecast.qc.series import Series
from forecast.qc.windows import Block, RowsByDay, blocks_of, stretches
from tests.examples import examples
from tests.networks import DAY, curve, five, hours, judged, network, nominal_rows, series, station

FAR = station("F", 500)
DAYS = st.sets(st.integers(19_000, 20_000), min_size=1, max_size=8)
DAYS_OF_A_MONTH = st.sets(st.integers(0, 30), min_size=1)


def whole(changed: dict[str, set[int]], stations: Stations, rows: RowsByDay = nominal_rows) -> list[Block]:
    return list(blocks_of(changed, stations, rows))


def ids(members: tuple[Station, ...]) -> str:
    return "".join(member.id for member in members)


@pytest.mark.parametrize(
    ("days", "expected"),
    [([], []), ([5], [(5, 5)]), ([7, 5, 6], [(5, 7)]), ([1, 2, 4, 7, 8], [(1, 2), (4, 4), (7, 8)])],
)
def test_stretches_of_days(days: list[int], expected: list[tuple[int, int]]) -> None:
    assert list(stretches(days)) == expected


@given(st.sets(st.integers(-50, 50)))
def test_stretches_cover_each_day_once_and_none_goes_on_where_another_ends(days: set[int]) -> None:
    found = list(stretches(days))
    assert [day for first, last in found for day in range(first, last + 1)] == sorted(days)
    assert all(one[1] + 1 < other[0] for one, other in pairwise(found))


def test_a_day_reaches_as_far_as_the_checks_look() -> None:
    """Hours around: 42 before and 30 after alone, 6.5 among the neighbours; the station as a whole two days back."""
    (block,) = whole({"F": {DAY}}, network(FAR))
    assert block == Block({"F": {DAY}}, (FAR,), (FAR,), DAY - 2, DAY + 5, 15 * 24)
    assert block.rows == 15 * 24
    assert (block.first_read, block.last_read) == (DAY - 7, DAY + 7)


def test_days_whose_verdicts_meet_are_judged_together_and_others_are_not() -> None:
    changed = {"F": {DAY, DAY + 8, DAY + 30}}
    assert [(block.first, block.last, block.changed["F"]) for block in whole(changed, network(FAR))] == [
        (DAY - 2, DAY + 13, {DAY, DAY + 8}),
        (DAY + 28, DAY + 35, {DAY + 30}),
    ]


def test_neighbours_are_judged_anew_and_those_of_neighbours_are_read() -> None:
    """Seven in a row, 40 km from one to the next: each has the next alone for a neighbour."""
    row = network(*(station(name, 40 * number) for number, name in enumerate("ABCDEFG")))
    (block,) = whole({"D": {DAY}}, row)
    assert (ids(block.affected), ids(block.context)) == ("CDE", "BCDEF")
    assert block.changed == {"D": {DAY}}


def test_stations_far_apart_are_judged_apart_and_neighbours_together() -> None:
    stations = network(*five(), FAR)
    found = whole({"F": {DAY}, "A": {DAY}, "E": {DAY + 1}}, stations)
    assert [(dict(block.changed), ids(block.affected), ids(block.context)) for block in found] == [
        ({"A": {DAY}, "E": {DAY + 1}}, "ABCDE", "ABCDE"),
        ({"F": {DAY}}, "F", "F"),
    ]


def test_a_mountain_is_no_neighbour_of_the_valley() -> None:
    (block,) = whole(
        {"A": {DAY}}, network(station("A"), station("B", 5, elevation=221), station("C", 5, elevation=220))
    )
    assert ids(block.affected) == "AC"


def test_a_station_that_the_registry_does_not_know_is_left_out() -> None:
    assert whole({"X": {DAY}}, five()) == []
    assert [block.changed for block in whole({"X": {DAY}, "A": {DAY}}, five())] == [{"A": {DAY}}]


def test_a_large_group_is_cut() -> None:
    many = network(*(station(f"S{number:02}", number) for number in range(45)))
    found = whole({member.id: {DAY} for member in many}, many)
    assert [len(block.changed) for block in found] == [20, 20, 5]
    assert {name for block in found for name in block.changed} == {member.id for member in many}


def test_long_times_are_cut_so_that_a_block_fits_in_memory() -> None:
    """Five stations at five minutes make 1 440 rows a day, so 55 days are read and 48 judged."""
    stations = five(interval_minutes=5)
    found = whole({"A": set(range(DAY, DAY + 200))}, stations)
    assert [(block.first, block.last) for block in found] == [
        (DAY - 2, DAY + 45),
        (DAY + 46, DAY + 93),
        (DAY + 94, DAY + 141),
        (DAY + 142, DAY + 189),
        (DAY + 190, DAY + 204),
    ]
    assert {(block.last_read - block.first_read + 1) * 1440 <= 80_000 for block in found} == {True}
    assert set().union(*(block.changed["A"] for block in found)) == set(range(DAY, DAY + 200))


def test_a_network_too_dense_for_memory_is_judged_day_by_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "_ROWS_AT_ONCE", 10)
    found = whole({"A": {DAY}}, five())
    assert [(block.first, block.last, block.is_large) for block in found] == [
        (day, day, True) for day in range(DAY - 2, DAY + 6)
    ]


def test_case_104_days_are_cut_by_the_rows_that_are_there_and_not_by_the_registry() -> None:
    """An hourly station that sends every second for two days: these days are judged each by itself."""

    def dense(_: tuple[Station, ...], first: int, last: int) -> dict[int, int]:
        return {day: 86_400 for day in (DAY + 20, DAY + 21) if first <= day <= last}

    found = whole({"F": set(range(DAY, DAY + 40))}, network(FAR), dense)
    assert [(block.first - DAY, block.last - DAY, block.rows) for block in found] == [
        (-2, 17, 0),
        *((day, day, rows) for day, rows in zip(range(18, 27), [86_400, *[2 * 86_400] * 7, 86_400], strict=True)),
        (27, 44, 0),
    ]


COUNTS = st.lists(st.sampled_from([0, 1, 3, 7, 50]), min_size=80, max_size=80)


@given(DAYS_OF_A_MONTH, COUNTS)
def test_no_block_of_several_days_reads_more_rows_than_it_may(changed: set[int], counts: list[int]) -> None:
    """Its own number of them is that of the days it reads; and no block ends where one more day had had room."""
    rows = dict(enumerate(counts, -20))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "_ROWS_AT_ONCE", 20)
        found = whole({"F": changed}, network(FAR), lambda _, first, last: {d: rows[d] for d in range(first, last + 1)})

    def between(first: int, last: int) -> int:
        return sum(rows[day] for day in range(first, last + 1))

    for block in found:
        assert block.rows == between(block.first_read, block.last_read)
        assert block.first == block.last or block.rows <= 20
    for one, other in pairwise(found):
        if one.last + 1 == other.first:
            assert between(one.first_read, one.last_read + 1) > 20
    judged = {day for block in found for day in range(block.first, block.last + 1)}
    assert judged == {day + step for day in changed for step in range(-2, 6)}


PLACES = st.lists(
    st.tuples(st.integers(0, 300), st.integers(0, 400), st.sampled_from([1, 5, 60])), min_size=1, max_size=12
)


@given(PLACES, st.data())
def test_every_changed_day_is_in_one_block_and_every_neighbour_within_reach(places: list[Any], data: Any) -> None:
    stations = network(
        *(
            station(f"S{number:02}", north, elevation=height, interval_minutes=interval)
            for number, (north, height, interval) in enumerate(places)
        )
    )
    names = [member.id for member in stations]
    changed = data.draw(st.dictionaries(st.sampled_from(names), DAYS, min_size=1))
    found = whole(changed, stations)
    told = [(name, day) for block in found for name, days in block.changed.items() for day in days]
    assert sorted(told) == sorted((name, day) for name, days in changed.items() for day in days)
    covered = {(one.id, day) for block in found for one in block.affected for day in range(block.first, block.last + 1)}
    for name, days in changed.items():
        of_name = stations.get(name)
        assert of_name is not None
        for one in stations:
            if one.id == name or are_neighbours(one, of_name):
                assert {(one.id, day + step) for day in days for step in range(-2, 6)} <= covered
    for block in found:
        near = {one.id for one in stations if any(are_neighbours(one, member) for member in block.affected)}
        assert near | {one.id for one in block.affected} == {one.id for one in block.context}


# The same of verdicts: what changes is in a block, and a block's context is all that its verdicts hang on.


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


def said(verdicts: Verdicts, days: Collection[int]) -> dict[int, tuple[Any, ...]]:
    """What is said of each row of these days, by its time."""
    quality = verdicts.quality()
    rows = np.flatnonzero(np.isin(verdicts.series.times // DAY_MS, list(days)))
    columns = (quality.flag.tolist(), quality.flags.to_pylist(), quality.amount.tolist())
    return {int(verdicts.series.times[row]): tuple(map(str, (column[row] for column in columns))) for row in rows}


def between(one: Series, first: int, last: int) -> Series:
    rows = (one.times // DAY_MS >= first) & (one.times // DAY_MS <= last)
    return Series(one.station, one.times[rows], {name: column[rows] for name, column in one.values.items()})


@settings(max_examples=examples(0.15))
@given(st.integers(0, 2**32 - 1), st.integers(0, 4), st.integers(0, LAST - 1))
def test_what_is_read_of_a_block_is_all_that_its_verdicts_hang_on(seed: int, changed: int, day: int) -> None:
    everything = weather(np.random.default_rng(seed))
    stations = network(*(one.station for one in everything))
    full = judged(*everything)
    (block,) = whole({"ABCDE"[changed]: {DAY + day}}, stations)
    read = judged(*(between(one, block.first_read, block.last_read) for one in everything))
    days = range(block.first, block.last + 1)
    for name in "ABCDE":
        assert said(read[name], days) == said(full[name], days)


@settings(max_examples=examples(0.15))
@given(st.integers(0, 2**32 - 1), st.integers(0, 4), st.integers(0, LAST - 1), st.booleans())
def test_every_verdict_that_one_day_can_change_is_in_its_block(seed: int, changed: int, day: int, gone: bool) -> None:
    chance = np.random.default_rng(seed)
    before = weather(chance)
    one = before[changed]
    rows = one.times // DAY_MS == DAY + day
    if gone:
        after = Series(one.station, one.times[~rows], {name: column[~rows] for name, column in one.values.items()})
    else:
        values = {name: np.where(rows, column + chance.normal(0, 9), column) for name, column in one.values.items()}
        after = Series(one.station, one.times, values)
    stations = network(*(one.station for one in before))
    (block,) = whole({one.station.id: {DAY + day}}, stations)
    outside = [each for each in ALL_DAYS if not block.first <= each <= block.last]
    old = judged(*before)
    new = judged(*before[:changed], after, *before[changed + 1 :])
    different = False
    for name in "ABCDE":
        assert said(old[name], outside) == said(new[name], outside)
        different |= said(old[name], ALL_DAYS) != said(new[name], ALL_DAYS)
    assert different
