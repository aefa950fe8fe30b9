"""The quality of some days, from the database alone: exact numbers, and nothing is written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from forecast.core.errors import SettingError
from forecast.core.parameters import PARAMETER_NAMES
from forecast.networks.qc_version import qc_version
from forecast.report.write import write_report
from forecast.run.quality_window import quality_of_window
from tests.mongo.test_qc_update import Database, _new, row
from tests.networks import network, station

AIR, WIND, COUNTER = "air_temperature", "wind_speed", "precipitation_counter"
REPORTED = (AIR, WIND, COUNTER)
STATIONS = network(*(station(name, 10 * n, parameters=REPORTED, interval_minutes=60) for n, name in enumerate("AB")))
NOW = datetime(2026, 1, 1, tzinfo=UTC)
NOTE = '[{"parameter": "wind_speed", "raw": "x", "reason": "not a number"}]'
FIRST, SECOND, THIRD = (date(2024, 10, day) for day in (1, 2, 3))


@pytest.fixture
def database(replica_set: str, mongo_database: str, tmp_path: Path) -> Iterator[Database]:
    with MongoClient[dict[str, Any]](replica_set, tz_aware=True) as client:
        yield Database(_new(client, mongo_database), tmp_path, STATIONS)


def report(database: Database, since: date, until: date, now: datetime = NOW) -> dict[str, Any]:
    """The report as its file has it."""
    found = quality_of_window(database.collection, database.stations, since, until, now)
    path = write_report("r.json", found, logs_dir=database.folder / "logs")
    data: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return data


def fill(database: Database) -> None:
    """A has 22 values on the first day, one of them a failed one and one noted, and 24 on the second; B has none."""
    first = [row(60 * hour, 10 + hour / 4) for hour in range(22)]
    first[5] |= {AIR: 99.0, "precipitation_counter": 1.0}
    first[6] |= {"precipitation_counter": 1.5}
    first[7] |= {"parse_issues": NOTE}
    database.load(*first, *(row(1440 + 60 * hour, 10 + hour / 4) for hour in range(24)))
    database.evaluate()


def test_the_report_of_one_day_is_of_that_day_alone(database: Database, tmp_path: Path) -> None:
    fill(database)
    found = report(database, FIRST, FIRST)
    assert (found["run_id"], found["window"]) == (None, {"since": "2024-10-01", "until": "2024-10-01"})
    assert (found["generated_at"], found["qc_version"]) == ("2026-01-01T00:00:00Z", qc_version())
    assert {name: value for name, value in found.items() if value is None} == dict.fromkeys(
        ("run_id", "rows_read", "rows_empty", "records_extracted", "records_rejected", "rejection_rate")
    )
    assert (found["records_validated"], found["anomalies_detected"], found["station_days_checked"]) == (22, 1, 1)
    assert (found["observations_received"], found["observations_expected"]) == (22, 48)
    assert found["completeness_score"] == round(24 / 3 / 22, 6)
    assert found["by_station"] == {
        "A": {
            "observations": 22,
            "first": "2024-10-01T00:00:00Z",
            "last": "2024-10-01T21:00:00Z",
            "completeness_score": round(24 / 3 / 22, 6),
            "flagged": 1,
            "expected": 24,
            "received": 22,
            "last_observation": "2024-10-02T23:00:00Z",
            "age_hours": 10921.0,
            "state": "silent",
        },
        "B": {
            "observations": 0,
            "first": None,
            "last": None,
            "completeness_score": 0.0,
            "flagged": 0,
            "expected": 24,
            "received": 0,
            "last_observation": None,
            "age_hours": None,
            "state": "never",
        },
    }
    assert found["by_check"]["gross_range"] == {"evaluated": 24, "suspect": 0, "failed": 1}
    assert (found["rejections_by_code"], found["by_object"], found["conflicts"]) == (
        {},
        [],
        {"by_station": {}, "examples": []},
    )
    assert [(one["from"], one["values"]) for one in found["worst_episodes"]] == [("2024-10-01T05:00:00Z", [99.0])]
    assert [(one["check"], one["count"], one["share"]) for one in found["advice"]] == [
        ("gross_range", 1, round(1 / 22, 6))
    ]


def test_values_are_counted_by_parameter(database: Database) -> None:
    fill(database)
    found = report(database, FIRST, FIRST)["by_parameter"]
    assert list(found) == list(PARAMETER_NAMES)
    counts = {name: tuple(entry.values())[1:] for name, entry in found.items() if any(tuple(entry.values())[1:])}
    assert counts == {
        AIR: (22, 0, 0, 1),
        WIND: (0, 22, 1, 0),
        COUNTER: (2, 20, 0, 0),
        "precipitation_amount": (1, 0, 0, 0),
    }


def test_completeness_covers_the_whole_window_for_every_station(database: Database) -> None:
    fill(database)
    found = report(database, FIRST, THIRD)["completeness"]
    days, expected = ["2024-10-01", "2024-10-02", "2024-10-03"], [24, 24, 24]
    assert found == {
        "A": {
            "interval_minutes": 60,
            "days": days,
            "expected": expected,
            "received": {AIR: [22, 24, 0], WIND: [0, 0, 0], COUNTER: [2, 0, 0]},
            "share": {AIR: round(46 / 72, 6), WIND: 0.0, COUNTER: round(2 / 72, 6)},
        },
        "B": {
            "interval_minutes": 60,
            "days": days,
            "expected": expected,
            "received": {name: [0, 0, 0] for name in REPORTED},
            "share": {AIR: 0.0, WIND: 0.0, COUNTER: 0.0},
        },
    }


def test_nothing_is_expected_for_days_in_the_future(database: Database) -> None:
    fill(database)
    now = datetime(2024, 10, 2, 12, 30, tzinfo=UTC)
    found = report(database, FIRST, THIRD, now)
    assert (found["completeness"]["A"]["expected"], found["by_station"]["A"]["expected"]) == ([24, 12, 0], 36)


def test_a_window_without_bounds_covers_everything(database: Database, tmp_path: Path) -> None:
    fill(database)
    now = datetime(1901, 1, 2, 12, 0, tzinfo=UTC)
    assert report(database, date.min, date.max, now)["by_station"]["A"]["expected"] == 36
    found = report(database, date(2024, 9, 30), date.max, datetime(2024, 10, 3, tzinfo=UTC))
    assert found["window"] == {"since": "2024-09-30", "until": "9999-12-31"}
    assert (found["observations_received"], found["by_station"]["A"]["expected"]) == (46, 72)


def test_the_window_includes_its_first_and_last_day(database: Database) -> None:
    database.load(*(row(minute, 12.0) for minute in (-60, 0, 1439, 1440, 2879, 2880)))
    assert report(database, FIRST, FIRST)["observations_received"] == 2
    assert report(database, FIRST, SECOND)["observations_received"] == 4
    assert report(database, SECOND, THIRD)["observations_received"] == 3


def test_the_checks_also_use_the_observations_around_the_window(database: Database) -> None:
    """The last value of the first day is a spike because of the first of the second."""
    database.load(row(1380, 12.0), row(1439, 22.0), row(1441, 12.0))
    found = report(database, FIRST, FIRST)
    assert (found["by_check"]["spike"]["failed"], found["observations_received"]) == (1, 2)


def test_flags_are_evaluated_now_and_nothing_is_written(database: Database) -> None:
    fill(database)
    older = {"$set": {"data_quality.flags": {}, "data_quality.flag": 2, "data_quality.qc_version": 0}}
    database.collection.update_many({}, older)
    before = database.documents()
    found = report(database, FIRST, SECOND)
    assert (found["anomalies_detected"], found["qc_version"]) == (1, qc_version())
    assert (database.documents(), database.pending_qc().marks()) == (before, {})


def test_a_window_without_observations_is_all_zeros(database: Database, tmp_path: Path) -> None:
    found = report(database, FIRST, FIRST)
    assert (found["observations_received"], found["completeness_score"]) == (0, 0.0)
    assert {name: (entry["expected"], entry["received"]) for name, entry in found["by_station"].items()} == {
        "A": (24, 0),
        "B": (24, 0),
    }
    assert (found["station_days_checked"], found["flags_by_station"]) == (0, {})
    assert {name: entry["share"][AIR] for name, entry in found["completeness"].items()} == {"A": 0.0, "B": 0.0}


def test_days_in_the_wrong_order_are_refused(database: Database) -> None:
    with pytest.raises(SettingError) as told:
        report(database, SECOND, FIRST)
    assert told.value.message == "--since 2024-10-02 is later than --until 2024-10-01"
