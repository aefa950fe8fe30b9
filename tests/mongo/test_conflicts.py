"""Duplicates with differing values are reported with winner and loser, on a real mongod."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from forecast.core.precedence import Reason
from forecast.core.removals import Removed
from forecast.mongo.client import ObservationCollection
from forecast.mongo.conflicts import MAX_EXAMPLES, Conflict, Conflicts, Side
from forecast.mongo.loader import load
from forecast.mongo.qc_queue import PendingQc
from forecast.mongo.versions import LoadCounts
from tests.networks import START, five, observation, observations, records

STATIONS = five()
NAME = "A@2024-10-01T00:00:00Z"


@pytest.fixture
def deliver(collection: ObservationCollection, tmp_path: Path) -> Any:
    """Loads rows as they come from a raw object, and gives the conflicts of that load and its counts."""

    def delivered(uri: str, rows: Sequence[dict[str, Any]]) -> tuple[Conflicts, LoadCounts]:
        conflicts = Conflicts()
        frame: pd.DataFrame = records(rows, STATIONS, tmp_path, uri)
        return conflicts, load(frame, collection, PendingQc.for_collection(collection, "run"), conflicts)

    return delivered


def row(generation: int, **values: float) -> dict[str, Any]:
    return observation("A", START, generation_id=generation, **values)


def told(
    kept: tuple[str, dict[str, float | None]],
    lost: tuple[str, dict[str, float | None]],
    reason: Reason = "higher generation",
) -> Conflict:
    return Conflict(NAME, reason, Side(*kept), Side(*lost))


def test_a_newer_record_wins_and_both_are_reported(deliver: Any) -> None:
    deliver("raw/old", [row(1, air_temperature=12.0, wind_speed=3.0)])
    conflicts, counts = deliver("raw/new", [row(2, air_temperature=13.5, wind_speed=3.0)])
    assert counts == LoadCounts(updated=1)
    assert conflicts.by_station == {"A": 1}
    assert conflicts.examples == [told(("raw/new", {"air_temperature": 13.5}), ("raw/old", {"air_temperature": 12.0}))]


def test_an_older_record_that_arrives_late_is_reported_too(deliver: Any) -> None:
    deliver("raw/new", [row(2, air_temperature=13.5)])
    conflicts, counts = deliver("raw/old", [row(1, air_temperature=12.0)])
    assert counts == LoadCounts(superseded=1)
    assert conflicts.by_station == {"A": 1}
    assert conflicts.examples == [told(("raw/new", {"air_temperature": 13.5}), ("raw/old", {"air_temperature": 12.0}))]


def test_a_value_that_only_one_delivery_has_is_null_in_the_other(deliver: Any) -> None:
    deliver("raw/old", [row(1, air_temperature=12.0)])
    conflicts, counts = deliver("raw/new", [row(2, wind_speed=3.0)])
    assert counts == LoadCounts(updated=1, values_removed=1)
    assert conflicts.removed == {Removed("A", "air_temperature", "raw/new"): 1}
    assert conflicts.examples == [
        told(
            ("raw/new", {"air_temperature": None, "wind_speed": 3.0}),
            ("raw/old", {"air_temperature": 12.0, "wind_speed": None}),
        )
    ]


def test_rows_of_one_object_contradict_each_other(deliver: Any) -> None:
    conflicts, counts = deliver("raw/a", [row(1, air_temperature=12.0), row(2, air_temperature=13.5)])
    assert counts == LoadCounts(inserted=1, superseded=1)
    assert conflicts.by_station == {"A": 1}
    assert conflicts.examples == [told(("raw/a", {"air_temperature": 13.5}), ("raw/a", {"air_temperature": 12.0}))]


def test_records_that_agree_are_not_a_conflict(deliver: Any) -> None:
    """The same again, newer and older, and twice in one object; and what is derived from the rows around."""
    first = [row(2, precipitation_counter=1.0), observation("A", START + timedelta(hours=1), precipitation_counter=2.0)]
    for number, rows in enumerate(
        (first, [row(3, precipitation_counter=1.0)] * 2, [row(1, precipitation_counter=1.0)])
    ):
        conflicts, _ = deliver(f"raw/{number}", rows)
        assert (conflicts.by_station, conflicts.examples) == ({}, [])
    before = observation("A", START - timedelta(hours=1), precipitation_counter=0.5)
    conflicts, _ = deliver("raw/more", [before, row(4, precipitation_counter=1.0)])
    assert (conflicts.by_station, conflicts.examples) == ({}, [])


def test_another_parse_issue_or_description_of_the_station_is_not_a_conflict(
    deliver: Any, collection: ObservationCollection, tmp_path: Path
) -> None:
    """The newer one wins, but no value is lost."""
    note = '[{"parameter": "wind_speed", "raw": "x", "reason": "not a number"}]'
    deliver("raw/a", [row(1, air_temperature=12.0)])
    conflicts, counts = deliver("raw/b", [{**row(2, air_temperature=12.0), "parse_issues": note}])
    assert (counts, conflicts.by_station, conflicts.examples) == (LoadCounts(updated=1), {}, [])
    moved = records([row(3, air_temperature=12.0)], five(elevation=21), tmp_path, "raw/c")
    conflicts = Conflicts()
    assert load(moved, collection, PendingQc.for_collection(collection, "run"), conflicts) == LoadCounts(updated=1)
    assert (conflicts.by_station, conflicts.examples) == ({}, [])
    conflicts, counts = deliver("raw/d", [row(4, wind_speed=1.0), {**row(5, wind_speed=1.0), "parse_issues": note}])
    assert counts == LoadCounts(updated=1, superseded=1, values_removed=1)
    assert conflicts.by_station == {"A": 1}  # the winner, against what was there


def test_a_record_of_the_same_row_under_newer_rules_is_not_a_conflict(deliver: Any) -> None:
    deliver("raw/a", [row(1, air_temperature=12.0)])
    conflicts, counts = deliver("raw/a", [row(1, air_temperature=12.04)])
    assert counts == LoadCounts(updated=1)
    assert (conflicts.by_station, conflicts.examples) == ({}, [])


@pytest.mark.parametrize("again", ["within one object", "in another object"])
def test_all_are_counted_and_the_first_are_reported(deliver: Any, again: str) -> None:
    old, new = (observations("A", [value] * 50, generation_id=rank) for rank, value in ((1, 12.0), (2, 13.0)))
    others = [{**one, "station_id": "B"} for one in (old[0], new[0])]
    if again == "within one object":
        conflicts, counts = deliver("raw/a", [*old, *new, *others])
        assert counts == LoadCounts(inserted=51, superseded=51)
    else:
        deliver("raw/a", [*old, others[0]])
        conflicts, counts = deliver("raw/b", [*new, others[1]])
        assert counts == LoadCounts(updated=51)
    assert conflicts.by_station == {"A": 50, "B": 1}
    assert MAX_EXAMPLES == 20
    assert [one.observation for one in conflicts.examples] == [f"A@2024-10-01T{hour:02}:00:00Z" for hour in range(20)]
    assert {one.winner.values["air_temperature"] for one in conflicts.examples} == {13.0}


def test_conflicts_are_only_kept_if_requested(collection: ObservationCollection, tmp_path: Path) -> None:
    pending_qc = PendingQc.for_collection(collection, "run")
    for rank in (1, 2):
        load(records([row(rank, air_temperature=float(rank))], STATIONS, tmp_path), collection, pending_qc)
    assert [document["measurements"] for document in collection.find()] == [{"air_temperature": 2.0}]
