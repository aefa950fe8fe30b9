"""`pipeline --rerun-qc`: QC results of older rules come up to date, and the counts say how many changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import main
from forecast.core.digests import HASH_LENGTH
from forecast.core.stations import Stations
from forecast.networks.qc_version import qc_version
from forecast.report.write import as_data
from forecast.run.run import RunOptions
from tests.integration.worlds import Row, World, WorldMaker, assert_reports_hold
from tests.stations import stations_with

KEY = "infoclimat/Data_Source1_011024-031024.json"
DOCUMENTS = 1368
# What a check would have said that is no more.
OLD_FLAGS = {
    "air_temperature": {"flag": 3, "checks": ["spike"]},
    "wind_speed": {"flag": 3, "checks": ["rate_of_change"]},
}


@pytest.fixture
def world(local_world: WorldMaker, demo_data: Path) -> World:
    """A world whose documents are up to date."""
    made = local_world()
    made.deliver(demo_data, [KEY])
    made.run()
    return made


def _age(world: World, query: dict[str, Any]) -> None:
    """Make the QC results of some documents those of older checks, with a digest of their own."""
    qc_result = {"flag": 3, "flags": OLD_FLAGS, "anomalies_detected": 2, "qc_version": qc_version() - 1}
    older = {f"data_quality.{name}": {"$literal": value} for name, value in qc_result.items()}
    digest = {"$concat": [{"$substrBytes": ["$metadata.digest", 0, HASH_LENGTH]}, "0" * HASH_LENGTH]}
    with world.mongo() as database:
        database["weather_measurements"].update_many(query, [{"$set": {**older, "metadata.digest": digest}}])


def _flags(documents: dict[str, Row]) -> dict[tuple[str, str], int]:
    return {
        (name, parameter): entry["flag"]
        for name, document in documents.items()
        for parameter, entry in document["data_quality"]["flags"].items()
    }


def _changed(before: dict[str, Row], after: dict[str, Row]) -> int:
    """How many values have another flag."""
    old, new = _flags(before), _flags(after)
    return sum(old.get(key) != new.get(key) for key in old.keys() | new.keys())


def _evaluated(status: Row) -> list[int]:
    return [status["counts"][name] for name in ("documents_checked", "documents_reflagged", "flags_changed")]


def test_rerun_qc_updates_documents_of_older_checks_and_counts_them(world: World) -> None:
    up_to_date = world.documents()
    _age(world, {"station.id": "07915"})
    old = world.documents()
    assert {document["data_quality"]["qc_version"] for document in old.values()} == {
        qc_version() - 1,
        qc_version(),
    }
    status = world.run(RunOptions(rerun_qc=True))
    assert (status["status"], status["exit_code"]) == ("success", 0)
    assert world.documents() == up_to_date
    assert _evaluated(status) == [DOCUMENTS, 72, _changed(old, up_to_date)]
    assert _changed(old, up_to_date) >= 2 * 72
    quality = world.reports("quality_report")[-1]
    assert quality["station_days_checked"] == 4 * 3
    assert quality["anomalies_detected"] == sum(d["data_quality"]["anomalies_detected"] for d in up_to_date.values())
    assert_reports_hold(world)


def test_without_rerun_qc_old_flags_stay(world: World) -> None:
    _age(world, {})
    before = world.documents()
    assert _evaluated(world.run()) == [0, 0, 0]
    assert world.documents() == before


def test_rerun_qc_changes_nothing_if_nothing_has_changed(world: World) -> None:
    before = world.document_bytes()
    for _ in range(2):
        assert _evaluated(world.run(RunOptions(rerun_qc=True))) == [DOCUMENTS, 0, 0]
    assert world.document_bytes() == before


def test_a_dry_run_of_rerun_qc_writes_nothing(world: World) -> None:
    _age(world, {})
    before = world.document_bytes()
    assert _evaluated(world.run(RunOptions(rerun_qc=True, dry_run=True))) == [0, 0, 0]
    assert world.document_bytes() == before
    with world.mongo() as database:
        assert list(database["weather_measurements_pending_qc"].find()) == []


def _strict() -> Stations:
    """No air temperature above 0 °C may be at 07915."""
    return stations_with({"07915": {"thresholds": {"air_temperature": {"gross_range_suspect_max": 0.0}}}})


def test_a_threshold_of_a_station_changes_its_flags_and_removing_it_restores_them(world: World) -> None:
    before = world.documents()
    status, _ = main.run_pipeline(world.settings(), RunOptions(rerun_qc=True), _strict())
    after = world.documents()
    warm = [
        document
        for name, document in after.items()
        if name.startswith("07915@") and document["measurements"]["air_temperature"] > 0
    ]
    assert len(warm) == 72
    assert all("gross_range" in d["data_quality"]["flags"]["air_temperature"]["checks"] for d in warm)
    changed = _changed(before, after)
    assert _evaluated(as_data(status)) == [DOCUMENTS, 72, changed]
    assert {name for name in after if after[name] != before[name]} == {document["_id"] for document in warm}
    assert _evaluated(world.run(RunOptions(rerun_qc=True))) == [DOCUMENTS, 72, changed]
    assert world.documents() == before


def test_the_command_says_what_it_did(world: World) -> None:
    up_to_date = world.documents()
    _age(world, {"_id": "07915@2024-10-01T00:00:00Z"})
    changed = _changed(world.documents(), up_to_date)
    result = world.typed("pipeline", "--rerun-qc")
    assert result.code == 0
    assert f"QC         1,368 documents checked, {changed} flags changed" in result.stdout
    assert world.documents() == up_to_date
