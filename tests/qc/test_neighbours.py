"""Who is compared with whom: what one index finds is what looking at every pair finds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.core.registry import load_stations
from forecast.core.stations import Station
from forecast.qc.neighbours import MAX_NEIGHBOURS, Neighbours, neighbours_of
from tests.networks import KM_A_DEGREE, are_neighbours, five, station


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (station("B", 74.9), True),
        (station("B", 75.1), False),
        (station("B", 1, elevation=220), True),
        (station("B", 1, elevation=221), False),
    ],
    ids=["within 75 km", "beyond", "200 m higher", "more"],
)
def test_a_neighbour_is_near_enough_and_at_a_similar_height(other: Station, expected: bool) -> None:
    assert are_neighbours(station("A"), other) == are_neighbours(other, station("A")) == expected


def test_the_date_line_and_the_pole_are_no_borders() -> None:
    fiji, samoa = station("F", latitude=0.0, longitude=179.8), station("S", latitude=0.0, longitude=-179.8)
    assert are_neighbours(fiji, samoa)
    north, beyond = station("N", latitude=89.8, longitude=10.0), station("P", latitude=89.8, longitude=-170.0)
    assert are_neighbours(north, beyond)
    assert not are_neighbours(north, station("P", latitude=89.5, longitude=-170.0))


def test_a_twin_is_not_a_neighbour() -> None:
    one, twin = station("A", same_site_as=("B",)), station("B", 0.1, same_site_as=("A",))
    found = Neighbours([one, twin, station("C", 0.1)])
    assert (found.of("A"), found.of("B"), found.of("C")) == (("C",), ("C",), ("B", "A"))


def test_neighbours_are_those_of_the_registry_nearest_first() -> None:
    found = neighbours_of(five())
    assert (found.of("A"), found.of("E")) == (("B", "C", "D", "E"), ("D", "C", "B", "A"))
    assert found.of("X") == found.compared_with("X") == ()
    assert Neighbours([]).of("A") == ()


def test_a_registry_is_looked_through_once() -> None:
    stations = five()
    assert neighbours_of(stations) is neighbours_of(stations)
    assert neighbours_of(five()) is not neighbours_of(stations)


def test_only_the_thirty_nearest_are_neighbours_and_a_remote_station_has_none() -> None:
    """A heap of 40, and one station 70 km off: it is compared with 30 of them, and none of them with it."""
    heap = [station(f"S{number:02}", number / 10) for number in range(40)]
    found = Neighbours([station("X", 73.95), *heap])
    assert found.of("X") == tuple(f"S{number:02}" for number in range(39, 9, -1))
    assert found.compared_with("X") == ()
    assert found.of("S00") == tuple(f"S{number:02}" for number in range(1, 31))
    assert set(found.compared_with("S00")) == {f"S{number:02}" for number in range(1, 16)}


def test_of_stations_at_equal_distance_the_first_by_id_count() -> None:
    """Fifty at one place, whose ids come in any order."""
    heap = [station(f"S{number:02}") for number in np.random.default_rng(1).permutation(50)]
    assert Neighbours(heap).of("S03") == tuple(f"S{number:02}" for number in range(31) if number != 3)


def test_the_built_in_stations_are_all_neighbours_of_each_other() -> None:
    stations = load_stations()
    found = neighbours_of(stations)
    assert all(len(found.of(one.id)) == len(stations) - 1 for one in stations)


def _by_pairs(one: Station, stations: list[Station]) -> tuple[str, ...]:
    def distance(other: Station) -> float:
        north, east, south, west = map(math.radians, (one.latitude, one.longitude, other.latitude, other.longitude))
        cosine = math.sin(north) * math.sin(south) + math.cos(north) * math.cos(south) * math.cos(east - west)
        return 6371 * math.acos(min(cosine, 1))

    near = [
        (distance(other), other.id)
        for other in stations
        if one.site != other.site and abs(one.elevation - other.elevation) <= 200 and distance(other) <= 75
    ]
    return tuple(name for _, name in sorted(near)[:MAX_NEIGHBOURS])


@given(st.integers(0, 2**32 - 1), st.integers(1, 400), st.sampled_from([5.0, 40.0, 400.0]))
def test_the_index_finds_what_looking_at_every_pair_finds(seed: int, number: int, spread_km: float) -> None:
    """From a heap to a country; some stations are at one site, and some on mountains."""
    chance = np.random.default_rng(seed)
    stations: list[Station] = []
    for place in range(number):
        facts: dict[str, Any] = {
            "latitude": 48 + float(chance.normal(0, spread_km / KM_A_DEGREE)),
            "longitude": 8 + float(chance.normal(0, spread_km / KM_A_DEGREE)),
            "elevation": float(chance.choice([10, 150, 300])),
        }
        if place and chance.random() < 0.1 and not stations[-1].same_site_as:
            facts["same_site_as"] = (stations[-1].id,)
        stations.append(station(f"S{place:03}", **facts))
    found = Neighbours(stations)
    for one in [stations[place] for place in chance.integers(0, number, 5)]:
        assert found.of(one.id) == _by_pairs(one, stations)
    for one in [stations[place] for place in chance.integers(0, number, 3)]:
        # Asked for first, nothing else is known yet.
        compared_with = Neighbours(stations).compared_with(one.id)
        assert compared_with == tuple(other.id for other in stations if one.id in found.of(other.id))


def test_neighbours_are_found_in_any_order_of_the_registry() -> None:
    stations = [station(f"S{number:03}", number % 17 * 3.0, longitude=3 + number * 0.01) for number in range(200)]
    shuffled = [stations[place] for place in np.random.default_rng(2).permutation(200)]
    one, other = Neighbours(stations), Neighbours(shuffled)
    assert [one.of(at.id) for at in stations] == [other.of(at.id) for at in stations]
