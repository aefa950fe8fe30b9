"""The hourly dataset holds what the observations of the database come to, and is written where they changed."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

import forecast
from forecast.core.stations import Stations
from forecast.mongo.dataset_state import DatasetState
from forecast.mongo.qc_queue import pending_dataset
from forecast.zone.hourly import HOURLY_PARAMETERS
from tests.networks import five, network, station
from tests.run.test_dataset import World, local, on_s3, row, world

__all__ = ["local", "on_s3", "world"]
DAY_MINUTES = 24 * 60
FILES = "hourly/day=2024-10-{:02}/part-0-of-1.parquet"


def hours(minutes: range, name: str = "A", value: float = 12.0) -> list[dict[str, Any]]:
    """Observations every five minutes that no check finds anything in."""
    return [row(minute, value + (minute % 20) / 50, name) for minute in minutes]


def versions(one: World) -> dict[str, str]:
    return {listed.key: listed.etag for listed in one.store.list("hourly/")}


def written(one: World) -> set[str]:
    """The files that writing changes."""
    before = versions(one)
    one.write()
    return {key for key, version in versions(one).items() if before.get(key) != version}


def ends(one: World) -> list[tuple[str, str, float | None]]:
    """Station, end and temperature of every hour, by another reader than the program's own."""
    copies = one.folder / "hours"
    for listed in one.store.list("hourly/"):
        target = copies / listed.key
        target.parent.mkdir(parents=True, exist_ok=True)
        one.store.fetch(listed, target)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        found: list[tuple[str, str, float | None]] = connection.sql(
            f"SELECT station_id, strftime(timestamp, '%d %H:%M'), round(air_temperature, 6) "
            f"FROM read_parquet('{copies}/hourly/**/*.parquet') ORDER BY ALL"
        ).fetchall()
        return found


def test_an_hour_is_labelled_by_its_end_in_the_file_of_the_day_that_contains_it(world: World) -> None:
    world.load(*hours(range(5, 65, 5)), *hours(range(DAY_MINUTES - 55, DAY_MINUTES + 5, 5)))
    assert written(world) == {FILES.format(1)}
    assert ends(world) == [("A", "01 01:00", 12.15), ("A", "02 00:00", 12.15)]
    assert world.compared_hours() == (2, 0)


def test_an_hour_of_fewer_than_three_quarters_is_null(local: World) -> None:
    local.load(*hours(range(5, 45, 5)), *hours(range(65, 110, 5)))
    local.write()
    assert ends(local) == [("A", "01 01:00", None), ("A", "01 02:00", pytest.approx(12.15, abs=0.05))]


def test_an_observation_at_midnight_changes_the_last_hour_of_the_day_before(local: World) -> None:
    local.load(*hours(range(DAY_MINUTES - 45, DAY_MINUTES, 5)))
    local.write()
    before = ends(local)
    local.load(row(DAY_MINUTES, 12.9))
    assert written(local) == {FILES.format(1)}
    assert ends(local) != before
    assert local.compared_hours()[1] == 0


def test_hours_that_stay_the_same_are_not_written_again(local: World) -> None:
    local.load(*hours(range(5, 65, 5)), *hours(range(3 * DAY_MINUTES + 5, 3 * DAY_MINUTES + 65, 5)))
    local.write()
    local.load(*hours(range(3 * DAY_MINUTES + 65, 3 * DAY_MINUTES + 125, 5)))
    assert written(local) == {FILES.format(4)}
    assert written(local) == set()
    pending_dataset(local.collection, "again").enqueue([("A", 19_997)])
    assert written(local) == set()


