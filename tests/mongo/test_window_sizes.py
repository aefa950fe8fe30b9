"""Case 104: flags depend on the observations, and not on how many of them are evaluated at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from pymongo import MongoClient

from forecast.mongo.client import ObservationCollection
from forecast.mongo.loader import load, prepare_collection
from forecast.mongo.qc_evaluation import days_held, outdated_flags
from forecast.mongo.qc_queue import PendingQc
from forecast.mongo.qc_update import evaluate_pending
from forecast.mongo.window_reader import rows_by_day
from forecast.qc import windows as qc_windows
from forecast.qc.changes import Changes
from forecast.qc.windows import windows_of
from tests.networks import CELLS, DAY_MS, network, records
from tests.qc.test_windows import weather


@pytest.fixture(scope="module")
def evaluated(replica_set: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObservationCollection]:
    """24 days of five stations with all that can be wrong; all but one are silent every third day."""
    everything = weather(np.random.default_rng(5))
    stations = network(*(one.stations[0] for one in everything))
    rows: list[dict[str, Any]] = []
    for one in everything:
        kept = np.ones(len(one.times), dtype=bool)
        if one.stations[0].id != "C":
            kept = one.times // DAY_MS % 3 != 0
        for at in np.flatnonzero(kept).tolist():
            values = {name: float(v[at]) for name, v in one.values.items() if not np.isnan(v[at])}
            rows.append({"station_id": one.stations[0].id, "timestamp": int(one.times[at]), **_source(), **values})
    with MongoClient[dict[str, Any]](replica_set, tz_aware=True) as client:
        made = client["block_sizes"]["weather"]
        prepare_collection(made)
        marks = PendingQc.for_collection(made, "run")
        load(records(rows, stations, tmp_path_factory.mktemp("records")), made, marks)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(qc_windows, "_CELLS_AT_ONCE", 1_000_000 * CELLS)
            evaluate_pending(marks, made, stations)
        yield made
        client.drop_database("block_sizes")


def _source() -> dict[str, Any]:
    return {"source_row": "line 1", "extracted_at": 1_728_475_200_000, "generation_id": 0, "sync_id": 0}


@pytest.mark.parametrize("rows", [1, 1_300, 2_000])
def test_case_104_windows_of_any_size_give_the_same_flags(
    evaluated: ObservationCollection, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    """Day by day, and in a few windows."""
    stations = network(*(one.stations[0] for one in weather(np.random.default_rng(5))))
    days = days_held(evaluated, {})
    monkeypatch.setattr(qc_windows, "_CELLS_AT_ONCE", rows * CELLS)
    assert len(list(windows_of(Changes(days), stations, rows_by_day(evaluated)))) > 2
    assert list(outdated_flags(days, evaluated, stations)) == []
    assert evaluated.count_documents({"data_quality.anomalies_detected": {"$gt": 0}}) > 100
