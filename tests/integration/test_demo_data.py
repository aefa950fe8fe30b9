"""The demo's week: every layout that Airbyte and people leave behind, with the faults of real data."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.integration.worlds import FolderZone, World, WorldMaker, assert_reports_hold

BY_STATION = {"00092": 1008, "000T5": 1008, "07915": 168, "STATIC0090": 996, "ITESTA19": 2010, "ITESTB25": 2016}
CORRECTION = "wunderground/ITESTB25/2024_10_06_1728183600000_0.parquet"
CORRECTED = [f"ITESTB25@2024-10-04T21:{minute:02d}:00Z" for minute in range(4, 60, 5)]
UNREADABLE = "ITESTB25@2024-10-02T10:04:00Z"
SECOND_OF_DELIVERY = 1_728_500_000


@pytest.fixture(scope="module")
def loaded(new_world: WorldMaker, demo_data: Path) -> tuple[World, dict[str, Any]]:
    """A world into which the demo was loaded, and the status of that run."""
    world = new_world()
    world.deliver(demo_data)
    return world, world.run()


def test_counts_are_exact(loaded: tuple[World, dict[str, Any]]) -> None:
    _, status = loaded
    counts = status["counts"]
    assert (status["status"], status["exit_code"]) == ("success", 0)
    assert (counts["objects_listed"], counts["objects_skipped"], counts["objects_loaded"]) == (10, 1, 9)
    assert (counts["rows_read"], counts["rows_empty"], counts["records_extracted"]) == (7265, 14, 7251)
    assert (counts["records_validated"], counts["records_rejected"]) == (7249, 2)
    assert (counts["inserted"], sum(counts[name] for name in ("updated", "unchanged", "superseded"))) == (7206, 43)


def test_documents_of_each_station_are_complete(loaded: tuple[World, dict[str, Any]]) -> None:
    documents = loaded[0].documents()
    assert len(documents) == 7206
    assert Counter(document["station"]["id"] for document in documents.values()) == BY_STATION


def test_an_unreadable_cell_becomes_a_parse_issue_and_no_value(loaded: tuple[World, dict[str, Any]]) -> None:
    document = loaded[0].documents()[UNREADABLE]
    assert "air_temperature" not in document["measurements"]
    (note,) = document["data_quality"]["parse_issues"]
    assert note["parameter"] == "air_temperature"
    assert note["raw"] == "5x.2\N{NO-BREAK SPACE}°F"
    assert note["reason"]


def test_rows_of_an_unknown_station_are_quarantined(loaded: tuple[World, dict[str, Any]]) -> None:
    world, status = loaded
    (key,) = world.rejected_keys()
    assert key.startswith("rejected/year=")
    assert key.endswith("-0.jsonl.gz")
    lines = [json.loads(line) for line in gzip.decompress(world.processed.get(key)).decode().splitlines()]
    assert len(lines) == 2
    for line in lines:
        names = ["run_id", "source_uri", "key", "source_modified_at", "position", "code", "field", "value", "reason"]
        assert list(line) == [*names, "row", "origin", "instant"]
        assert (line["run_id"], line["code"]) == (status["run_id"], "unknown_station")
        assert (line["field"], line["value"]) == ("id_station", "STATIC0099")
        assert line["source_uri"].startswith(world.raw.uri)
        assert line["position"]
        assert "STATIC0099" in json.dumps(line["row"])
    (quality,) = world.reports("quality_report")
    assert quality["rejections_by_code"] == {"unknown_station": 2}


def test_names_of_rejected_files_stay_the_same(loaded: tuple[World, dict[str, Any]]) -> None:
    world, _ = loaded
    keys = [key for key in world.processed.keys() if not key.startswith("logs/")]
    world.reprocess()
    assert [key for key in world.processed.keys() if not key.startswith("logs/")] == keys


def _corrections(demo_data: Path) -> list[float]:
    """The temperatures of the correction's first hour, from the Parquet object itself."""
    table = pq.read_table(io.BytesIO((demo_data / CORRECTION).read_bytes()))
    cells = [row["Temperature"] for row in table.to_pylist() if row["Temperature"] is not None][:12]
    return [(float(cell.split("\N{NO-BREAK SPACE}")[0]) - 32) / 1.8 for cell in cells]


def _assert_corrected(world: World, demo_data: Path) -> None:
    documents = world.documents()
    values = [documents[name]["measurements"]["air_temperature"] for name in CORRECTED]
    assert values == pytest.approx(_corrections(demo_data), rel=1e-9)
    assert all(documents[name]["metadata"]["source_uri"].endswith(CORRECTION) for name in CORRECTED)


def test_later_sync_corrects_an_hour(loaded: tuple[World, dict[str, Any]], demo_data: Path) -> None:
    _assert_corrected(loaded[0], demo_data)


def test_loading_again_changes_not_a_byte(loaded: tuple[World, dict[str, Any]]) -> None:
    world, _ = loaded
    before = world.document_bytes()
    counts = world.reprocess()["counts"]
    assert (counts["inserted"], counts["updated"], counts["unchanged"], counts["superseded"]) == (0, 0, 7225, 24)
    assert world.document_bytes() == before


def test_every_report_keeps_its_schema_and_adds_up(loaded: tuple[World, dict[str, Any]]) -> None:
    assert assert_reports_hold(loaded[0]) >= 3


def _versions(world: World) -> dict[str, tuple[Any, ...]]:
    fields = ("digest", "generation_id", "sync_id", "extracted_at")
    return {
        name: tuple(document["metadata"][field] for field in fields) for name, document in world.documents().items()
    }


def _put_at_a_known_time(zone: FolderZone, key: str) -> None:
    """What no sync has stamped is as old as its file, so the files must be equally old."""
    os.utime(zone.folder / key, (SECOND_OF_DELIVERY, SECOND_OF_DELIVERY))


# test_loader.py shows it of records, test_bundles.py and test_batches.py of objects.
@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_objects_loaded_one_by_one_in_any_order_give_the_same_state_as_all_at_once(
    local_world: WorldMaker, demo_data: Path, seed: int
) -> None:
    together, one_by_one = local_world(), local_world()
    keys = together.deliver(demo_data)
    for key in keys:
        assert isinstance(together.raw, FolderZone)
        _put_at_a_known_time(together.raw, key)
    together.run()
    random.Random(seed).shuffle(keys)
    for key in keys:
        one_by_one.deliver(demo_data, [key])
        assert isinstance(one_by_one.raw, FolderZone)
        _put_at_a_known_time(one_by_one.raw, key)
        assert one_by_one.run()["exit_code"] == 0
    assert _versions(one_by_one) == _versions(together)
    _assert_corrected(one_by_one, demo_data)
