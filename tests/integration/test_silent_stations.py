"""Cases 110 and 111: silent stations are named by every run, and what is missing of a day is missing in its numbers."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import main
from forecast.core.registry import load_stations
from forecast.report.write import as_data
from forecast.run.run import RunOptions
from tests.integration.worlds import World, WorldMaker, assert_reports_hold

REGISTRY = sorted(station.id for station in load_stations())
# Those of the network of which something is received.
HEARD = sorted(station.id for station in load_stations() if station.network == "InfoClimat")


def lines(start: datetime, rows: int) -> bytes:
    """Rows of Lille every hour."""
    entries = [
        {"id_station": "07915", "dh_utc": f"{start + timedelta(hours=row):%Y-%m-%d %H:%M:%S}", "temperature": "12.0"}
        for row in range(rows)
    ]
    return b"\n".join(json.dumps(entry).encode() for entry in entries)


@pytest.fixture
def world(local_world: WorldMaker) -> World:
    """A day of 24 rows whose object breaks off after the fifth, and the whole day after it."""
    made = local_world()
    made.raw.put("infoclimat/a.jsonl", lines(datetime(2024, 10, 1, tzinfo=UTC), 5))
    made.raw.put("infoclimat/b.jsonl", lines(datetime(2024, 10, 2, tzinfo=UTC), 24))
    return made


def quality(world: World) -> dict[str, Any]:
    assert_reports_hold(world)
    found: dict[str, Any] = world.reports("quality_report")[-1]
    return found


def numbers(report: dict[str, Any], station: str) -> tuple[int, int, int | None]:
    entry = report["by_station"][station]
    return entry["observations"], entry["received"], entry["expected"]


def test_case_111_no_figure_shows_an_incomplete_day_as_complete(world: World) -> None:
    world.run()
    report = quality(world)
    assert sorted(report["by_station"]) == REGISTRY
    assert numbers(report, "07915") == (29, 29, 48)
    assert numbers(report, "ITESTB25") == (0, 0, None)
    assert (report["observations_received"], report["observations_expected"]) == (29, 48 + 2 * 3 * 144)
    assert report["completeness"]["07915"]["received"]["air_temperature"] == [5, 24]
    assert report["completeness"]["07915"]["expected"] == [24, 24]


def test_case_111_earlier_observations_count_and_repeated_ones_count_once(world: World) -> None:
    world.run()
    world.raw.put("infoclimat/c.jsonl", lines(datetime(2024, 10, 1, tzinfo=UTC), 7))
    world.run()
    assert numbers(quality(world), "07915") == (7, 7, 24)


def test_a_dry_run_counts_what_it_has_read(world: World) -> None:
    _, report = main.run_pipeline(world.settings(), RunOptions(dry_run=True), load_stations())
    assert numbers(as_data(report), "07915") == (29, 29, 48)
    assert report.by_station["07915"].state == "never"


def test_case_110_a_run_names_silent_stations_with_and_without_new_data(world: World) -> None:
    """The newest observation is years old. Three more stations of its network have none, nor has another network."""
    for _ in range(2):
        outcome = world.typed("pipeline", "--max-data-age-hours", "48", "--log-format", "json")
        assert outcome.code == 0, outcome.stderr
        entries = [json.loads(line) for line in outcome.stderr.splitlines() if line.startswith("{")]
        warned = [entry for entry in entries if entry.get("event") == "station_silent"]
        assert [(entry["station"], entry["level"]) for entry in warned] == [(name, "WARNING") for name in HEARD]
        (finished,) = [entry for entry in entries if entry.get("event") == "run_finished"]
        assert finished["stations_silent"] == len(HEARD)
        assert finished["newest_observation_age_s"] > 24 * 3600
        assert list(world.status()["stations"]) == REGISTRY
        assert world.status()["stations"]["07915"]["last_observation"] == "2024-10-02T23:00:00Z"
        assert "07915       silent  2024-10-02 23:00" in outcome.stdout
    # Nothing new came, of a day and a bit.
    received, expected = (numbers(quality(world), "07915")[at] for at in (1, 2))
    assert (received, expected is not None and 24 <= expected <= 48) == (0, True)


def test_an_empty_raw_zone_raises_silence_in_the_metrics(local_world: WorldMaker) -> None:
    """Nothing was ever delivered: the run ends with 2, and its metrics say that every station is silent."""
    outcome = local_world().typed("pipeline", "--max-data-age-hours", "36", "--metrics-namespace", "forecast-test")
    assert outcome.code == 2, outcome.stderr
    told = [json.loads(line) for line in outcome.stdout.splitlines() if line.startswith('{"_aws"')]
    assert [(entry.get("network"), entry.get("RowsRead"), entry.get("StationsSilent")) for entry in told] == [
        (None, 0, None),
        ("InfoClimat", None, 4),
        ("Weather Underground", None, 2),
    ]
    assert {entry["_aws"]["CloudWatchMetrics"][0]["Namespace"] for entry in told} == {"forecast-test"}


def test_a_station_that_falls_silent_is_distinguished_from_those_that_were(world: World) -> None:
    """By the metric whose alarm mails each of them: one that lasts would hide those that come later."""
    numbers = []
    for age in ("87600", "87600", "36", "36"):
        outcome = world.typed("pipeline", "--max-data-age-hours", age, "--metrics-namespace", "forecast-test")
        (line,) = [text for text in outcome.stdout.splitlines() if '"RowsRead"' in text]
        counts = world.status()["counts"]
        assert json.loads(line)["StationsNewlySilent"] == counts["stations_newly_silent"]
        numbers.append((counts["stations_silent"], counts["stations_newly_silent"]))
    # Three of the network were never heard; Lille was, until its newest observation is too old.
    assert numbers == [(3, 3), (3, 0), (4, 1), (4, 0)]


def test_without_a_maximum_age_the_state_is_reported_without_a_warning(world: World) -> None:
    outcome = world.typed("pipeline", "--log-format", "json")
    assert "station_silent" not in outcome.stderr
    assert world.status()["counts"]["stations_silent"] is None
    nothing = {"last_observation": None, "age_hours": None}
    assert world.status()["stations"]["00092"] == {**nothing, "state": "never"}
    assert world.status()["stations"]["ITESTA19"] == {**nothing, "state": "undelivered"}


def test_a_station_that_only_the_database_has_is_listed(world: World) -> None:
    world.run()
    with world.mongo() as database:
        document = database["weather_measurements"].find_one()
        gone = {**document["station"], "id": "GONE"}
        database["weather_measurements"].insert_one({**document, "_id": "GONE@2024-10-01T00:00:00Z", "station": gone})
    world.run()
    entry = world.status()["stations"]["GONE"]
    assert (entry["state"], entry["last_observation"]) == (
        "unregistered",
        f"{document['timestamp']:%Y-%m-%dT%H:%M:%SZ}",
    )
    report = quality(world)["by_station"]["GONE"]
    assert (report["expected"], report["received"]) == (None, 0)
