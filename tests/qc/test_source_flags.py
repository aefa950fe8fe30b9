"""The networks' own quality codes in a real database: kept, read back, and evaluated by again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from forecast.core.counts import QcCounts
from forecast.mongo.loader import load, prepare_collection
from forecast.mongo.qc_evaluation import days_held, outdated_flags
from forecast.mongo.qc_queue import PendingQc
from forecast.mongo.qc_update import evaluate_pending
from tests.networks import five, observations, records

STATIONS = five(network="Weather Underground")


@pytest.mark.parametrize("code", [1, 0, -1, "A"])
def test_case_78_the_code_is_in_the_document_and_says_the_same_when_it_is_evaluated_again(
    code: Any, replica_set: str, mongo_database: str, tmp_path: Path
) -> None:
    with MongoClient[dict[str, Any]](replica_set, tz_aware=True) as client:
        collection = client[mongo_database]["weather"]
        prepare_collection(collection)
        pending_qc = PendingQc.for_collection(collection, "run")
        rows = observations("A", [12.0, 12.5, 13.0])
        rows[1]["source_flags"] = json.dumps({"air_temperature": code})
        load(records(rows, STATIONS, tmp_path), collection, pending_qc)
        counts = evaluate_pending(pending_qc, collection, STATIONS)
        kept = [document["data_quality"] for document in collection.find(sort=[("timestamp", 1)])]
        assert list(outdated_flags(days_held(collection, {}), collection, STATIONS)) == []
    assert counts == QcCounts(evaluated=3, rewritten=0, flags_changed=0)
    assert [quality.get("source_flags") for quality in kept] == [None, {"air_temperature": code}, None]
    suspect = {"air_temperature": {"flag": 3, "checks": ["source_flag"]}} if code == 0 else {}
    assert [quality["flags"] for quality in kept] == [{}, suspect, {}]
