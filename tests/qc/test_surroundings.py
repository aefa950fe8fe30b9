"""What is around stations: looked up once for many, and the same as for each by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.core.stations import Station
from forecast.qc import surroundings
from forecast.qc.flags import Floats, Times
from forecast.qc.neighbours import Neighbours
from forecast.qc.series import Series, joined
from forecast.qc.surroundings import Compared, Surroundings
from tests.networks import HOUR_MS, MINUTE_MS, START_MS, hours, station
from tests.series import series_of

NAN = np.nan
AIR = "air_temperature"
LAPSE = {AIR: 0.0065}


def minutes(*at: float) -> Times:
    return START_MS + np.array([round(minute * MINUTE_MS) for minute in at], dtype=np.int64)


def measured(name: str, times: Times, values: Sequence[float], **more: Any) -> Series:
    return series_of(station(name, **more), times, {AIR: np.array(values, dtype=float)})


class Named(Neighbours):
    """Neighbours that are named, wherever they are."""

    def __init__(self, near: Mapping[str, tuple[str, ...]]) -> None:
        super().__init__([])
        self.near = near

    def of(self, station_id: str) -> tuple[str, ...]:
        return self.near[station_id]


def around(of: Station, near: Sequence[Series], times: Times) -> Surroundings:
    """The stations `near` as the neighbours of one; `times` are those of the table."""
    names = tuple(one.stations[0].id for one in near)
    return Surroundings((of,), times, Compared(joined(near)), Named({of.id: names}), LAPSE)


def found(of: Surroundings, times: Times, parameter: str = AIR) -> list[list[float]]:
    """A row a time and a column a neighbour."""
    values: list[list[float]] = of.values(parameter, np.zeros(len(times), np.intp), times).tolist()
    return values


def test_neighbours_are_near_up_to_a_distance_and_a_station_without_observations_is_not() -> None:
    times = minutes(0)
    near = [measured(name, times, [10.0], north_km=north) for name, north in (("B", 4.9), ("C", -5.1), ("D", 40))]
    lone = Surroundings(
        (station("A"), station("E", 36)),
        times,
        Compared(joined(near)),
        Named({"A": ("B", "C", "D"), "E": ("D", "F")}),
    )
    assert lone.within(np.array([0, 1, 0]), 5).tolist() == [
        [True, False, False],
        [True, False, False],
        [True, False, False],
    ]
    assert lone.within(np.array([0]), 5.2).tolist() == [[True, True, False]]


@pytest.fixture(params=["with a table", "without"])
def tables(request: pytest.FixtureRequest) -> Iterator[bool]:
    """Whether there is room for a table."""
    is_room = request.param == "with a table"
    with mock.patch.multiple(surroundings, _SMALL=10_000 * is_room, _CELLS_A_ROW=4 * is_room):
        yield is_room


def nearest(known: Times, values: Sequence[float], times: Times) -> list[float]:
    of = around(station("A"), [measured("B", known, values), measured("C", hours(0), [])], times)
    return [row[0] for row in found(of, times)]


@pytest.mark.usefixtures("tables")
def test_the_nearest_value_in_time_is_taken_and_the_earlier_of_two_as_near() -> None:
    times = minutes(-3, 0, 4, 5, 6, 15, 15.1, 22)
    assert nearest(minutes(0, 10, 20), [1, 2, 3], times) == [1, 1, 1, 1, 2, 2, 3, 3]


@pytest.mark.usefixtures("tables")
def test_the_ends_of_the_window_are_inside() -> None:
    np.testing.assert_equal(nearest(minutes(60), [7], minutes(29.9, 30, 90, 90.1)), [NAN, 7, 7, NAN])


@pytest.mark.usefixtures("tables")
def test_a_missing_value_of_the_neighbour_gives_way_to_the_next_one() -> None:
    np.testing.assert_equal(nearest(minutes(0, 10, 20), [1, NAN, 3], minutes(9, 10, 11)), [1, 1, 3])
    np.testing.assert_equal(nearest(minutes(0, 31), [NAN, 3], minutes(0)), [NAN])


@pytest.mark.usefixtures("tables")
@pytest.mark.parametrize("values", [[], [NAN, NAN]])
def test_a_neighbour_without_values_gives_none(values: list[float]) -> None:
    np.testing.assert_equal(nearest(minutes(*range(len(values))), values, minutes(0, 1)), [NAN, NAN])
    assert nearest(minutes(*range(len(values))), values, minutes()) == []


ROWS = st.lists(st.tuples(st.just(NAN) | st.integers(-50, 50), st.integers(1, 200)), max_size=40)


@given(ROWS, ROWS, st.booleans())
def test_nearest_is_what_a_search_through_all_values_finds(
    theirs: list[tuple[float, int]], ours: list[tuple[float, int]], is_room: bool
) -> None:
    known, times = (minutes(*np.cumsum([step for _, step in rows])) for rows in (theirs, ours))
    values = [value for value, _ in theirs]
    expected = []
    for time in times.tolist():
        near = [
            (abs(at - time), at, value)
            for at, value in zip(known.tolist(), values, strict=True)
            if abs(at - time) <= 30 * MINUTE_MS and not np.isnan(value)
        ]
        expected.append(min(near)[2] if near else NAN)
    with mock.patch.multiple(surroundings, _SMALL=10_000 * is_room, _CELLS_A_ROW=4 * is_room):
        np.testing.assert_equal(nearest(known, values, times), expected)


@pytest.mark.usefixtures("tables")
def test_values_are_those_at_the_height_of_the_station_one_a_site() -> None:
    """And of a site those of the first station that has one."""
    twins = [measured(name, hours(2), at, same_site_as=sites) for name, at, sites in TWINS]
    of = around(station("A"), [measured("B", hours(2), [10, 11], elevation=120), *twins], hours(2))
    assert of.most == 3
    np.testing.assert_equal(found(of, hours(2)), [[10.65, NAN, 7.0], [11.65, NAN, 9.0]])
    assert np.isnan(found(of, hours(2), "dew_point_temperature")).all()


TWINS = (("C", [NAN, 9], ("D",)), ("D", [7, 8], ("C",)))


@pytest.mark.usefixtures("tables")
def test_of_a_site_the_nearest_value_counts_and_the_earlier_of_two_as_near() -> None:
    sites = {name: tuple(other for other in "BCD" if other != name) for name in "BCD"}
    triplets = [
        measured("B", minutes(20, 60), [1, 2], same_site_as=sites["B"]),
        measured("C", minutes(10, 60), [3, 4], same_site_as=sites["C"]),
        measured("D", minutes(5, 58), [5, NAN], same_site_as=sites["D"]),
    ]
    of = around(station("A"), triplets, minutes(0, 15, 16, 59))
    np.testing.assert_equal(np.nanmax(found(of, minutes(0, 15, 16, 59)), axis=1), [5, 3, 1, 2])


def test_times_that_a_table_does_not_have_are_looked_up() -> None:
    of = around(station("A"), [measured("B", hours(9), list(range(9))), measured("C", hours(0), [])], hours(2))
    later = hours(2) + 20 * MINUTE_MS
    np.testing.assert_equal(found(of, later), [[0, NAN], [1, NAN]])
    np.testing.assert_equal(found(of, hours(9))[-1], [8, NAN])


def crowd(seed: int, minutes_off: int) -> list[Series]:
    """Stations with gaps, of which some observe at minutes of their own, and some are twins."""
    chance = np.random.default_rng(seed)
    made = []
    for number in range(12):
        times = START_MS + np.flatnonzero(chance.random(60) < 0.7).astype(np.int64) * HOUR_MS
        times = times + int(chance.choice([0, 0, 0, minutes_off])) * MINUTE_MS
        values = np.where(chance.random(times.size) < 0.1, NAN, chance.normal(12, 4, times.size))
        twins = ("S00", "S01") if number < 2 else ()
        more = {"same_site_as": tuple(name for name in twins if name != f"S{number:02}"), "elevation": 20 + 10 * number}
        made.append(measured(f"S{number:02}", times, values.tolist(), **more))
    return made


@given(st.integers(0, 2**32 - 1), st.integers(0, 40), st.sampled_from([0, 1, 2, 3, 5]))
def test_a_table_says_what_looking_up_says_for_many_stations_and_for_each(
    seed: int, minutes_off: int, shift: int
) -> None:
    everyone = crowd(seed, minutes_off)
    names = [one.stations[0].id for one in everyone]
    neighbours = Named({name: tuple(other for other in names if other != name) for name in names})
    whole = joined(everyone)
    times = whole.times + shift * HOUR_MS

    def of(series: Series, is_room: bool) -> Floats:
        with mock.patch.multiple(surroundings, _SMALL=10_000 * is_room, _CELLS_A_ROW=4 * is_room):
            made = Surroundings(series.stations, series.times, Compared(whole), neighbours, LAPSE)
            return made.values(AIR, series.of_row, series.times + shift * HOUR_MS)

    together = of(whole, is_room=True)
    assert len(together) == len(times)
    np.testing.assert_array_equal(of(whole, is_room=False), together)
    np.testing.assert_array_equal(np.concatenate([of(one, is_room=True) for one in everyone]), together)


def test_a_table_has_the_hours_around_and_where_these_are_too_many_the_times_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two times with a year between them are 2 columns, and with the hours around 14: of a station and of none."""
    times = START_MS + np.array([0, 365 * 24], dtype=np.int64) * HOUR_MS
    near = [measured("X", times, [1, 2])]
    assert len(around(station("A"), near, times)._table_times) == 14
    monkeypatch.setattr(surroundings, "_SMALL", 0)
    assert around(station("A"), near, times)._table_times.tolist() == times.tolist()
    monkeypatch.setattr(surroundings, "_CELLS_A_ROW", 1)
    assert around(station("A"), near, times)._table_times.tolist() == []
