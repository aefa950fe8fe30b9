"""The dashboard at the end of a run, whatever became of the run, and whatever becomes of the dashboard."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from forecast.core.registry import load_stations
from forecast.core.settings import Settings
from forecast.mongo.client import Documents
from forecast.run import dashboard
from forecast.run.dashboard import write_dashboard, write_dashboard_or_warn
from forecast.run.run import RunOptions
from main import run_pipeline
from tests.site.nights import write_nights

STATIONS = load_stations()


def test_a_site_that_cannot_be_written_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "site").write_text("a file")
    write_dashboard_or_warn(Settings(logs_dir=tmp_path), STATIONS)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith("the dashboard was not written: ")
    assert "SITE_URI" in record.getMessage()


def test_a_fault_of_the_program_costs_the_dashboard_and_not_the_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(dashboard, "make_site", fault)
    write_dashboard_or_warn(Settings(logs_dir=tmp_path), STATIONS)
    assert [record.getMessage() for record in caplog.records] == [
        "the dashboard was not written, by a fault of the program"
    ]


@pytest.fixture
def settings(replica_set: str, mongo_database: str, tmp_path: Path) -> Settings:
    (tmp_path / "raw").mkdir()
    return Settings(
        raw_uri=str(tmp_path / "raw"),
        processed_uri=str(tmp_path / "processed"),
        mongodb_uri=replica_set,
        mongodb_database=mongo_database,
        logs_dir=tmp_path / "logs",
    )


def test_a_run_that_failed_writes_its_dashboard_too(settings: Settings, collection: Documents) -> None:
    status, _ = run_pipeline(settings, RunOptions(), STATIONS)
    assert status.exit_code == 2
    html = (settings.logs_dir / "site" / "index.html").read_text("utf-8")
    assert "failed: nothing lies below" in html
    assert status.run_id in html


def test_a_dry_run_writes_no_dashboard(settings: Settings, collection: Documents) -> None:
    run_pipeline(settings, RunOptions(dry_run=True), STATIONS)
    assert not (settings.logs_dir / "site").exists()


def test_what_only_s3_has_of_earlier_runs_is_shown_as_well(s3_bucket: str, tmp_path: Path) -> None:
    from forecast.storage import open_store  # noqa: PLC0415

    store = open_store(f"s3://{s3_bucket}/zone/")
    write_nights(tmp_path / "elsewhere")
    for path in sorted((tmp_path / "elsewhere").rglob("*.json")):
        store.publish(path, f"logs/{path.relative_to(tmp_path / 'elsewhere')}")
    settings = Settings(processed_uri=store.uri, logs_dir=tmp_path / "logs", site_uri=f"s3://{s3_bucket}/site/")
    write_dashboard(settings, STATIONS)
    local = replace(settings, processed_uri=None, logs_dir=tmp_path / "elsewhere", site_uri=str(tmp_path / "site"))
    write_dashboard(local, STATIONS)
    copy = tmp_path / "index.html"
    listed = open_store(settings.site_uri or "").find("index.html")
    assert listed is not None
    open_store(settings.site_uri or "").fetch(listed, copy)
    assert copy.read_bytes() == (tmp_path / "site" / "index.html").read_bytes()
