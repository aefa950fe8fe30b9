"""--reprocess: what would come out the same is read back from the processed zone, and anything else is made again."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

import main
from forecast.core.raw_objects import RawObject
from forecast.core.registry import load_stations
from forecast.core.settings import Limits
from forecast.core.stations import Stations
from forecast.run import cache, pipeline, steps
from forecast.run.run import RunOptions
from tests.integration.worlds import World, WorldMaker, assert_reports_hold

KEY = "infoclimat/Data_Source1_011024-031024.json"
UNKNOWN_STATION = b'{"id_station":"99999","dh_utc":"2024-10-01 00:00:00","temperature":"1.0"}\n'


@pytest.fixture
def world(new_world: WorldMaker, demo_data: Path) -> World:
    made = new_world()
    made.deliver(demo_data, [KEY])
    return made


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys of the objects whose rows were read."""
    keys: list[str] = []
    extract_data = steps.extract_data

    def noted(path: Path, raw: RawObject, limits: Limits, now: datetime) -> object:
        keys.append(raw.key)
        return extract_data(path, raw, limits, now)

    monkeypatch.setattr(steps, "extract_data", noted)
    return keys


def test_an_unchanged_object_is_read_from_the_zone_and_not_processed_again(world: World, made: list[str]) -> None:
    world.run()
    records, documents = world.records(), world.document_bytes()
    counts = world.reprocess()["counts"]
    assert made == [KEY]
    assert (counts["objects_loaded"], counts["unchanged"], counts["inserted"]) == (1, 1368, 0)
    assert (counts["rows_read"], counts["rows_empty"], counts["records_validated"]) == (1368, 0, 1368)
    assert (world.records(), world.document_bytes()) == (records, documents)
    first, second = world.reports("quality_report")
    for report in (first, second):
        # The observations are older by what lies between the runs.
        assert all(entry.pop("age_hours", 0) != 0 for entry in report["by_station"].values())
    # Nothing has changed, so nothing is evaluated again: what is flagged is told from what is there.
    assert {name for name in first if first[name] != second[name]} <= {
        *("run_id", "generated_at", "by_object"),
        *("station_days_checked", "values_judged", "by_check", "flags_by_station", "completeness"),
        *("worst_episodes", "advice"),
    }
    assert (first["station_days_checked"], second["station_days_checked"]) == (12, 0)
    assert (second["flags_by_station"], second["completeness"], second["worst_episodes"]) == ({}, {}, [])
    assert_reports_hold(world)


def test_lost_documents_are_restored(world: World) -> None:
    world.run()
    before = world.contents()
    with world.mongo() as database:
        database["weather_measurements"].delete_many({"station.id": "07915"})
    counts = world.reprocess()["counts"]
    assert counts["inserted"] > 0
    assert counts["inserted"] + counts["unchanged"] == 1368
    assert world.contents() == before


@pytest.mark.both_zones
@pytest.mark.parametrize("damage", ["removed", "changed"])
def test_records_that_the_zone_has_lost_are_produced_again(world: World, made: list[str], damage: str) -> None:
    world.run()
    before = world.contents()
    key = world.record_keys()[0]
    if damage == "removed":
        world.processed.delete(key)
    else:
        world.processed.put(key, world.processed.get(key)[:-1] + b"\0")
    counts = world.reprocess()["counts"]
    assert made == [KEY, KEY]
    assert counts["unchanged"] == 1368
    assert len(world.records()) == 1368
    assert world.contents() == before


def test_after_a_change_of_the_code_the_object_is_processed_again(
    world: World, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.run()
    monkeypatch.setattr(pipeline, "program_digest", lambda stations: "another program")
    assert world.reprocess()["counts"]["unchanged"] == 1368
    assert made == [KEY, KEY]


def test_after_a_change_of_the_registry_the_object_is_processed_again(world: World, made: list[str]) -> None:
    world.run()
    stations = Stations({s.id: replace(s, elevation=s.elevation + 1) for s in load_stations()})
    status, _ = main.run_pipeline(world.settings(), RunOptions(reprocess=True), stations)
    assert status.counts.updated == 1368
    assert made == [KEY, KEY]


def test_an_object_with_quarantined_rows_is_processed_again(world: World, made: list[str]) -> None:
    """What is refused today may pass tomorrow: a moment in the future, for one."""
    world.raw.delete(KEY)
    world.raw.put("infoclimat/rows.jsonl", UNKNOWN_STATION)
    options = RunOptions(reprocess=True, max_rejection_rate=1)
    for _ in range(2):
        assert world.run(options)["counts"]["records_rejected"] == 1
    assert made == ["infoclimat/rows.jsonl"] * 2


def test_digest_of_the_program_covers_code_libraries_and_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    stations = load_stations()
    digest = cache.program_digest(stations)
    assert cache.program_digest(load_stations()) == digest
    assert cache.program_digest(Stations({s.id: s for s in list(stations)[1:]})) != digest
    with monkeypatch.context() as patch:
        patch.setattr(cache, "version", lambda name: "0")
        assert cache.program_digest(stations) != digest


def test_digest_of_the_program_covers_every_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "forecast" / "extract"
    package.mkdir(parents=True)
    (tmp_path / "main.py").write_text("1")
    (package / "rows.py").write_text("1")
    monkeypatch.setattr(cache, "_SOURCE_FOLDER", tmp_path)
    seen = {cache.program_digest(load_stations())}
    for path in (tmp_path / "main.py", package / "rows.py"):
        path.write_text("2")
        cache._source_digest.cache_clear()  # as in the next process
        seen.add(cache.program_digest(load_stations()))
    assert len(seen) == 3
