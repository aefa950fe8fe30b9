"""A connection string that was typed in the wrong place is not quoted."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from forecast.cli.program import forecast_app

SECRET = "mongodb://app:s3cret-word@mongo-1/forecast"


@pytest.mark.parametrize(
    "command", [["mongo", "init"], ["mongo", "roll"], ["mongo", "dump"], ["mongo"], [], ["run"], ["run", "--date"]]
)
def test_usage_error_shows_no_password(command: list[str]) -> None:
    result = CliRunner().invoke(forecast_app, [*command, SECRET, "another"])
    assert result.exit_code == 2
    assert "mongodb://***" in result.output
    assert "s3cret-word" not in result.output
