"""`forecast config`: what is in force, and what is wrong."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from forecast.cli.program import forecast_app
from forecast.core.settings import AWS_SETTINGS, SETTINGS

SECRET = "s3cr3t-w0rd"


@pytest.fixture(autouse=True)
def _own_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is set, and the log is as before afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    for setting in (*SETTINGS, *AWS_SETTINGS):
        monkeypatch.delenv(setting.name, raising=False)
    logger = logging.getLogger("forecast")
    before = logger.handlers[:], logger.level, logger.propagate
    yield
    logger.handlers[:], logger.level, logger.propagate = before


def config(*options: str) -> Result:
    return CliRunner().invoke(forecast_app, ["config", *options], catch_exceptions=False)


def test_each_setting_is_shown_with_where_it_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text(f"RAW_URI=raw\nMONGODB_URI=mongodb://me:{SECRET}@host/\n", "utf-8")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    result = config("--log-level", "debug", "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    found = json.loads(result.stdout)
    assert list(found) == [setting.name for setting in (*SETTINGS, *AWS_SETTINGS)]
    assert found["RAW_URI"] == {"value": "raw", "from": str(Path.cwd() / ".env")}
    assert found["MONGODB_URI"] == {"value": "***", "from": str(Path.cwd() / ".env")}
    assert found["LOG_LEVEL"] == {"value": "DEBUG", "from": "--log-level"}
    assert found["AWS_SECRET_ACCESS_KEY"] == {"value": "***", "from": "the environment"}
    assert found["PROCESSED_URI"] == {"value": None, "from": "default"}
    shown = config().stdout
    assert SECRET not in result.stdout + shown
    lines = {line.split()[0]: line for line in shown.splitlines()}
    assert lines["PROCESSED_URI"].split() == ["PROCESSED_URI", "none", "default"]


def test_every_error_is_reported_on_a_line_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_OBJECT_MB", "much")
    result = config("--log-level", "LOUD", "--raw-uri", f"ftp://me:{SECRET}@host/")
    assert (result.exit_code, result.stdout) == (2, "")
    assert [line.split()[:2] for line in result.stderr.splitlines()] == [
        ["error:", "RAW_URI"],
        ["error:", "LOG_LEVEL"],
        ["error:", "MAX_OBJECT_MB"],
    ]
    assert SECRET not in result.stderr
