"""Stations by id and by the prefixes of raw keys."""

from __future__ import annotations

from forecast.core.registry import load_stations
from tests.networks import network, station


def test_ids_are_compared_exactly() -> None:
    stations = network(station("07015"))
    assert stations.get("07015") is not None
    assert [stations.get(name) for name in ("7015", " 07015", "07015 ", "")] == [None] * 4


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
    known = station("mf-1", network_id="1", wigos_id="0-20000-0-07015").document
    assert (known["id"], known["network_id"], known["wigos_id"]) == ("mf-1", "1", "0-20000-0-07015")


def test_the_registry_has_the_stations_of_both_networks() -> None:
    ids = {station.id: station.network for station in load_stations()}
    assert ids == {
        **dict.fromkeys(("00052", "000R5", "07015", "STATIC0010"), "InfoClimat"),
        **dict.fromkeys(("IICHTE19", "ILAMAD25"), "Weather Underground"),
    }
