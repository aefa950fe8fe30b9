"""What the dashboard asks the database: each query by an index, and none that reads what it does not show."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from pymongo import MongoClient

from forecast.core.settings import Settings
from forecast.mongo.client import ObservationCollection, connect
from forecast.mongo.loader import load, prepare_collection
from forecast.mongo.qc_queue import PendingQc
from forecast.mongo.qc_update import evaluate_pending
from forecast.mongo.station_states import note_stations
from forecast.run.dashboard import write_dashboard
from tests.docs.test_docs import DOCS
from tests.networks import START, network, observation, records, station
from tests.site.nights import write_nights
from tests.transform.samples import NOW

STATIONS: Final = network(*(station(name, 10 * number, interval_minutes=60) for number, name in enumerate("ABC")))
DAYS: Final = 60
WEEK_ROWS: Final = 7 * 24 + 1


@pytest.fixture
def profile(replica_set: str, mongo_database: str, tmp_path: Path) -> list[dict[str, Any]]:
    """Give the operations of one build of the site, as the server's profiler notes them."""
    write_nights(tmp_path / "logs", stations=STATIONS)
    settings = Settings(mongodb_uri=replica_set, mongodb_database=mongo_database, logs_dir=tmp_path / "logs")
    with connect(settings) as collection:
        _fill(collection, tmp_path)
    with MongoClient[dict[str, Any]](replica_set) as client:
        database = client[mongo_database]
        database.command("profile", 2)
        write_dashboard(settings, STATIONS)
        database.command("profile", 0)
        found = list(database["system.profile"].find())
    assert "The last seven days" in (tmp_path / "logs/site/station/A.html").read_text("utf-8")
    return [one for one in found if one["op"] in {"query", "command", "getmore"} and "planSummary" in one]


def _fill(collection: ObservationCollection, folder: Path) -> None:
    prepare_collection(collection)
    pending = PendingQc.for_collection(collection, "run")
    rows = [
        observation(one.id, START + timedelta(days=30 - DAYS, hours=hour), air_temperature=10.0 + hour % 7 / 10)
        for one in STATIONS
        for hour in range(24 * DAYS)
    ]
    load(records(rows, STATIONS, folder), collection, pending)
    evaluate_pending(pending, collection, STATIONS)
    note_stations(collection, STATIONS, NOW, None)


def test_no_query_of_the_site_scans_a_collection_of_observations_or_days(profile: list[dict[str, Any]]) -> None:
    large = [one for one in profile if one["ns"].endswith(("weather_measurements", "_days"))]
    assert len(large) >= 3, "the newest days of all, and the days and weeks for the pages of several"
    assert {one["planSummary"] for one in large} == {
        "IXSCAN { station.id: 1, timestamp: 1 }",
        "IXSCAN { station: 1, day: 1, received: 1 }",
        "IXSCAN { _id: 1 }",
    }


def test_no_query_of_the_site_reads_more_than_it_shows(profile: list[dict[str, Any]]) -> None:
    """A week of observations and six weeks of days per station, whatever else the database holds."""
    for one in profile:
        assert one["docsExamined"] <= one["nreturned"] + 1, one["planSummary"]
    observations = [one for one in profile if one["ns"].endswith("weather_measurements")]
    assert [one["nreturned"] for one in observations] == [WEEK_ROWS * len(STATIONS)]
    assert all(one["nreturned"] <= 42 * len(STATIONS) for one in profile if one["ns"].endswith("_days"))


def test_the_page_lists_each_query_with_its_plan(profile: list[dict[str, Any]]) -> None:
    page = (DOCS / "dashboard.md").read_text("utf-8")
    for one in profile:
        suffix = one["ns"].partition("weather_measurements")[2]
        name = f"`<collection>{suffix}`" if suffix else "`<collection>`"
        plan = one["planSummary"]
        assert any(name in line and f"`{plan}`" in line for line in page.splitlines()), f"{name}: {plan}"
