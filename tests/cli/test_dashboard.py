"""`forecast dashboard`: the site, what of it was written, and what is said where it cannot be."""

from __future__ import annotations

import json
import logging
import webbrowser
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from forecast.cli.program import forecast_app
from tests.site.nights import Faults, write_nights

# Each builds the whole site.
pytestmark = pytest.mark.whole

# Nothing listens on that port.
NOBODY_THERE = "mongodb://127.0.0.1:1/?replicaSet=rs0&serverSelectionTimeoutMS=20"


@pytest.fixture(autouse=True)
def _own_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    for name in ("RAW_URI", "PROCESSED_URI", "SITE_URI", "LOG_LEVEL", "LOG_FORMAT", "STATIONS_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LOGS_DIR", "logs")
    monkeypatch.setenv("MONGODB_URI", NOBODY_THERE)
    monkeypatch.setenv("MAX_DATA_AGE_HOURS", "36")
    logger = logging.getLogger("forecast")
    before = logger.handlers[:], logger.level, logger.propagate
    yield
    logger.handlers[:], logger.level, logger.propagate = before


def asked(*arguments: str) -> Result:
    result = CliRunner().invoke(forecast_app, ["dashboard", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_the_site_is_written_and_the_second_time_nothing_of_it_is_written(tmp_path: Path) -> None:
    write_nights(tmp_path / "logs", Faults(ages={"ITESTA19": 200}))
    first, second = json.loads(asked("--json").stdout), json.loads(asked("--json").stdout)
    counts = {"written": first["written"], "unchanged": 0, "removed": 0, "later": 0}
    assert first == {"index": "logs/site/index.html", **counts}
    assert second == {**first, "written": 0, "unchanged": first["written"]}
    html = (tmp_path / "logs/site/index.html").read_text("utf-8")
    assert "<h1>WeerstationBS is silent: its newest" in html
    assert "The database could not be reached, so this page only shows what is in the reports: " in html


def test_pages_that_a_run_left_for_later_are_counted_while_the_database_is_away(tmp_path: Path) -> None:
    write_nights(tmp_path / "logs")
    asked()
    manifest = tmp_path / "logs/site/manifest.json"
    entries = json.loads(manifest.read_text("utf-8"))
    pages = ("station/ITESTA19.html", "station/ITESTA19.fr.html")
    manifest.write_text(json.dumps(entries | dict.fromkeys(pages, "unwritten 0001700000.000 ")), "utf-8")
    assert asked().stdout.splitlines()[1].endswith(" 0 removed, 2 left to a run with the database")
    assert 'href="station/ITESTA19.html"' not in (tmp_path / "logs/site/stations.html").read_text("utf-8")


def test_with_a_schedule_a_missed_night_and_the_next_run_are_shown(tmp_path: Path) -> None:
    write_nights(tmp_path / "logs", Faults(missed=frozenset({38})))
    asked("--schedule", "10 3 * * *")
    html = (tmp_path / "logs/site/index.html").read_text("utf-8")
    assert "<h1>The run due at 2026-11-28 03:10 UTC did not start; a later one caught up. Check the scheduler" in html
    assert 'data-due="2026-11-30T03:10:00+00:00"' in html


def test_the_command_names_the_page_to_open(tmp_path: Path) -> None:
    result = asked("--site-uri", "pages")
    (warning,) = result.stderr.splitlines()
    assert result.exit_code == 0
    assert "WARNING the dashboard is built without the database: MongoDB is unreachable" in warning
    assert result.stdout.splitlines()[0] == "pages/index.html"
    assert result.stdout.splitlines()[1].endswith(" files written, 0 unchanged, 0 removed")
    assert "No runs were found" in (tmp_path / "pages" / "index.html").read_text("utf-8")


def test_a_place_that_cannot_be_written_is_an_error_that_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "pages").write_text("a file")
    result = asked("--site-uri", "pages")
    assert (result.exit_code, result.stdout) == (2, "")
    error = result.stderr.splitlines()[-1]
    assert error.startswith("error: pages/")
    assert "or set SITE_URI to another" in error


def test_open_shows_the_page_in_the_browser(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    opened: list[str] = []

    def show(url: str) -> bool:
        opened.append(url)
        return len(opened) == 1

    monkeypatch.setattr(webbrowser, "open", show)
    assert asked("--open").exit_code == 0
    assert opened == [(tmp_path / "logs/site/index.html").resolve().as_uri()]
    result = asked("--open")
    assert result.exit_code == 2
    assert "no browser could be started here; open logs/site/index.html in one" in result.stderr
