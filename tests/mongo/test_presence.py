"""What the database holds of each station, asked of the index alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from pymongo import MongoClient

from forecast.core.presence import Presence
from forecast.mongo.client import ObservationCollection
from forecast.mongo.loader import load, prepare_collection
from forecast.mongo.presence import days_until, presence_of
from forecast.mongo.qc_queue import PendingQc
from tests.networks import DAY, START, START_MS, five, network, observation, records, station

STATIONS = network(*five(), station("gone", 300))


@pytest.fixture
def collection(replica_set: str, mongo_database: str, tmp_path: Path) -> Iterator[ObservationCollection]:
    """A every hour of three days but one, B once, and a station that is no longer in the registry."""
    rows = [observation("A", START + timedelta(hours=hour), air_temperature=1.0) for hour in range(72) if hour != 30]
    rows += [observation(name, START + timedelta(days=1), air_temperature=2.0) for name in ("B", "gone")]
    with MongoClient[dict[str, Any]](replica_set, tz_aware=True) as client:
        made = client[mongo_database]["weather"]
        prepare_collection(made)
        load(records(rows, STATIONS, tmp_path), made, PendingQc.for_collection(made, "run"))
        yield made


HOUR_MS = 3_600_000
FIRST = {"A": START_MS, "B": START_MS + 24 * HOUR_MS, "gone": START_MS + 24 * HOUR_MS}
NEWEST = {**FIRST, "A": START_MS + 71 * HOUR_MS}


def test_first_newest_and_the_number_on_the_days_that_were_asked_for(collection: ObservationCollection) -> None:
    days = {DAY + 1, DAY + 2, DAY + 50}
    found = presence_of(collection, five(), days, 36.0)
    assert found == Presence(FIRST, NEWEST, {"A": 47, "B": 1, "gone": 1}, frozenset(days), 36.0)


def test_no_days_count_nothing_and_an_empty_database_holds_nothing(collection: ObservationCollection) -> None:
    assert presence_of(collection, five(), ()) == Presence(FIRST, NEWEST, {}, frozenset())
    nothing = collection.database["another"]
    assert presence_of(nothing, five(), {DAY}) == Presence({}, {}, {}, frozenset({DAY}))


def test_the_query_is_answered_from_the_index_with_one_key_per_station(collection: ObservationCollection) -> None:
    """However many observations there are: no document is looked at, and no more keys than are counted."""
    sent: list[list[dict[str, Any]]] = []

    class Watched:
        def aggregate(self, stages: list[dict[str, Any]]) -> list[dict[str, Any]]:
            sent.append(stages)
            return list(collection.aggregate(stages))

    presence_of(cast("ObservationCollection", Watched()), five(), {DAY})
    examined = []
    for stages in sent:
        command = {"aggregate": collection.name, "pipeline": stages, "cursor": {}}
        plan = collection.database.command("explain", command, verbosity="executionStats")
        stats = plan["stages"][0]["$cursor"]["executionStats"] if "stages" in plan else plan["executionStats"]
        examined.append((stats["totalDocsExamined"], stats["totalKeysExamined"] <= 40))
    assert examined == [(0, True)] * 3


def test_a_run_that_brought_nothing_looks_at_the_day_before_and_its_own() -> None:
    assert days_until(datetime(2024, 10, 1, 0, 5, tzinfo=UTC)) == {DAY - 1, DAY}
