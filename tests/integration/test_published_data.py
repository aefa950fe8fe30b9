"""The published files of October 2024: each document holds what the files say, read here a second time."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import openpyxl
import pandas as pd
import pytest

from forecast.core.digests import HASH_LENGTH
from forecast.run.run import RunOptions
from tests.examples import for_the_night
from tests.integration.worlds import World, WorldMaker, assert_reports_hold
from tests.real_week import ARMENTIERES, BERGUES, HAZEBROUCK, ICHTEGEM, LA_MADELEINE, LESQUIN

pytestmark = pytest.mark.usefixtures("built_in_registry")

BY_STATION = {LESQUIN: 60, ARMENTIERES: 361, BERGUES: 361, HAZEBROUCK: 361, ICHTEGEM: 1899, LA_MADELEINE: 1908}
WRITTEN = ("inserted", "updated", "unchanged", "superseded")
Readings = dict[str, dict[str, float]]

# The second reading: nothing of the program, and the units from their definitions.
KMH, MPH = 1000 / 3600, 1609.344 / 3600
INCH_OF_MERCURY = 33.86388640341
WORDS = (
    *("North", "NNE", "NE", "ENE", "East", "ESE", "SE", "SSE"),
    *("South", "SSW", "SW", "WSW", "West", "WNW", "NW", "NNW"),
)
INFOCLIMAT = {
    "temperature": ("air_temperature", 1.0),
    "point_de_rosee": ("dew_point_temperature", 1.0),
    "humidite": ("relative_humidity", 1.0),
    "pression": ("air_pressure_at_mean_sea_level", 1.0),
    "vent_moyen": ("wind_speed", KMH),
    "vent_rafales": ("wind_speed_of_gust", KMH),
    "vent_direction": ("wind_from_direction", 1.0),
    "pluie_1h": ("precipitation_amount_1h", 1.0),
    "pluie_3h": ("precipitation_amount_3h", 1.0),
    "visibilite": ("visibility_in_air", 1.0),
    "nebulosite": ("cloud_area_fraction", 1.0),
    "neige_au_sol": ("surface_snow_thickness", 1.0),
    "temps_omm": ("present_weather", 1.0),
}
WUNDERGROUND = {
    "Temperature": ("air_temperature", "°F"),
    "Dew Point": ("dew_point_temperature", "°F"),
    "Humidity": ("relative_humidity", "%"),
    "Speed": ("wind_speed", "mph"),
    "Gust": ("wind_speed_of_gust", "mph"),
    "Pressure": ("air_pressure_at_mean_sea_level", "in"),
    "Precip. Rate.": ("rainfall_rate", "in"),
    "Precip. Accum.": ("precipitation_counter", "in"),
    "UV": ("ultraviolet_index", ""),
    "Solar": ("surface_downwelling_shortwave_flux_in_air", "w/m²"),
}
ZONES = {ICHTEGEM: "Europe/Brussels", LA_MADELEINE: "Europe/Paris"}


def _name(station_id: str, moment: datetime) -> str:
    return f"{station_id}@{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _infoclimat(path: Path) -> Readings:
    found: Readings = {}
    for station_id, rows in json.loads(path.read_text("utf-8"))["hourly"].items():
        for row in rows if station_id != "_params" else ():
            moment = datetime.strptime(row["dh_utc"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
            cells = {name: row.get(name) for name in INFOCLIMAT}
            found[_name(station_id, moment)] = {
                INFOCLIMAT[name][0]: float(cell) * INFOCLIMAT[name][1] for name, cell in cells.items() if cell
            }
    return found


def _table_value(column: str, cell: str | int) -> float:
    number, _, unit = str(cell).partition("\N{NO-BREAK SPACE}")
    assert unit == WUNDERGROUND[column][1]
    value = float(number)
    if unit == "°F":
        return (value - 32) * 5 / 9
    if unit == "mph":
        return value * MPH
    if unit == "in":
        return value * (INCH_OF_MERCURY if column == "Pressure" else 25.4)
    return value


def _workbook(path: Path, station_id: str) -> Readings:
    found: Readings = {}
    for sheet in openpyxl.load_workbook(path):
        day = datetime.strptime(sheet.title, "%d%m%y").date()
        header, *rows = sheet.iter_rows(values_only=True)
        for cells in rows:
            row: dict[Any, Any] = dict(zip(header, cells, strict=True))
            if row["Time"] is None:
                assert set(row.values()) == {None}
                continue
            assert isinstance(row["Time"], time)
            moment = datetime.combine(day, row["Time"], ZoneInfo(ZONES[station_id]))
            values = {
                name: _table_value(column, row[column])
                for column, (name, _) in WUNDERGROUND.items()
                if row[column] is not None
            }
            if row["Wind"] is not None:
                values["wind_from_direction"] = WORDS.index(row["Wind"]) * 22.5 or 360.0
            found[_name(station_id, moment)] = values
    return found


def whole(folder: Path) -> Path:
    """A folder of the published data, where none of its files has lost its content."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.stat().st_size:
            pytest.skip(f"real data is not here: {path.relative_to(folder.parent)} is empty")
    return folder


