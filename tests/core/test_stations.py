"""Stations by id and by the prefixes of raw keys."""

from __future__ import annotations

from tests.networks import network, station
from tests.stations import built_in_stations


def test_ids_are_compared_exactly() -> None:
    stations = network(station("07915"))
    assert stations.get("07915") is not None
    assert [stations.get(name) for name in ("7915", " 07915", "07915 ", "")] == [None] * 4


def test_the_longest_prefix_of_a_key_gives_its_station() -> None:
    stations = network(station("A", raw_prefixes=("tables/",)), station("B", raw_prefixes=("tables/B/", "b/")))
    keys = ("tables/B/a.csv", "tables/c.csv", "b/x", "other/B/", "tables")
    found = [stations.of_key(key) for key in keys]
    assert [one and one.id for one in found] == ["B", "A", "B", None, None]


def test_a_stations_document_leaves_out_what_is_unknown() -> None:
    document = station("A", elevation=47, city=None).document
    assert document["location"] == {"type": "Point", "coordinates": [3.0, 50.0]}
    assert isinstance(document["elevation"], float)
    assert {"hardware", "city", "timezone", "wigos_id", "same_site_as"} & document.keys() == set()
    known = station("mf-1", network_id="1", wigos_id="0-20000-0-07915").document
    assert (known["id"], known["network_id"], known["wigos_id"]) == ("mf-1", "1", "0-20000-0-07915")


def test_the_stations_of_infoclimat_and_weather_underground_have_the_ids_that_these_give_them() -> None:
    networks = {"InfoClimat", "Weather Underground"}
    ours = [station for station in built_in_stations() if station.network in networks]
    assert {station.network for station in ours} == networks
    assert [station.id for station in ours] == [station.network_id for station in ours]
