"""The station registry: what is in it, and what it says of a wrong one."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forecast.core.errors import SettingError
from forecast.core.parameters import PARAMETER_NAMES
from forecast.core.stations import STATIONS_FILE, load_stations, parse_stations

REGISTRY = json.loads(STATIONS_FILE.read_text("utf-8"))


def wrong(change: Callable[[list[dict[str, Any]]], object]) -> str:
    document = copy.deepcopy(REGISTRY)
    change(document["stations"])
    with pytest.raises(SettingError) as caught:
        parse_stations(document, "stations.json")
    assert caught.value.message.startswith("the station registry stations.json is wrong: ")
    return caught.value.message.removeprefix("the station registry stations.json is wrong: ")


def test_the_registry_has_the_stations_of_both_networks() -> None:
    stations = load_stations()
    assert sorted(station.id for station in stations) == [
        "00052",
        "000R5",
        "07015",
        "IICHTE19",
        "ILAMAD25",
        "STATIC0010",
    ]
    assert len(stations) == 6
    assert all(set(station.parameters) <= set(PARAMETER_NAMES) for station in stations)


def test_ids_are_compared_exactly() -> None:
    stations = load_stations()
    assert stations.get("07015") is not None
    assert [stations.get(name) for name in ("7015", "iichte19", " 07015", "")] == [None] * 4


def test_the_longest_prefix_of_a_key_gives_its_station() -> None:
    document = copy.deepcopy(REGISTRY)
    document["stations"][0]["raw_prefixes"] = ["wunderground/"]
    stations = parse_stations(document, "stations.json")
    found = {
        key: stations.of_key(key) for key in ("wunderground/ILAMAD25/a.csv", "wunderground/b.csv", "other/ILAMAD25/")
    }
    assert {key: station and station.id for key, station in found.items()} == {
        "wunderground/ILAMAD25/a.csv": "ILAMAD25",
        "wunderground/b.csv": "00052",
        "other/ILAMAD25/": None,
    }


def test_a_stations_document_leaves_out_what_is_unknown() -> None:
    station = load_stations().get("07015")
    assert station is not None
    document = station.document
    assert document["location"] == {"type": "Point", "coordinates": [3.092, 50.575]}
    assert isinstance(document["elevation"], float)
    assert "hardware" not in document
    assert "timezone" not in document


def test_a_fault_is_named_with_its_place() -> None:
    assert "$.stations[1].id: '00052' is there twice" in wrong(lambda s: s[1].update(id=s[0]["id"]))
    assert "$.stations[0].timezone: 'Europe/Lille' is no IANA time zone" in wrong(
        lambda s: s[0].update(timezone="Europe/Lille")
    )
    prefix = "$.stations[5].raw_prefixes: 'x/' belongs to two stations"
    assert prefix in wrong(lambda s: [s[4].update(raw_prefixes=["x/"]), s[5].update(raw_prefixes=["x/"])])
    assert "$.stations[2].latitude" in wrong(lambda s: s[2].update(latitude=95))
    assert "'name' is a required property" in wrong(lambda s: s[3].pop("name"))
    assert "$.stations[0].id" in wrong(lambda s: s[0].update(id="a.b"))


@pytest.mark.parametrize(
    ("thresholds", "fault"),
    [
        (
            {"air_temperature": {"spike_suspekt": 4}},
            ".air_temperature: Additional properties are not allowed ('spike_suspekt' was unexpected)",
        ),
        (
            {"temperature": {"spike_suspect": 4}},
            ": Additional properties are not allowed ('temperature' was unexpected)",
        ),
        (
            {"wind_speed": {"spike_suspect": 4}},
            ".wind_speed: Additional properties are not allowed ('spike_suspect' was unexpected)",
        ),
        (
            {"clock_offset": {"clock_offset_window_days": 3}},
            ".clock_offset.clock_offset_window_days: 3 is greater than the maximum of 2",
        ),
        (
            {"air_temperature": {"persistence_fail_hours": 24.5}},
            ".air_temperature.persistence_fail_hours: 24.5 is greater than the maximum of 24",
        ),
        (
            {"air_temperature": {"spike_suspect": "4"}},
            ".air_temperature.spike_suspect: '4' is not of type 'number'",
        ),
    ],
    ids=["unknown", "unknown parameter", "of another parameter", "too many days", "too many hours", "text"],
)
def test_a_threshold_that_cannot_be_is_named_with_its_place(thresholds: dict[str, Any], fault: str) -> None:
    assert wrong(lambda s: s[0].update(thresholds=thresholds)) == f"$.stations[0].thresholds{fault}"


def test_every_fault_is_named_at_once() -> None:
    message = wrong(lambda s: [s[0].update(latitude=95), s[1].update(longitude="east")])
    assert "$.stations[0].latitude" in message
    assert "$.stations[1].longitude" in message


def test_a_registry_that_cannot_be_read_is_a_setting_error(tmp_path: Path) -> None:
    missing = tmp_path / "none.json"
    with pytest.raises(SettingError, match="cannot be read: No such file or directory"):
        load_stations(missing)
    broken = tmp_path / "broken.json"
    broken.write_text('{"stations": [\n}')
    with pytest.raises(SettingError, match=r"is not JSON: line 2, column 1: "):
        load_stations(broken)