@pytest.fixture(scope="module")
def expected(shared_data: Path) -> Readings:
    native = shared_data / "raw-native"
    (document,) = (native / "infoclimat").iterdir()
    found = _infoclimat(document)
    for station_id in ZONES:
        (workbook,) = (native / "wunderground" / station_id).iterdir()
        found |= _workbook(workbook, station_id)
    return found


@pytest.fixture(scope="module")
def native(new_world: WorldMaker, shared_data: Path) -> World:
    """A world into which the files were loaded once, as they were published."""
    world = new_world()
    world.deliver(shared_data / "raw-native")
    world.run()
    return world


@pytest.fixture(scope="module")
def airbyte(new_world: WorldMaker, shared_data: Path) -> World:
    """A world into which the same observations were loaded as Airbyte brought them."""
    world = new_world()
    world.deliver(shared_data / "raw-airbyte")
    world.run()
    return world


def test_every_row_is_read_and_none_is_quarantined(native: World) -> None:
    status = native.reports("quality_report")[0]
    assert (status["rows_read"], status["rows_empty"], status["records_rejected"]) == (4964, 14, 0)
    assert (status["records_extracted"], status["records_validated"]) == (4950, 4950)
    assert native.rejected_keys() == []


def test_run_ends_with_success_and_says_what_it_did(new_world: WorldMaker, shared_data: Path) -> None:
    world = new_world()
    world.deliver(shared_data / "raw-native")
    status = world.run()
    assert (status["status"], status["exit_code"], status["errors"]) == ("success", 0, [])
    assert world.status() == status
    assert [status["counts"][name] for name in ("objects_listed", "objects_loaded", "objects_rejected")] == [3, 3, 0]
    assert [status["counts"][name] for name in WRITTEN] == [4950, 0, 0, 0]


def test_documents_are_exactly_the_observations_of_each_station(native: World) -> None:
    documents = native.documents()
    assert len(documents) == 4950
    assert Counter(document["station"]["id"] for document in documents.values()) == BY_STATION
    moments = [document["timestamp"] for document in documents.values()]
    assert min(moments) == datetime(2024, 9, 30, 22, 4, tzinfo=UTC)
    assert max(moments) == datetime(2024, 10, 7, 12, 59, tzinfo=UTC)


def test_known_averages_are_met(native: World) -> None:
    def mean(station_id: str) -> float:
        values = [
            document["measurements"]["air_temperature"]
            for document in native.documents().values()
            if document["station"]["id"] == station_id
        ]
        return float(round(sum(values) / len(values), 6))

    assert mean(LA_MADELEINE) == 11.912794
    assert mean(ICHTEGEM) == 11.387543
    without_wind = [
        name
        for name, document in native.documents().items()
        if name.startswith(f"{LA_MADELEINE}@") and "wind_from_direction" not in document["measurements"]
    ]
    assert len(without_wind) == 58


def _rain(readings: Readings) -> dict[str, float]:
    """Rain since the reading before, from the counter: what it has grown by, or all it says after it fell."""
    found = {}
    for station_id in ZONES:
        counted = [
            (datetime.fromisoformat(name.partition("@")[2]), name, values["precipitation_counter"])
            for name, values in sorted(readings.items())
            if name.startswith(station_id) and "precipitation_counter" in values
        ]
        for (earlier, _, before), (later, name, now) in pairwise(counted):
            assert later - earlier < timedelta(hours=12)
            found[name] = now - before if now >= before else now
    return found


