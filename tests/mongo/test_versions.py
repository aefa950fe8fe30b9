"""Which of two versions of an observation wins, and why, without a database."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from forecast.core.precedence import Reason
from forecast.core.removals import Present
from forecast.core.schemas import RECORD_SCHEMA
from forecast.mongo.versions import BATCH_ROWS, LoadCounts, Plan, StoredState, batches_of, compare, deduplicate

NOON = datetime(2024, 10, 5, 12, tzinfo=UTC)
SOURCE = ("raw/a.jsonl", "line 1")


def record(name: str = "A", half: str = "5", **more: Any) -> dict[str, Any]:
    """A record with a value, whose halves of a digest are sixteen times one digit each."""
    row = {
        **dict.fromkeys(RECORD_SCHEMA.names),
        "_id": name,
        "digest": half * 16 + "0" * 16,
        "air_temperature": 12.0,
        "extracted_at": NOON,
        "generation_id": 3,
        "sync_id": 4,
        "source_modified_at": NOON,
        "source_uri": SOURCE[0],
        "source_row": SOURCE[1],
    }
    return {**row, **more}


def table(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=RECORD_SCHEMA)


@dataclass
class There:
    """Versions that are there, of these records."""

    rows: list[dict[str, Any]]
    asked: list[list[str]] = field(default_factory=list)

    def seen(self, ids: list[str], group: str) -> StoredState:
        found = [row for row in self.rows if row["_id"] in ids]
        if not found:
            return {}
        return {
            "ids": [row["_id"] for row in found],
            "digest": [row["digest"] for row in found],
            "has_values": [row["air_temperature"] is not None for row in found],
            "generation_id": [row["generation_id"] for row in found],
            "sync_id": [row["sync_id"] for row in found],
            **{
                name: [int(row[name].timestamp() * 1000) for row in found]
                for name in ("extracted_at", "source_modified_at")
            },
        }

    def sources(self, ids: list[str], group: str) -> dict[str, tuple[Any, ...]]:
        self.asked.append(ids)
        return {row["_id"]: (row["source_uri"], row["source_row"]) for row in self.rows if row["_id"] in ids}

    def present(self, ids: list[str], group: str) -> Present:
        raise AssertionError("which values are there is not asked")

    def others(self, ids: list[str], group: str) -> dict[str, set[str]]:
        raise AssertionError("which other parts are there is not asked")


# What makes a record win over `record()`, and the word for it.
HIGHER: list[tuple[dict[str, Any], Reason]] = [
    ({"extracted_at": NOON + timedelta(milliseconds=1)}, "later extraction"),
    ({"generation_id": 4}, "higher generation"),
    ({"sync_id": 5}, "higher sync"),
    ({"source_modified_at": NOON + timedelta(milliseconds=1)}, "later version of the object"),
]
ids = pytest.mark.parametrize(("more", "reason"), HIGHER, ids=[reason for _, reason in HIGHER])


def test_in_an_empty_collection_every_record_is_new() -> None:
    plan = compare(table(record("A"), record("B")), There([]))
    assert (plan.new, plan.to_replace, plan.reprocessed, plan.touch_lineage) == ([0, 1], [], [], [])
    assert (plan.unchanged, plan.superseded, plan.reasons, plan.seen) == ([], [], {}, {})
    assert plan.at.tolist() == [-1, -1]


def test_each_record_is_compared_with_the_version_of_its_own_observation() -> None:
    stored = There([record("C", "9"), record("A"), record("D")])
    plan = compare(table(record("A"), record("B"), record("C", "1", source_row="line 2")), stored)
    assert (plan.new, plan.to_replace, plan.unchanged, plan.superseded) == ([1], [], ["A"], [2])
    # Their places among what was seen, which came in another order.
    assert (plan.seen["ids"], plan.at.tolist()) == (["C", "A"], [1, -1, 0])
    assert plan.reasons == {2: "higher digest"}


@ids
def test_a_newer_record_replaces_the_one_that_is_there(more: dict[str, Any], reason: Reason) -> None:
    """Also where its digest is lower."""
    plan = compare(table(record("A", "1", **more)), There([record("A")]))
    assert (plan.new, plan.to_replace, plan.reprocessed, plan.superseded) == ([], [0], [], [])
    assert plan.reasons == {0: reason}


@ids
def test_an_older_record_is_superseded_by_the_one_that_is_there(more: dict[str, Any], reason: Reason) -> None:
    plan = compare(table(record("A", "9")), There([record("A", **more)]))
    assert (plan.new, plan.to_replace, plan.reprocessed, plan.superseded) == ([], [], [], [0])
    assert plan.reasons == {0: reason}


@ids
def test_an_equal_newer_record_updates_the_lineage_of_the_document(more: dict[str, Any], reason: Reason) -> None:
    plan = compare(table(record("A", **more)), There([record("A")]))
    assert (plan.touch_lineage, plan.unchanged, plan.to_replace, plan.reasons) == ([0], ["A"], [], {})


@ids
def test_an_equal_older_record_changes_nothing(more: dict[str, Any], reason: Reason) -> None:
    plan = compare(table(record("A")), There([record("A", **more)]))
    assert (plan.touch_lineage, plan.unchanged, plan.superseded, plan.reasons) == ([], ["A"], [], {})


def test_flags_do_not_make_another_version() -> None:
    plan = compare(table(record("A", digest="5" * 16 + "1" * 16)), There([record("A")]))
    assert (plan.unchanged, plan.touch_lineage, plan.to_replace) == (["A"], [], [])


def test_a_record_without_values_replaces_none_with_values_however_new_it_is() -> None:
    empty = record("A", "9", air_temperature=None, extracted_at=NOON + timedelta(days=1), generation_id=9)
    plan = compare(table(empty), There([record("A")]))
    assert (plan.to_replace, plan.superseded, plan.reasons) == ([], [0], {0: "has values"})
    # And the other way round.
    plan = compare(table(record("A")), There([empty]))
    assert (plan.to_replace, plan.superseded, plan.reasons) == ([0], [], {0: "has values"})


@pytest.mark.parametrize("half", ["1", "9"])
def test_a_record_under_newer_rules_replaces_that_of_the_same_row_under_older_ones(half: str) -> None:
    plan = compare(table(record("A", half)), There([record("A")]))
    assert (plan.to_replace, plan.reprocessed, plan.superseded, plan.reasons) == ([0], [0], [], {})


def test_newer_rules_give_a_row_its_first_value_and_never_take_its_last() -> None:
    without = record("A", "9", air_temperature=None)
    plan = compare(table(record("A", "1")), There([without]))
    assert (plan.to_replace, plan.reprocessed) == ([0], [0])
    plan = compare(table(without), There([record("A", "1")]))
    assert (plan.to_replace, plan.reprocessed, plan.superseded, plan.reasons) == ([], [], [0], {0: "has values"})


@pytest.mark.parametrize("more", [{"source_uri": "raw/b.jsonl"}, {"source_row": "line 2"}])
def test_of_records_with_equal_precedence_from_different_rows_the_higher_digest_wins(more: dict[str, Any]) -> None:
    for half, newer, superseded in (("9", [0], []), ("1", [], [0])):
        plan = compare(table(record("A", half, **more)), There([record("A")]))
        assert (plan.to_replace, plan.reprocessed, plan.superseded) == (newer, [], superseded)
        assert plan.reasons == {0: "higher digest"}


def test_the_origin_is_only_looked_up_for_differing_records_with_equal_precedence() -> None:
    stored = There([record("A"), record("B"), record("C")])
    rows = table(record("A"), record("B", "9"), record("C", "9", sync_id=9), record("D"))
    plan = compare(rows, stored)
    assert stored.asked == [["B"]]
    assert (plan.new, plan.to_replace, plan.reprocessed, plan.unchanged) == ([3], [1, 2], [1], ["A"])
    assert plan.reasons == {2: "higher sync"}
    unasked = There([record("A")])
    compare(table(record("A")), unasked)
    assert unasked.asked == []


def test_a_batch_without_an_observation_twice_is_kept_as_it_is() -> None:
    rows = table(record("B"), record("A"))
    chosen = deduplicate(rows)
    assert chosen.kept.equals(rows)
    assert (chosen.lost.num_rows, chosen.reasons, chosen.equal.num_rows) == (0, [], 0)


def test_of_each_observation_of_a_batch_one_record_is_kept_and_those_that_differ_are_reported() -> None:
    rows = table(
        record("B", "2", sync_id=4, source_row="kept of B"),
        record("A", "1", sync_id=4, source_row="lost of A"),
        record("A", "2", sync_id=5, source_row="kept of A"),
        record("C", source_row="only C"),
        record("B", "2", sync_id=3, source_row="equal of B"),
        record("B", "9", sync_id=2, extracted_at=NOON - timedelta(hours=1), source_row="lost of B"),
    )
    chosen = deduplicate(rows)
    # In the order of the batch.
    assert chosen.kept["source_row"].to_pylist() == ["kept of B", "kept of A", "only C"]
    assert chosen.lost["source_row"].to_pylist() == ["lost of A", "lost of B"]
    assert chosen.reasons == ["higher sync", "later extraction"]
    assert chosen.equal["source_row"].to_pylist() == ["equal of B"]


def test_records_come_in_batches_and_none_is_lost() -> None:
    rows = table(*(record(f"{number:05}") for number in range(2 * BATCH_ROWS + 1)))
    frame = rows.to_pandas(types_mapper=pd.ArrowDtype)
    batches = list(batches_of(frame))
    assert [batch.num_rows for batch in batches] == [BATCH_ROWS, BATCH_ROWS, 1]
    assert [name for batch in batches for name in batch["_id"].to_pylist()] == rows["_id"].to_pylist()
    assert {batch.schema for batch in batches} == {RECORD_SCHEMA}
    assert list(batches_of(frame.iloc[:0])) == []


def test_counts_of_loads_add_up_count_by_count() -> None:
    one, other = LoadCounts(1, 20, 300, 4000, 50_000), LoadCounts(6, 70, 800, 9000, 10_000)
    assert one + other == LoadCounts(7, 90, 1100, 13_000, 60_000)
    # A removed value is no record.
    assert (one + other).records == 14_197
    counts = LoadCounts(1, 1, 1, 1, 1)
    one.add_to(counts)
    assert counts == LoadCounts(2, 21, 301, 4001, 50_001)


def test_a_plan_of_new_records_only() -> None:
    plan = Plan.all_new(3)
    assert (plan.new, plan.at.tolist(), plan.seen) == ([0, 1, 2], [-1, -1, -1], {})
