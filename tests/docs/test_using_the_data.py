"""The queries of the page on using the data run, and give what a plain reading of the documents gives."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import asin, cos, radians, sin, sqrt
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pymongo import MongoClient
from pymongo.collection import Collection

import main
from forecast.core.precedence import RANK
from forecast.core.registry import load_stations
from forecast.core.settings import Settings
from forecast.run.run import RunOptions
from forecast_demo import write_demo
from tests.docs.test_docs import DOCS, blocks
from tests.real_week import ICHTEGEM, LA_MADELEINE

pytestmark = pytest.mark.usefixtures("built_in_registry")

PAGE = DOCS / "using-the-data.md"
SINCE, UNTIL = datetime(2024, 10, 2, tzinfo=UTC), datetime(2024, 10, 3, tzinfo=UTC)
# No sensor of a screen says so: the one value that its own object is enough to flag.
HOT = {"Date": "2024-10-02", "Time": "12:02:00", "Temperature": "199 °F", "Humidity": "50 %", "Pressure": "29.9 in"}
Document = dict[str, Any]


@pytest.fixture(scope="module")
def loaded(replica_set: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Settings]]:
    """Give the folder and the settings of a run on synthetic data."""
    folder = tmp_path_factory.mktemp("data")
    write_demo(folder / "raw")
    (folder / "raw" / "wunderground" / LA_MADELEINE / "hot.jsonl").write_text(json.dumps(HOT), "utf-8")
    settings = Settings(
        raw_uri=str(folder / "raw"),
        processed_uri=str(folder / "processed"),
        mongodb_uri=replica_set,
        mongodb_database="test_using_the_data",
        mongodb_collection="weather_measurements",
        log_level="INFO",
        log_format="text",
        logs_dir=folder / "logs",
    )
    status, _ = main.run_pipeline(settings, RunOptions(), load_stations())
    assert status.exit_code == 0
    yield folder, settings
    client: MongoClient[Document]
    with MongoClient(replica_set) as client:
        client.drop_database(settings.mongodb_database)


@pytest.fixture(scope="module")
def documents(loaded: tuple[Path, Settings]) -> list[Document]:
    """Give every document, in the order of station and time."""
    _, settings = loaded
    client: MongoClient[Document]
    with MongoClient(settings.mongodb_uri, tz_aware=True) as client:
        collection: Collection[Document] = client[settings.mongodb_database][settings.mongodb_collection]
        return sorted(collection.find(), key=lambda document: (document["station"]["id"], document["timestamp"]))


@pytest.fixture(scope="module")
def page(loaded: tuple[Path, Settings]) -> Iterator[tuple[Document, Document]]:
    """Give the names that the blocks of MongoDB and of DuckDB define."""
    folder, settings = loaded
    python = blocks(PAGE, "python")
    assert len(python) == 12
    mongodb: Document = {}
    duckdb: Document = {}
    with pytest.MonkeyPatch.context() as patch, ExitStack() as opened:
        patch.chdir(folder)
        patch.setenv("MONGODB_URI", str(settings.mongodb_uri))
        patch.setenv("MONGODB_DATABASE", settings.mongodb_database)
        for names, part, door in ((mongodb, python[:6], "client"), (duckdb, python[6:], "zone")):
            opened.callback(_close, names, door)
            for block in part:
                exec(block, names)
        yield mongodb, duckdb


def _close(names: Document, door: str) -> None:
    names[door].close()


def hourly_means(documents: list[Document]) -> dict[datetime, tuple[float, int]]:
    hours: dict[datetime, list[float]] = {}
    for document in documents:
        if document["station"]["id"] != ICHTEGEM or not SINCE <= document["timestamp"] < UNTIL:
            continue
        if "air_temperature" in document["data_quality"]["flags"] or "air_temperature" not in document["measurements"]:
            continue
        hour = document["timestamp"].replace(minute=0, second=0)
        hours.setdefault(hour, []).append(document["measurements"]["air_temperature"])
    return {hour: (sum(values) / len(values), len(values)) for hour, values in hours.items()}


def test_hourly_series_leaves_out_what_is_flagged(page: tuple[Document, Document], documents: list[Document]) -> None:
    expected = hourly_means(documents)
    found = {entry["_id"]: (entry["air_temperature"], entry["values"]) for entry in page[0]["hourly"]}
    assert len(found) == 24
    assert found.keys() == expected.keys()
    for hour, (mean, values) in expected.items():
        assert found[hour] == (pytest.approx(mean), values)


def test_latest_of_each_station_is_read_from_the_index_alone(
    page: tuple[Document, Document], documents: list[Document]
) -> None:
    expected = {document["station"]["id"]: document["timestamp"] for document in documents}
    assert {entry["_id"]: entry["last"] for entry in page[0]["latest"]} == expected
    assert {station: last for station, last, _ in page[1]["latest"]} == expected
    weather: Collection[Document] = page[0]["weather"]
    explained = weather.database.command(
        "explain",
        {"aggregate": weather.name, "pipeline": page[0]["newest_first"], "cursor": {}},
        verbosity="executionStats",
    )
    assert "DISTINCT_SCAN" in str(explained)
    assert "'totalDocsExamined': 0" in str(explained)


def test_gaps_are_those_between_one_observation_and_the_next(
    page: tuple[Document, Document], documents: list[Document]
) -> None:
    times = [document["timestamp"] for document in documents if document["station"]["id"] == ICHTEGEM]
    expected = [(one, two) for one, two in pairwise(times) if two - one > timedelta(minutes=30)]
    assert [(gap["after"], gap["until"]) for gap in page[0]["gaps"]] == expected
    assert [(after, until) for _, after, until, _ in page[1]["gaps"]] == expected


def distance(longitude: float, latitude: float) -> float:
    """Metres from the page's place."""
    half = sin(radians(latitude - 50.63) / 2) ** 2
    half += cos(radians(50.63)) * cos(radians(latitude)) * sin(radians(longitude - 3.06) / 2) ** 2
    return 2 * 6_371_000 * asin(sqrt(half))