def test_rain_of_the_week_is_what_the_counters_say(native: World) -> None:
    sums: Counter[str] = Counter()
    for document in native.documents().values():
        sums[document["station"]["id"]] += document["measurements"].get("precipitation_amount", 0)
    assert {name: round(amount, 3) for name, amount in sums.items() if name in ZONES} == {
        LA_MADELEINE: 4.318,
        ICHTEGEM: 7.62,
    }


def test_every_value_equals_a_second_reading_of_the_files(native: World, expected: Readings) -> None:
    found = {name: document["measurements"] for name, document in native.documents().items()}
    assert found.keys() == expected.keys()
    rain = _rain(expected)
    for name, measured in expected.items():
        values = measured if name not in rain else {**measured, "precipitation_amount": rain[name]}
        assert found[name] == pytest.approx(values, rel=1e-9, abs=1e-12), name


def test_every_station_has_as_many_values_of_each_parameter_as_the_files(native: World, expected: Readings) -> None:
    def counted(readings: Readings) -> Counter[tuple[str, str]]:
        return Counter((name.partition("@")[0], parameter) for name, values in readings.items() for parameter in values)

    found = counted({name: document["measurements"] for name, document in native.documents().items()})
    derived = {(station_id, "precipitation_amount"): BY_STATION[station_id] - 1 for station_id in ZONES}
    assert found == counted(expected) + Counter(derived)


def test_document_names_its_station_its_time_and_where_it_came_from(native: World) -> None:
    for name, document in native.documents().items():
        assert name == _name(document["station"]["id"], document["timestamp"])
        assert document["metadata"]["source_uri"].startswith(native.raw.uri)
        assert document["metadata"]["source_row"]


def test_airbyte_brings_the_same_observations_value_for_value(native: World, airbyte: World) -> None:
    assert airbyte.contents() == native.contents()


@pytest.mark.parametrize("order", [("raw-native", "raw-airbyte"), *for_the_night((("raw-airbyte", "raw-native"),))])
def test_both_deliveries_in_either_order_end_as_one(
    new_world: WorldMaker, native: World, shared_data: Path, order: tuple[str, str]
) -> None:
    world = new_world()
    counts = []
    for delivery in order:
        world.deliver(shared_data / delivery)
        counts.append(world.run()["counts"])
    assert [count["inserted"] for count in counts] == [4950, 0]
    assert [count["updated"] for count in counts] == [0, 0]
    assert world.contents() == native.contents()


def test_dry_run_says_what_the_run_then_does(new_world: WorldMaker, shared_data: Path) -> None:
    """Also where the objects of one run bring the same observations."""
    world = new_world()
    world.deliver(shared_data / "raw-airbyte")
    foreseen = world.run(RunOptions(dry_run=True))["counts"]
    assert (world.documents(), foreseen["inserted"], foreseen["unchanged"] + foreseen["updated"]) == ({}, 4950, 1143)
    done = world.run()["counts"]
    evaluated = {name: done[name] for name in ("documents_checked", "documents_reflagged", "flags_changed")}
    # The dry run found no observation in the database.
    assert done == {**foreseen, **evaluated, "newest_observation_age_s": done["newest_observation_age_s"]}
    assert (evaluated["documents_checked"], {foreseen[name] for name in evaluated}) == (4950, {0})


def test_loading_the_workbooks_again_changes_not_a_byte(native: World) -> None:
    _load_again(native)


def test_loading_airbytes_objects_again_changes_not_a_byte(airbyte: World) -> None:
    _load_again(airbyte)


def _load_again(world: World) -> None:
    before, keys = world.document_bytes(), world.record_keys()
    counts = world.reprocess()["counts"]
    assert (counts["inserted"], counts["updated"]) == (0, 0)
    assert counts["unchanged"] == counts["records_validated"]
    assert world.document_bytes() == before
    assert len(before) == 4950
    assert world.record_keys() == keys


def test_a_second_run_processes_no_object(native: World) -> None:
    counts = native.run()["counts"]
    assert (counts["objects_listed"], counts["objects_already_processed"], counts["objects_loaded"]) == (3, 3, 0)
    assert (counts["rows_read"], counts["inserted"]) == (0, 0)


