"""What is around a station: looked up once for many, and the same as for each by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.qc import surroundings
from forecast.qc.flags import Times
from forecast.qc.surroundings import Compared, Surroundings, Table, tables_of
from tests.networks import HOUR_MS, MINUTE_MS, START_MS, hours, station

NAN = np.nan
AIR = "air_temperature"
LAPSE = {AIR: 0.0065}


def measured(name: str, times: Times, values: Sequence[float], **more: Any) -> Compared:
    return Compared(station(name, **more), times, {AIR: np.array(values, dtype=float)})


def test_values_are_those_at_the_height_of_the_station_one_row_a_site() -> None:
    twin, other = (measured(name, hours(2), at, same_site_as=sites) for name, at, sites in TWINS)
    near = [measured("B", hours(2), [10, 11], elevation=120), twin, other]
    for table in (None, Table(hours(2), near)):
        around = Surroundings(station("A"), near, LAPSE, table)
        assert around.number == 2
        assert around.values(AIR, hours(2)).tolist() == [[10.65, 11.65], [7.0, 9.0]]
        assert np.isnan(around.values("dew_point_temperature", hours(2))).all()


TWINS = (("C", [NAN, 9], ("D",)), ("D", [7, 8], ("C",)))


def test_times_that_a_table_does_not_have_are_looked_up() -> None:
    near = [measured("B", hours(3), [10, 11, 12])]
    around = Surroundings(station("A"), near, {}, Table(hours(2), near))
    later = hours(2) + 20 * MINUTE_MS
    assert around.values(AIR, later).tolist() == [[10, 11]]
    assert around.values(AIR, hours(3)).tolist() == [[10, 11, 12]]


def crowd(seed: int, minutes: int) -> dict[str, Compared]:
    """Stations with gaps, of which some observe at minutes of their own, and some are twins."""
    chance = np.random.default_rng(seed)
    found = {}
    for number in range(12):
        times = START_MS + np.flatnonzero(chance.random(60) < 0.7).astype(np.int64) * HOUR_MS
        times = times + int(chance.choice([0, 0, 0, minutes])) * MINUTE_MS
        values = np.where(chance.random(times.size) < 0.1, NAN, chance.normal(12, 4, times.size))
        twins = ("S00", "S01") if number < 2 else ()
        more = {"same_site_as": tuple(name for name in twins if name != f"S{number:02}"), "elevation": 20 + 10 * number}
        found[f"S{number:02}"] = measured(f"S{number:02}", times, values.tolist(), **more)
    return found


@given(st.integers(0, 2**32 - 1), st.integers(0, 40))
def test_a_table_says_what_looking_up_each_says(seed: int, minutes: int) -> None:
    everyone = crowd(seed, minutes)
    near = {name: [other for other in everyone.values() if other.station.id != name] for name in everyone}
    tables = tables_of({name: one.times for name, one in everyone.items()}, near)
    assert set(tables) == set(everyone)
    for name, one in everyone.items():
        with_table, without = (Surroundings(one.station, near[name], LAPSE, table) for table in (tables[name], None))
        for shift in (0, 2, 3, 5):
            times = one.times + shift * HOUR_MS
            found, expected = (
                {tuple(row) for row in np.nan_to_num(around.values(AIR, times), nan=-99).tolist()}
                for around in (with_table, without)
            )
            assert found == expected


def test_stations_that_observe_at_the_same_minutes_share_a_table() -> None:
    """Hours with gaps are the same hours; and around them are those that a wrong clock is looked for at."""
    times = {"A": hours(6)[[0, 1, 5]], "B": hours(6)[[2, 3]], "C": hours(3) + 7 * MINUTE_MS}
    near = [measured(name, hours(1), [1]) for name in "XYZ"]
    tables = tables_of(times, dict.fromkeys(times, near))
    assert tables["A"] is tables["B"] is not tables["C"]
    assert tables["A"].times.tolist() == hours(12, START_MS - 3 * HOUR_MS).tolist()


def test_a_station_with_too_few_neighbours_to_be_compared_has_no_table() -> None:
    """Half a million rows of one second, with the hours around them, took 100 MB that nobody looked at."""
    near = [measured(name, hours(1), [1]) for name in "XY"]
    assert tables_of({"A": hours(6)}, {"A": near}) == {}
    assert set(tables_of({"A": hours(6)}, {"A": [*near, measured("Z", hours(1), [1])]})) == {"A"}


def test_a_table_that_would_be_larger_than_what_it_spares_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two stations with a year between them: 2 cells are 4 times what is there, and with the hours around 14."""
    monkeypatch.setattr(surroundings, "_SMALL", 0)
    times = {"A": hours(1), "B": hours(1, START_MS + 365 * 24 * HOUR_MS)}
    near = [measured(name, hours(1), [1]) for name in "XYZ"]
    assert tables_of(times, dict.fromkeys(times, near))["A"].times.tolist() == [*times["A"], *times["B"]]
    monkeypatch.setattr(surroundings, "_CELLS_A_ROW", 1)
    assert tables_of(times, dict.fromkeys(times, near)) == {}
