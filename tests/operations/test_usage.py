"""A connection string that was typed in the wrong place is not quoted."""

from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner

from forecast_ops import commands


@pytest.mark.parametrize("app", [commands.mongo_init_app, commands.mongo_roll_app, commands.mongo_dump_app])
def test_usage_error_shows_no_password(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["mongodb://app:s3cret-word@mongo-1/forecast", "another"])
    assert result.exit_code == 2
    assert "s3cret-word" not in result.output
