"""What a run has inserted is checked without being read back, as long as nobody else has changed it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.core.schemas import RECORD_SCHEMA, to_table
from forecast.mongo import window_reader
from forecast.mongo.bson_decoder import StationColumns
from forecast.mongo.client import ObservationCollection
from forecast.mongo.loaded_rows import LoadedRows
from forecast.mongo.loader import load
from forecast.mongo.observation_reader import SOURCE_NUMBERS, SOURCE_TEXTS, STATION_NUMBERS, STATION_TEXTS
from forecast.mongo.qc_evaluation import days_held, outdated_flags
from forecast.mongo.qc_queue import PendingQc
from forecast.mongo.qc_update import evaluate_pending
from forecast.mongo.window_reader import rows_by_day
from forecast.qc.changes import Changes
from forecast.qc.windows import QcWindow, windows_of
from tests.examples import on_a_database
from tests.networks import DAY, START, five, observation, records

STATIONS = five(interval_minutes=5)
SPIKE = {"air_temperature": {"flag": 4, "checks": ["spike"]}}


class Run:
    """A run that loads and checks in one process."""

    def __init__(
        self, collection: ObservationCollection, folder: Path, name: str = "run", loaded: LoadedRows | None = None
    ) -> None:
        self.collection = collection
        self.folder = folder
        self.loaded = loaded or LoadedRows()
        self.marks = PendingQc.for_collection(collection, name, self.loaded)

    def load(self, *rows: Mapping[str, Any], uri: str = "raw/a.json") -> None:
        load(records(rows, STATIONS, self.folder, uri), self.collection, self.marks)

    def evaluate(self) -> None:
        evaluate_pending(self.marks, self.collection, STATIONS)

    def windows(self) -> list[QcWindow]:
        return list(windows_of(Changes(days_held(self.collection, {})), STATIONS, rows_by_day(self.collection)))

    def kept(self) -> list[bool]:
        """Of each window whether it need not be read."""
        return [self.loaded.columns(window, window.read_from) is not None for window in self.windows()]


@pytest.fixture
def run(collection: ObservationCollection, tmp_path: Path) -> Run:
    return Run(collection, tmp_path)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[QcWindow]:
    """The windows that are read from the database."""
    found: list[QcWindow] = []
    real = window_reader._read

    def read(window: QcWindow, *more: Any) -> Any:
        found.append(window)
        return real(window, *more)

    monkeypatch.setattr(window_reader, "_read", read)
    return found


def row(minute: int, value: float | None, name: str = "A", **more: Any) -> dict[str, Any]:
    return observation(name, START + timedelta(minutes=minute), air_temperature=value, **more)


def assert_same(kept: Mapping[str, StationColumns], read: Mapping[str, StationColumns]) -> None:
    assert kept.keys() == read.keys()
    for name, ours in kept.items():
        theirs = read[name]
        assert ours.times.tolist() == theirs.times.tolist()
        assert ours.values.keys() == theirs.values.keys()
        for parameter, values in ours.values.items():
            np.testing.assert_array_equal(values, theirs.values[parameter])
        assert ours.flags.tolist() == theirs.flags.tolist()
        assert ours.source_flags.tolist() == theirs.source_flags.tolist()
        assert ours.digests.tolist() == theirs.digests.tolist()
        assert ours.origins is not None
        assert theirs.origins is not None
        assert ours.origins.source_rows.tolist() == theirs.origins.source_rows.tolist()
        assert ours.origins.extracted_at.tolist() == theirs.origins.extracted_at.tolist()
        assert ours.origins.ingested_at.tolist() == theirs.origins.ingested_at.tolist()
        for of in (*STATION_TEXTS.values(), *STATION_NUMBERS.values()):
            assert [of(one) for one in ours.origins.stations] == [of(one) for one in theirs.origins.stations]
        for of in (*SOURCE_TEXTS.values(), *SOURCE_NUMBERS.values()):
            assert [of(one) for one in ours.origins.sources] == [of(one) for one in theirs.origins.sources]


_ROWS = st.lists(
    st.tuples(
        st.integers(0, 900),
        st.sampled_from("ABC"),
        st.sampled_from([None, -0.0, 12.0, 12.1, 18.9, 99.0]),
        st.sampled_from([None, 1013.2]),
        st.sampled_from([None, '{"air_temperature": 3}']),
        st.sampled_from(["line 1", "line 22", "Blatt „é“, Zeile 3"]),
    ),
    min_size=1,
    max_size=40,
    unique_by=lambda one: one[:2],
)


@on_a_database(0.1)
@given(st.lists(_ROWS, min_size=1, max_size=2))
def test_what_was_inserted_is_kept_as_the_database_has_it(
    collection: ObservationCollection, tmp_path: Path, deliveries: list[list[tuple[Any, ...]]]
) -> None:
    collection.delete_many({})
    run = Run(collection, tmp_path)
    seen = set()
    for number, delivery in enumerate(deliveries):
        new = [one for one in delivery if one[:2] not in seen]
        seen |= {one[:2] for one in new}
        rows = [
            row(5 * step, air, name, pressure_msl=pressure, source_flags=codes, source_row=place)
            for step, name, air, pressure, codes, place in new
        ]
        if rows:
            run.load(*rows, uri=f"raw/{number}.json")
    for window in run.windows():
        names = [station.id for station in window.halo]
        for first_day in (window.first_read, window.first):
            kept = run.loaded.columns(window, first_day)
            assert kept is not None
            all_days = {key: set(range(window.first_read, window.last_read + 1)) for key in names}
            shared = window_reader._Shared(frozenset(names), first_day - 1)
            assert_same(kept, window_reader._read(window, collection, shared, all_days))


def test_what_was_inserted_is_not_read(run: Run, reads: list[QcWindow]) -> None:
    run.load(row(0, 12.0), row(5, 18.9))
    run.load(row(10, 12.2), row(0, 12.0, "B"))
    run.evaluate()
    assert reads == []
    flags = {one["_id"]: one["data_quality"]["flags"] for one in run.collection.find()}
    assert {name for name, of_document in flags.items() if of_document} == {"A@2024-10-01T00:05:00Z"}
    assert flags["A@2024-10-01T00:05:00Z"] == SPIKE
    assert list(outdated_flags({"A": {DAY}, "B": {DAY}}, run.collection, STATIONS)) == []


def test_days_with_documents_of_an_earlier_run_are_read(run: Run, reads: list[QcWindow], tmp_path: Path) -> None:
    """18.9 °C is a step while it is the last, and a spike when 12.2 °C comes after it."""
    earlier = Run(run.collection, tmp_path, "earlier")
    earlier.load(row(0, 12.0), row(5, 18.9))
    earlier.evaluate()
    assert reads == []
    run.load(row(10, 12.2))
    run.evaluate()
    assert len(reads) == 1
    assert list(outdated_flags({"A": {DAY}}, run.collection, STATIONS)) == []


@pytest.mark.parametrize(
    "again",
    [
        pytest.param({"air_temperature": 12.4, "generation_id": 1}, id="newer"),
        pytest.param({"air_temperature": 12.0, "generation_id": 1}, id="equal, delivered again"),
    ],
)
def test_days_of_which_a_document_was_written_twice_are_read(
    run: Run, reads: list[QcWindow], again: dict[str, Any]
) -> None:
    run.load(row(0, 12.0), row(5, 12.1))
    run.load({**row(0, None), **again})
    assert run.kept() == [False]
    run.evaluate()
    assert len(reads) == 1


def test_what_another_run_has_replaced_and_checked_meanwhile_is_read(
    run: Run, reads: list[QcWindow], tmp_path: Path
) -> None:
    """The other run takes the mark away, and there are as many documents as before."""
    run.load(row(0, 12.0), row(5, 18.9), row(10, 12.2))
    other = Run(run.collection, tmp_path, "other")
    other.load(row(5, 12.1, generation_id=1))
    other.evaluate()
    assert other.marks.marks() == {}
    reads.clear()
    run.evaluate()
    assert len(reads) == 1
    assert list(outdated_flags({"A": {DAY}}, run.collection, STATIONS)) == []
    assert run.collection.count_documents({"data_quality.anomalies_detected": {"$gt": 0}}) == 0


def test_days_that_another_run_has_queued_are_read(run: Run, reads: list[QcWindow], tmp_path: Path) -> None:
    run.load(row(0, 12.0), row(5, 18.9), row(10, 12.2))
    Run(run.collection, tmp_path, "other").load(row(5, 12.1, generation_id=1))
    run.evaluate()
    assert len(reads) == 1
    assert list(outdated_flags({"A": {DAY}}, run.collection, STATIONS)) == []


def test_what_another_run_has_replaced_between_two_batches_is_read(
    run: Run, reads: list[QcWindow], tmp_path: Path
) -> None:
    """The second batch queues the day again: afterwards it looks as if no other run had changed it."""
    run.load(row(0, 12.0), row(5, 18.9))
    other = Run(run.collection, tmp_path, "other")
    other.load(row(5, 12.1, generation_id=1))
    other.evaluate()
    reads.clear()
    run.load(row(10, 12.2))
    assert run.marks.marks() == {("A", DAY): ["run"]}
    run.evaluate()
    assert len(reads) == 1
    assert list(outdated_flags({"A": {DAY}}, run.collection, STATIONS)) == []


def test_a_document_that_somebody_removed_is_not_checked(run: Run, reads: list[QcWindow]) -> None:
    run.load(row(0, 12.0), row(5, 18.9), row(10, 12.2))
    run.collection.delete_one({"_id": "A@2024-10-01T00:05:00Z"})
    run.evaluate()
    assert len(reads) == 1


def test_rows_beyond_the_memory_limit_are_read(
    collection: ObservationCollection, tmp_path: Path, reads: list[QcWindow]
) -> None:
    run = Run(collection, tmp_path, loaded=LoadedRows(most_bytes=1))
    run.load(row(0, 12.0), row(5, 18.9))
    run.load(row(10, 12.2))
    run.evaluate()
    assert len(reads) == 1
    assert list(outdated_flags({"A": {DAY}}, collection, STATIONS)) == []


def test_what_is_kept_takes_no_more_than_is_counted(tmp_path: Path) -> None:
    """The buffer of an Arrow stream can be twice as large as what was written to it."""
    table = to_table(records([row(5 * step, step / 10) for step in range(200)], STATIONS, tmp_path), RECORD_SCHEMA)
    before, loaded = pa.total_allocated_bytes(), LoadedRows()
    loaded.note(table, table.num_rows)
    (kept,) = loaded._batches
    taken = pa.total_allocated_bytes() - before
    assert (taken, loaded._bytes) == (0, len(kept.data.to_pybytes()))


def test_checked_rows_are_not_kept(run: Run, reads: list[QcWindow]) -> None:
    run.load(row(0, 12.0), row(5, 18.9))
    run.evaluate()
    run.load(row(10, 12.2))
    run.evaluate()
    assert len(reads) == 1
    assert list(outdated_flags({"A": {DAY}}, run.collection, STATIONS)) == []
