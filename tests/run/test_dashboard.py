"""The dashboard at the end of a run, whatever became of the run, and whatever becomes of the dashboard."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path

import pytest

from forecast.core.errors import RetryableError
from forecast.core.registry import load_stations
from forecast.core.settings import Settings
from forecast.mongo.client import ObservationCollection
from forecast.run import dashboard
from forecast.run.dashboard import write_dashboard, write_dashboard_or_warn
from forecast.run.run import RunOptions
from main import run_pipeline
from tests.site.nights import write_nights

STATIONS = load_stations()


def test_a_site_that_cannot_be_written_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "site").write_text("a file")
    write_dashboard_or_warn(Settings(logs_dir=tmp_path), STATIONS, RetryableError("no primary"))
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith("the dashboard was not written: ")
    assert "SITE_URI" in record.getMessage()


def test_an_internal_error_in_the_dashboard_does_not_fail_the_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(dashboard, "make_site", fault)
    write_dashboard_or_warn(Settings(logs_dir=tmp_path), STATIONS, RetryableError("no primary"))
    assert [record.getMessage() for record in caplog.records] == [
        "the dashboard was not written because of an internal error"
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


def test_a_run_that_failed_writes_its_dashboard_too(settings: Settings, collection: ObservationCollection) -> None:
    status, _ = run_pipeline(settings, RunOptions(), STATIONS)
    assert status.exit_code == 2
    html = (settings.logs_dir / "site" / "index.html").read_text("utf-8")
    assert "failed: there is nothing below" in html
    assert status.run_id in html


def test_the_dashboard_of_a_run_asks_the_database_through_the_connection_of_the_run(
    settings: Settings, collection: ObservationCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dashboard, "connect", pytest.fail)
    run_pipeline(settings, RunOptions(), STATIONS)
    assert (settings.logs_dir / "site" / "station" / f"{next(iter(STATIONS)).id}.html").exists()


def test_a_dry_run_writes_no_dashboard(settings: Settings, collection: ObservationCollection) -> None:
    run_pipeline(settings, RunOptions(dry_run=True), STATIONS)
    assert not (settings.logs_dir / "site").exists()


def test_earlier_runs_that_only_s3_has_are_shown_too(s3_bucket: str, tmp_path: Path) -> None:
    from forecast.storage import open_store  # noqa: PLC0415

    store = open_store(f"s3://{s3_bucket}/zone/")
    write_nights(tmp_path / "elsewhere")
    for path in sorted((tmp_path / "elsewhere").rglob("*.json")):
        store.publish(path, f"logs/{path.relative_to(tmp_path / 'elsewhere')}")
    settings = Settings(processed_uri=store.uri, logs_dir=tmp_path / "logs", site_uri=f"s3://{s3_bucket}/site/")
    write_dashboard(settings, STATIONS, "no primary")
    local = replace(settings, processed_uri=None, logs_dir=tmp_path / "elsewhere", site_uri=str(tmp_path / "site"))
    write_dashboard(local, STATIONS, "no primary")
    copy = tmp_path / "index.html"
    listed = open_store(settings.site_uri or "").find("index.html")
    assert listed is not None
    open_store(settings.site_uri or "").fetch(listed, copy)
    assert copy.read_bytes() == (tmp_path / "site" / "index.html").read_bytes()


def test_without_the_database_the_pages_of_the_stations_stay_as_they_were(tmp_path: Path) -> None:
    write_nights(tmp_path / "logs")
    settings = Settings(logs_dir=tmp_path / "logs")
    write_dashboard(settings, STATIONS, "no primary")
    page, script = tmp_path / "logs/site/station/07915.html", tmp_path / "logs/site/data/07915.js"
    assert "The last seven days" not in page.read_text("utf-8")
    manifest = tmp_path / "logs/site/manifest.json"
    script.parent.mkdir()
    script.write_text("var forecastWeek={};")
    page.write_text("with charts")
    manifest.write_text(
        json.dumps({**json.loads(manifest.read_text()), "data/07915.js": "x", "station/07915.html": "y"})
    )
    write_dashboard(settings, STATIONS, "no primary of rs0 was found")
    assert (page.read_text(), script.read_text()) == ("with charts", "var forecastWeek={};")
    assert "no primary of rs0 was found" in (tmp_path / "logs/site/index.html").read_text("utf-8")