def test_a_dry_run_on_a_loaded_database_finds_everything_unchanged(native: World) -> None:
    before = native.document_bytes(), native.processed.keys(), native.checkpoints(), native.reports("")
    status = native.run(RunOptions(reprocess=True, dry_run=True))
    assert [status["counts"][name] for name in WRITTEN] == [0, 0, 4950, 0]
    assert (native.document_bytes(), native.processed.keys(), native.checkpoints(), native.reports("")) == before


def test_table_of_a_file_source_gives_the_observations_of_infoclimat(
    new_world: WorldMaker, shared_data: Path, native: World
) -> None:
    world = new_world()
    world.deliver(whole(shared_data / "raw-file-source"))
    assert world.run()["exit_code"] == 0
    # Not what the checks say of them: the other network's stations are their neighbours.
    infoclimat = {
        name: (digest[:HASH_LENGTH], values)
        for name, (digest, values) in native.contents().items()
        if not name.startswith("I")
    }
    assert len(infoclimat) == 1143
    assert {name: (digest[:HASH_LENGTH], values) for name, (digest, values) in world.contents().items()} == infoclimat


def test_tables_without_their_days_are_rejected_and_never_guessed(new_world: WorldMaker, shared_data: Path) -> None:
    world = new_world()
    keys = world.deliver(whole(shared_data / "raw-undated"))
    for outcome in (("partial", 3), ("success", 0)):  # the second time they are known
        status = world.run()
        assert (status["status"], status["exit_code"]) == outcome
        assert [(error["object"], error["code"]) for error in status["errors"]] == [(key, "lost_day") for key in keys]
        for error in status["errors"]:
            assert "time of day" in error["message"]
            assert "Date column" in error["message"]
    assert world.documents() == {}
    assert world.checkpoints() == {}
    assert world.record_keys() == []


def test_every_report_keeps_its_schema_and_adds_up(native: World) -> None:
    assert assert_reports_hold(native) >= 3


@pytest.mark.both_zones
def test_zone_on_s3_has_a_copy_of_every_report(new_world: WorldMaker, shared_data: Path) -> None:
    world = new_world()
    world.deliver(shared_data / "raw-file-source")
    world.run()
    copies = {key.removeprefix("logs/") for key in world.processed.keys() if key.startswith("logs/")}
    if not world.on_s3:
        assert copies == set()
        return
    reports = {
        path.relative_to(world.logs_dir).as_posix()
        for path in world.logs_dir.rglob("*.json*")
        if "site" not in path.parts
    }
    assert copies == reports
    assert [name.partition("/")[0] for name in copies].count("history") == 1
    for name in copies:
        assert world.processed.get(f"logs/{name}") == (world.logs_dir / name).read_bytes()


def test_parquet_holds_the_same_rows_for_pandas_and_duckdb(native: World, tmp_path: Path) -> None:
    native.copy_records(tmp_path)
    frame = pd.concat([pd.read_parquet(path) for path in sorted(tmp_path.rglob("*.parquet"))])
    assert len(frame) == 4950
    documents = native.documents()
    digests = {name: document["metadata"]["digest"][:HASH_LENGTH] for name, document in documents.items()}
    assert dict(zip(frame["_id"], frame["digest"].str[:HASH_LENGTH], strict=True)) == digests
    with duckdb.connect() as connection:
        rows = connection.execute(
            "select station_id, count(*), count(air_temperature), sum(air_temperature) "
            f"from read_parquet('{tmp_path}/observations/**/*.parquet', hive_partitioning=true) group by station_id"
        ).fetchall()
    assert {station_id: count for station_id, count, _, _ in rows} == BY_STATION
    for station_id, _, count, total in rows:
        values = [
            document["measurements"]["air_temperature"]
            for document in documents.values()
            if document["station"]["id"] == station_id and "air_temperature" in document["measurements"]
        ]
        assert (count, total) == (len(values), pytest.approx(sum(values)))


def test_names_of_parquet_files_depend_on_the_month_and_not_on_the_run(native: World) -> None:
    keys = native.record_keys()
    assert {key.rpartition("/")[0] for key in keys} == {
        "observations/year=2024/month=09",
        "observations/year=2024/month=10",
    }
    native.forget_documents()
    native.run()
    assert native.record_keys() == keys
