"""Networks of any number of stations: the same again from the same seed, and like weather."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from forecast.core.registry import load_stations
from forecast.qc.neighbours import neighbours_of
from forecast_demo.crowd import Crowd, hourly, write_days


def test_a_city_is_a_registry_of_stations_that_all_have_neighbours() -> None:
    crowd = Crowd.city(100)
    stations = load_stations([crowd.registry()])
    assert [stations.get(name) is not None for name in crowd.ids] == [True] * 100
    assert {len(neighbours_of(stations).of(name)) for name in crowd.ids} == {30}


def test_the_weather_of_a_crowd_follows_from_its_seed_and_has_a_day() -> None:
    moments = hourly(240)
    values = Crowd.city(50).temperatures(moments)
    np.testing.assert_array_equal(values, Crowd.city(50).temperatures(moments))
    assert (values != Crowd.city(50, seed=2).temperatures(moments)).mean() > 0.9
    np.testing.assert_array_equal(values, values.round(1))
    by_hour = values.mean(axis=0).reshape(-1, 24).mean(axis=0)
    assert (int(by_hour.argmin()), int(by_hour.argmax())) == (3, 15)
    assert 1 < values.std(axis=0).mean() < 2.7


def test_the_requested_number_of_values_is_written_in_one_object_per_day(tmp_path: Path) -> None:
    write_days(tmp_path, Crowd.country(20), hours=48, rows=600)
    first, second = sorted(tmp_path.rglob("*.jsonl"))
    rows = [json.loads(line) for path in (first, second) for line in path.read_text("utf-8").splitlines()]
    assert len(rows) == len({(row["id_station"], row["dh_utc"]) for row in rows}) == 600
    assert {row["dh_utc"][:10] for row in rows} == {"2024-07-01", "2024-07-02"}
    assert (first.name, second.name) == ("2024_07_01.jsonl", "2024_07_02.jsonl")


def test_some_stations_of_a_crowd_report_and_the_others_are_silent(tmp_path: Path) -> None:
    write_days(tmp_path, Crowd.country(20), hours=3, stations=2)
    (only,) = tmp_path.rglob("*.jsonl")
    rows = [json.loads(line) for line in only.read_text("utf-8").splitlines()]
    assert [(row["id_station"], row["dh_utc"][11:13]) for row in rows] == [
        (name, hour) for name in ("C00001", "C00002") for hour in ("00", "01", "02")
    ]
