"""Which staged objects are loaded together."""

from __future__ import annotations

import gc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from forecast.core.counts import ObjectCounts, QualityTally
from forecast.core.raw_objects import RawObject
from forecast.core.schemas import UTC_TIME
from forecast.run import bundle
from forecast.run.bundle import Bundle
from forecast.run.staged import StagedObject
from forecast.zone.writer import ZoneFile

NOON = datetime(2024, 10, 1, 12, tzinfo=UTC)
Stage = Callable[..., StagedObject]


@pytest.fixture
def staged(tmp_path: Path) -> Stage:
    """Makes a staged object of a file of records: of each station one every minute, from a minute after noon on."""
    made: list[Any] = []

    def stage(*stations: str, minute: int = 0, rows: int = 3) -> StagedObject:
        made.append(stations)
        key = str(len(made))
        raw = RawObject(key, key, 1, "etag", NOON)
        files = []
        if stations:
            times = [NOON + timedelta(minutes=minute + row) for _ in stations for row in range(rows)]
            names = [station for station in stations for _ in range(rows)]
            table = pa.table({"station_id": names, "timestamp": pa.array(times, UTC_TIME)})
            path = tmp_path / f"{key}.parquet"
            pq.write_table(table, path)
            files = [ZoneFile(path, f"observations/year=2024/month=10/{key}-0.parquet")]
        return StagedObject(raw, tmp_path, ObjectCounts(key, key, "interrupted"), QualityTally(), files)

    return stage


def test_objects_of_other_stations_or_other_times_are_loaded_together(staged: Stage) -> None:
    objects = [staged("A"), staged("B"), staged("A", minute=3), staged(), staged("A", "B", minute=6)]
    made = Bundle()
    assert [made.add(one) for one in objects] == [True] * 5
    assert made.objects == objects


def test_an_object_that_may_hold_an_observation_of_another_one_is_loaded_after_it(staged: Stage) -> None:
    made = Bundle()
    assert made.add(staged("A", "C"))
    # B is between A and C: what the files say of their stations does not tell.
    assert [made.add(staged(name, minute=2)) for name in ("A", "B", "C", "D")] == [False, False, False, True]


def test_an_object_that_is_large_is_loaded_alone(staged: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "_MOST_ROWS", 5)
    made = Bundle()
    assert made.add(staged("A", rows=100))
    assert not made.add(staged("B", rows=1))
    small = Bundle()
    assert [small.add(staged(name)) for name in ("A", "B")] == [True, False]
    assert small.add(staged("B", rows=2))


def test_no_more_objects_are_loaded_together_than_may_wait(staged: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "_MOST_OBJECTS", 2)
    made = Bundle()
    assert [made.add(staged(name)) for name in ("A", "B", "C")] == [True, True, False]


def test_what_a_bundle_has_read_of_its_objects_is_released_at_once(staged: Stage) -> None:
    made, one = Bundle(), staged("A")
    gc.collect()
    made.add(one)
    assert gc.collect() == 0