@pytest.mark.parametrize("rows_at_once", [1, 200, 20_000])
def test_hours_of_several_days_and_files_are_those_of_the_database_however_many_are_computed_at_once(
    rows_at_once: int, local: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forecast.zone.hourly._ROWS_AT_ONCE", rows_at_once)
    monkeypatch.setattr("forecast.zone.dataset.STATIONS_A_FILE", 2)
    for name in "ABCDE":
        local.load(*hours(range(DAY_MINUTES + 5, 3 * DAY_MINUTES + 65, 5), name))
    local.write()
    # Days that join at midnight with those that are there: of four stations, of one of them, and of the fifth.
    for name, first, end in (("A", 5, 65), ("B", 5, 65), ("C", 5, 65), ("D", 5, DAY_MINUTES + 5), ("E", 1, 4)):
        local.load(
            *hours(range(first, end, 5), name), *hours(range(2 * DAY_MINUTES + 3, 2 * DAY_MINUTES + 63, 5), name)
        )
    local.write()
    assert {key.rpartition("/")[2] for key in versions(local)} == {"part-1-of-3.parquet", "part-2-of-3.parquet"}
    assert local.compared_hours() == (5 * 49 + 3 + 24 + 1, 0)


def test_a_flagged_value_is_in_no_hour(local: World) -> None:
    local.load(*hours(range(5, 60, 5)), row(60, 99.0))
    local.write()
    ((_, _, value),) = ends(local)
    assert value == pytest.approx(sum(12 + (minute % 20) / 50 for minute in range(5, 60, 5)) / 11, abs=1e-6)


def test_hourly_values_equal_those_of_the_reader(local: World) -> None:
    local.load(*hours(range(0, 300, 5)), *hours(range(0, 130, 5), "B", 9.0), row(140, 99.0, "B"))
    local.write()
    asked = forecast.read(local.store.uri, freq="1h", parameters=list(HOURLY_PARAMETERS)).to_arrow()
    there = [
        one
        for path in sorted(Path(local.store.uri, "hourly").rglob("*.parquet"))
        for one in pq.read_table(path).to_pylist()
    ]
    key = lambda one: (one["station_id"], one["timestamp"])  # noqa: E731
    assert sorted(there, key=key) == asked.to_pylist()
    told = pq.read_schema(next(Path(local.store.uri, "hourly").rglob("*.parquet"))).field("wind_speed_of_gust").metadata
    assert (told[b"cell_methods"], told[b"units"]) == (b"time: maximum", b"m s-1")


def test_another_interval_of_a_station_changes_its_hours(local: World) -> None:
    local.load(*hours(range(5, 65, 10)), *hours(range(5, 65, 10), "B"))
    local.write()
    assert [value for *_, value in ends(local)] == [None, None]
    slower = [
        station(one.id, 10 * place, interval_minutes=10 if one.id == "A" else 5)
        for place, one in enumerate(local.stations)
    ]
    local.stations = network(*slower)
    assert local.write().station_days == 1
    assert [value is None for *_, value in ends(local)] == [False, True]
    assert local.compared_hours()[1] == 0


def test_a_damaged_file_of_hours_is_written_anew_with_all_its_stations(local: World) -> None:
    local.load(*hours(range(5, 65, 5)), *hours(range(5, 65, 5), "B"))
    local.write()
    before = ends(local)
    file = Path(local.store.uri, "hourly/day=2024-10-01/part-0-of-1.parquet")
    file.write_bytes(b"PAR1")
    assert local.compared_hours() == (2, 2)
    pending_dataset(local.collection, "again").enqueue([("A", 19_997)])
    assert written(local) == {FILES.format(1)}
    assert ends(local) == before


def test_hours_are_computed_from_the_database_if_a_day_of_the_dataset_is_damaged(local: World) -> None:
    local.load(*hours(range(DAY_MINUTES - 55, DAY_MINUTES + 5, 5)))
    local.write()
    before = ends(local)
    Path(local.store.uri, "current/day=2024-10-01/part-0-of-1.parquet").write_bytes(b"PAR1")
    pending_dataset(local.collection, "again").enqueue([("A", 19_998)])
    local.write()
    assert ends(local) == before


def test_a_comparison_names_the_hours_that_differ(local: World, caplog: pytest.LogCaptureFixture) -> None:
    local.load(*hours(range(5, 65, 5)), *hours(range(5, 65, 5), "B"))
    local.write()
    local.collection.update_one({"_id": "A@2024-10-01T00:05:00Z"}, {"$set": {"measurements.air_temperature": 12.5}})
    local.collection.delete_many({"station.id": "B"})
    caplog.clear()
    caplog.set_level(logging.ERROR)
    assert local.compared_hours() == (1, 2)
    told = [record.getMessage() for record in caplog.records if record.getMessage().startswith("hour")]
    assert sorted(told) == [
        f"hour {name}@2024-10-01T01:00:00Z (its end) in the zone differs from the observations in the database"
        for name in "AB"
    ]


def test_hours_of_an_earlier_version_are_written_anew(local: World, monkeypatch: pytest.MonkeyPatch) -> None:
    local.load(*hours(range(5, 65, 5)))
    local.write()
    DatasetState.for_collection(local.collection).collection.update_one({}, {"$set": {"hourly_version": 0}})
    assert written(local) == {FILES.format(1)}
    assert local.compared_hours()[1] == 0


def test_a_station_that_the_registry_lost_has_hours_without_values(local: World) -> None:
    local.load(*hours(range(5, 65, 5)))
    local.write()
    local.stations = Stations({one.id: one for one in five(interval_minutes=5) if one.id != "A"})
    local.write()
    assert ends(local) == [("A", "01 01:00", None)]
