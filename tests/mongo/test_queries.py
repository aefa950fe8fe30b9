"""The queries of a load test: what each finds, by which index, and what they are asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest
from pymongo.errors import OperationFailure

from forecast.core.slo import QuerySlos
from forecast.mongo.client import ObservationCollection
from forecast.mongo.probes.latency import Plan
from forecast.mongo.probes.queries import (
    QUERIES,
    StationSpan,
    Subject,
    bytes_read_into_cache,
    newest_observation,
    query_plans,
    station_spans,
    subjects,
)

DAY = timedelta(days=1)
START = datetime(2026, 2, 10, tzinfo=UTC)
UNTIL = START + 10 * DAY - timedelta(hours=1)
SUBJECT = Subject("ITESTB25", START + 8 * DAY, UNTIL)


def fill(collection: ObservationCollection) -> None:
    """Ten days of two stations, every hour; two observations of each day of ITESTB25 are flagged."""
    collection.insert_many(
        {
            "station": {"id": station, "location": {"type": "Point", "coordinates": [2.0, 50.0]}},
            "timestamp": START + hour * timedelta(hours=1),
            "measurements": {"air_temperature": 1.0},
            "data_quality": {"flag": {5: 3, 8: 4}.get(hour % 24, 1) if station == "ITESTB25" else 1},
        }
        for station in ("ITESTB25", "07915")
        for hour in range(240)
    )


@pytest.fixture
def filled(collection: ObservationCollection) -> ObservationCollection:
    # What the queries look at is enough here; the validator wants whole documents.
    collection.database.command({"collMod": collection.name, "validationLevel": "off"})
    fill(collection)
    return collection


def test_every_query_has_an_objective() -> None:
    assert tuple(QUERIES) == QuerySlos.__struct_fields__


@pytest.mark.parametrize(
    ("name", "rows"),
    [("station_day", 24), ("station_week", 168), ("latest", 2), ("last_hour", 2), ("flagged_week", 14)],
)
def test_a_query_finds_its_rows(name: str, rows: int, filled: ObservationCollection) -> None:
    assert QUERIES[name](SUBJECT).run(filled) == rows


def test_the_week_ends_with_the_requested_day(filled: ObservationCollection) -> None:
    early = Subject("07915", START + DAY, UNTIL)
    assert QUERIES["station_week"](early).run(filled) == 48


def test_the_newest_observations_are_whole_documents(filled: ObservationCollection) -> None:
    rows = list(filled.aggregate(list(QUERIES["latest"](SUBJECT).stages)))
    assert {row["_id"]: row["newest"]["timestamp"] for row in rows} == {"07915": UNTIL, "ITESTB25": UNTIL}
    assert rows[0]["newest"]["measurements"] == {"air_temperature": 1.0}


def test_every_query_is_answered_by_an_index(filled: ObservationCollection) -> None:
    spans = station_spans(filled, None, 1)
    plans = query_plans(filled, spans, UNTIL, 1)
    assert {name: plan.index for name, plan in plans.items()} == {
        "station_day": "station_time",
        "station_week": "station_time",
        "latest": "station_time",
        "last_hour": "time",
        "flagged_week": "station_time",
    }
    assert plans["last_hour"] == Plan("time", documents_examined=2, keys_examined=2)
    assert plans["latest"].documents_examined == 2


def test_only_stations_with_observations_are_queried(filled: ObservationCollection) -> None:
    ends = {span.station: (span.first, span.newest) for span in station_spans(filled, None, 1)}
    assert ends == {"07915": (START, UNTIL), "ITESTB25": (START, UNTIL)}
    assert [span.newest for span in station_spans(filled, START + DAY, 1)] == [START + DAY, START + DAY]
    assert station_spans(filled, START - DAY, 1) == []


def test_the_newest_observation_is_that_up_to_a_moment(filled: ObservationCollection) -> None:
    assert newest_observation(filled) == UNTIL
    assert newest_observation(filled, START + DAY + timedelta(minutes=5)) == START + DAY
    assert newest_observation(filled, START - DAY) is None


def test_subjects_are_days_of_the_last_four_weeks_of_a_station_and_the_same_for_one_seed() -> None:
    long = StationSpan("A", START - 100 * DAY, UNTIL)
    short = StationSpan("B", UNTIL, UNTIL)
    found = list(islice(subjects([long, short], UNTIL, 7), 500))
    assert found == list(islice(subjects([long, short], UNTIL, 7), 500))
    assert found != list(islice(subjects([long, short], UNTIL, 8), 500))
    assert {subject.day for subject in found if subject.station == "B"} == {START + 9 * DAY}
    assert {subject.day for subject in found if subject.station == "A"} == {
        START + (9 - back) * DAY for back in range(28)
    }
    assert {subject.until for subject in found} == {UNTIL}


def test_the_bytes_read_from_disk_are_a_number_or_unknown(
    filled: ObservationCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (bytes_read_into_cache(filled) or 0) >= 0

    def refused(*_: Any, **__: Any) -> dict[str, Any]:
        raise OperationFailure("not authorized on admin", 13)

    monkeypatch.setattr("pymongo.database.Database.command", refused)
    assert bytes_read_into_cache(filled) is None