def test_nearest_stations_come_with_their_distance(page: tuple[Document, Document], documents: list[Document]) -> None:
    places = {document["station"]["id"]: document["station"]["location"]["coordinates"] for document in documents}
    far = {station: distance(*place) for station, place in places.items()}
    near = sorted((station for station in far if far[station] <= 100_000), key=far.__getitem__)
    assert len(near) >= 2
    assert [entry["_id"] for entry in page[0]["nearest"]] == near
    assert [station for station, _ in page[1]["nearest"]] == near
    for station, metres in page[1]["nearest"]:
        assert metres == pytest.approx(far[station])
    for entry in page[0]["nearest"]:
        assert entry["distance"] == pytest.approx(far[entry["_id"]], rel=0.002)  # the server's sphere is 7 km larger


def test_flags_are_counted_by_station_parameter_and_check(
    page: tuple[Document, Document], documents: list[Document], loaded: tuple[Path, Settings]
) -> None:
    expected: Counter[tuple[str, str, str]] = Counter()
    for document in documents:
        if SINCE <= document["timestamp"] < UNTIL:
            for parameter, entry in document["data_quality"]["flags"].items():
                expected.update((document["station"]["id"], parameter, check) for check in entry["checks"])
    assert expected[LA_MADELEINE, "air_temperature", "gross_range"] == 1
    assert {tuple(entry["_id"].values()): entry["values"] for entry in page[0]["flagged"]} == expected
    assert {tuple(names): values for *names, values in page[1]["flagged"]} == flags_in_the_zone(loaded[0])


def flags_in_the_zone(folder: Path) -> Counter[tuple[str, str, str]]:
    """Count what the flags of the records that are kept say, by station, parameter and check."""
    names = ["_id", "station_id", "flag", *RANK, "digest", "flags"]
    records = pq.read_table(folder / "processed" / "observations", columns=names).to_pylist()
    records.sort(key=lambda record: (record["flag"] != 9, *(record[name] for name in (*RANK, "digest"))))
    kept = {record["_id"]: record for record in records}
    counted: Counter[tuple[str, str, str]] = Counter()
    for record in kept.values():
        for parameter, entry in json.loads(record["flags"] or "{}").items():
            counted.update((record["station_id"], parameter, check) for check in entry["checks"])
    assert counted[LA_MADELEINE, "air_temperature", "gross_range"] == 1
    return counted
