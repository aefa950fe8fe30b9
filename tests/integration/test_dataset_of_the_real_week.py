"""The dataset of the real week is what the database holds: every value, every flag, every hour, by two readers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

import forecast
from forecast.core.registry import load_stations
from forecast.core.settings import Settings
from forecast.mongo.client import connect
from forecast.run.dataset_check import compare_dataset
from forecast.run.run import RunOptions
from forecast.storage import LocalStore
from main import run_pipeline
from tests.quality.week import DATA

RAW = DATA / "raw-native"
pytestmark = [
    pytest.mark.usefixtures("built_in_registry"),
    pytest.mark.whole,
    pytest.mark.skipif(not RAW.is_dir(), reason=f"the published week is not beside the project ({RAW})"),
]


@pytest.fixture(scope="module")
def settings(replica_set: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    folder = tmp_path_factory.mktemp("week")
    settings = Settings(
        raw_uri=str(RAW),
        processed_uri=str(folder / "processed"),
        mongodb_uri=replica_set,
        mongodb_database="test_real_week",
        logs_dir=folder / "logs",
    )
    run_pipeline(settings, RunOptions(), load_stations())
    yield settings
    with MongoClient[dict[str, Any]](replica_set) as client:
        client.drop_database("test_real_week")


@pytest.mark.parametrize("freq", [None, "1h"])
def test_both_stores_give_the_same_values_flags_and_reasons(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, freq: Any
) -> None:
    monkeypatch.setenv("MONGODB_DATABASE", settings.mongodb_database)
    sources = (settings.processed_uri, settings.mongodb_uri)
    dataset, database = (forecast.read(source, flags="all", freq=freq) for source in sources)
    assert len(dataset) == (4950 if freq is None else 561)
    assert dataset.to_arrow().schema.equals(database.to_arrow().schema, check_metadata=True)
    assert dataset.to_arrow().to_pylist() == database.to_arrow().to_pylist()
    assert dataset.reasons().to_pylist() == database.reasons().to_pylist()


def test_the_comparison_of_migrate_finds_no_difference(settings: Settings, tmp_path: Path) -> None:
    with connect(settings) as collection:
        store = LocalStore(Path(str(settings.processed_uri)))
        found = compare_dataset(store, collection, load_stations(), tmp_path)
    assert (found.checked, found.differing, found.pending_days) == (4950, 0, 0)
    assert (found.hours_checked, found.hours_differing) == (561, 0)
