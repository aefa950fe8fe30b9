"""Quarantine and back: what was kept out comes in when it may, once, and as if it had never been out."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

import forecast.run.replay
import main
from forecast.core.registry import load_stations
from forecast.core.stations import Stations
from forecast.core.work_folder import work_folder
from forecast.mongo.client import connect
from forecast.mongo.lock import LEASE_SECONDS
from forecast.report.write import as_data
from forecast.run.replay import ReplayContext, ReplayCounts, replay
from forecast.run.run import Run, RunOptions
from forecast.storage import open_store
from forecast.zone.writer import RunContext
from tests.integration.leases import held_by
from tests.integration.worlds import Row, World, WorldMaker

DOCUMENT = "infoclimat/Data_Source1_011024-031024.json"
ALL = load_stations()
IDS = sorted(station.id for station in ALL)
INFOCLIMAT = [name for name in IDS if not name.startswith("I")]


def _registry(*without: str) -> Stations:
    return Stations({station.id: station for station in ALL if station.id not in without})


def _run(world: World, stations: Stations) -> Row:
    status, _ = main.run_pipeline(world.settings(), RunOptions(max_rejection_rate=1), stations)
    return as_data(status.counts)


def _replay(world: World, stations: Stations) -> ReplayCounts:
    context: RunContext = Run.begin(world.settings(), RunOptions()).context
    with connect(world.settings()) as collection, work_folder() as folder:
        return replay(ReplayContext(open_store(world.processed.uri), collection, stations, context), folder)


def _rejected(world: World) -> list[dict[str, Any]]:
    texts = [gzip.decompress(world.processed.get(key)).decode() for key in world.rejected_keys()]
    return [json.loads(line) for text in texts for line in text.splitlines()]


def _sources(world: World) -> dict[str, tuple[Any, ...]]:
    parts = ("source_row", "generation_id", "sync_id", "extracted_at")
    return {name: tuple(found["metadata"][part] for part in parts) for name, found in world.documents().items()}


def _content(world: World) -> dict[str, str]:
    return {key: world.processed.get(key).hex() for key in world.processed.keys()}


@pytest.fixture
def world(new_world: WorldMaker, demo_data: Path) -> World:
    made = new_world()
    made.deliver(demo_data, [DOCUMENT])
    return made


def _of_api(time: str, lowest: float, highest: float) -> Row:
    metric = {"tempHigh": highest, "tempLow": lowest, "tempAvg": (lowest + highest) / 2}
    return {"stationID": "ITESTB25", "obsTimeUtc": f"2024-10-01T{time}Z", "metric": metric}


def test_a_row_that_only_its_neighbours_show_to_be_an_aggregate_stays(new_world: WorldMaker) -> None:
    """On its own, the row of an hour looks like an observation."""
    world = new_world()
    five_minutes = [_of_api(f"12:{minute:02}:58", minute / 10, minute / 10 + 0.1) for minute in range(4, 60, 5)]
    rows = [*five_minutes, _of_api("12:59:58", 0.4, 6.0)]
    world.raw.put("api/a.jsonl", "".join(json.dumps(row) + "\n" for row in rows).encode())
    assert _run(world, ALL)["records_rejected"] == 1
    counts = _replay(world, ALL)
    assert (counts.rows, counts.replayed, counts.still_quarantined) == (1, 0, 1)
    assert world.documents()["ITESTB25@2024-10-01T12:59:58Z"]["measurements"] == {"air_temperature": 5.95}


@pytest.mark.both_zones
def test_rows_of_a_station_that_was_added_are_loaded_and_marked(world: World) -> None:
    missing = INFOCLIMAT[0]
    counts = _run(world, _registry(missing))
    refused = counts["records_rejected"]
    assert refused > 100
    assert {line["code"] for line in _rejected(world)} == {"unknown_station"}
    replayed = _replay(world, ALL)
    assert (replayed.rows, replayed.replayed, replayed.still_quarantined) == (refused, refused, 0)
    assert (replayed.inserted, replayed.files_changed) == (refused, 1)
    assert all(line["replayed"] for line in _rejected(world))
    assert len(world.documents()) == counts["records_validated"] + refused


def test_replayed_rows_become_the_documents_they_would_have_become(world: World, new_world: WorldMaker) -> None:
    whole = new_world()
    for key in world.raw.keys():
        whole.raw.put(key, world.raw.get(key))
    _run(whole, ALL)
    _run(world, _registry(*INFOCLIMAT[:2]))
    _replay(world, _registry(INFOCLIMAT[1]))
    _replay(world, ALL)
    assert world.contents() == whole.contents()
    assert {name: source[:3] for name, source in _sources(world).items()} == {
        name: source[:3] for name, source in _sources(whole).items()
    }
    assert sorted(record["_id"] for record in world.records()) == sorted(world.documents())


def test_replaying_twice_changes_nothing(world: World) -> None:
    _run(world, _registry(*INFOCLIMAT[:2]))
    first = _replay(world, _registry(INFOCLIMAT[1]))
    documents, zone = world.document_bytes(), _content(world)
    second = _replay(world, _registry(INFOCLIMAT[1]))
    assert (second.files_changed, second.replayed, second.inserted) == (0, 0, 0)
    assert (second.replayed_before, second.still_quarantined) == (first.replayed, first.still_quarantined)
    assert first.still_quarantined > 0
    assert (world.document_bytes(), _content(world)) == (documents, zone)


def test_a_row_that_still_fails_stays_in_quarantine(world: World) -> None:
    """Bad times, other stations than their key, rows that are no records."""
    document = json.loads(world.raw.get(DOCUMENT))
    rows = document["hourly"][INFOCLIMAT[0]]
    rows[0]["dh_utc"] = "yesterday"
    rows[1]["id_station"] = INFOCLIMAT[1]
    world.raw.put(DOCUMENT, json.dumps(document).encode())
    world.raw.put(
        "infoclimat/rows.jsonl", b'{"id_station":"07915","dh_utc":"2024-10-01 00:00:00","temperature":"1"}\n{"id_'
    )
    assert _run(world, ALL)["records_rejected"] == 3
    before = _content(world)
    counts = _replay(world, ALL)
    assert (counts.rows, counts.replayed, counts.still_quarantined) == (3, 0, 3)
    assert _content(world) == before


def test_rows_of_every_layout_of_the_demo_can_be_replayed(new_world: WorldMaker, demo_data: Path) -> None:
    whole = new_world()
    whole.deliver(demo_data)
    _run(whole, ALL)
    world = new_world()
    world.deliver(demo_data)
    refused = _run(world, _registry(*INFOCLIMAT))["records_rejected"]
    assert world.status()["errors"] == []
    counts = _replay(world, ALL)
    # Two rows of the demo name a station that no registry has.
    assert (counts.replayed, counts.still_quarantined) == (refused - 2, 2)
    assert world.contents() == whole.contents()


def test_migration_brings_replayed_records_too(world: World, new_world: WorldMaker) -> None:
    _run(world, _registry(INFOCLIMAT[0]))
    _replay(world, ALL)
    copy = new_world(beside=world)
    assert copy.typed("migrate").code == 0
    assert copy.document_bytes() == world.document_bytes()


def test_replay_is_a_command(world: World) -> None:
    _run(world, _registry(INFOCLIMAT[0]))
    outcome = world.typed("replay", "--json")
    assert outcome.code == 0, outcome.stderr
    counts = outcome.json()
    assert counts["replayed"] == counts["inserted"] == counts["rows"] > 0
    words = world.typed("replay").stdout
    assert f"{counts['rows']:,} quarantined rows in 1 file: 0 pass now, {counts['rows']:,} passed before" in words
    with held_by(world):
        outcome = world.typed("replay")
    assert outcome.code == 1
    assert f"its lease expires within {LEASE_SECONDS} seconds" in outcome.stderr


def test_rows_on_which_the_program_fails_stay_and_the_others_pass(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = {"id_station": INFOCLIMAT[1], "dh_utc": "2024-10-01 00:00:00", "temperature": "1"}
    world.raw.put("rows/x.jsonl", json.dumps(row).encode())
    rows = _run(world, _registry(*INFOCLIMAT[:2]))["records_rejected"]
    read = forecast.run.replay._through

    def failing(lines: Any, source: Any, context: ReplayContext) -> Any:
        if source.key == "rows/x.jsonl":
            raise KeyError("x")
        return read(lines, source, context)

    with monkeypatch.context() as patch:
        patch.setattr(forecast.run.replay, "_through", failing)
        outcome = world.typed("replay")
    assert outcome.code == 3
    assert f"{rows:,} quarantined rows in 2 files: {rows - 1:,} pass now" in outcome.stdout
    assert "1 stay in quarantine, 1 of them by an internal error (see the log)" in outcome.stdout
    assert "internal error on 1 row of rows/x.jsonl" in outcome.stderr
    assert [line["position"] for line in _rejected(world) if "replayed" not in line] == ["line 1"]
    mended = _replay(world, ALL)
    assert (mended.rows_failed, mended.replayed, mended.still_quarantined) == (0, 1, 0)


def test_a_damaged_file_of_quarantined_rows_is_named(world: World) -> None:
    _run(world, _registry(INFOCLIMAT[0]))
    (key,) = world.rejected_keys()
    world.processed.put(key, world.processed.get(key)[:-20])
    outcome = world.typed("replay")
    assert outcome.code == 2
    assert f"{key} is not a complete file of the reject store; process its raw object again" in outcome.stderr
