"""Runs commands of a program that knows one parameter more: grown_program.py COMMANDS, a JSON list of lists of words.

Prints a JSON list: of each command the exit code, and what it wrote on stdout and stderr.
"""

from __future__ import annotations

import json
import sys

from typer.testing import CliRunner

from forecast.core import parameters
from tests.stations import use_own_registry

NAME = "soil_temperature"


def grow() -> None:
    """Put it into the middle of the table, before any module has taken the table over."""
    more = parameters.Parameter(NAME, "°C", parameters.Quantity.TEMPERATURE, "Temperature of the soil.")
    table = (parameters.PARAMETERS[0], more, *parameters.PARAMETERS[1:])
    parameters.PARAMETERS = table
    parameters.PARAMETER_NAMES = tuple(one.name for one in table)
    parameters.MEASURED_NAMES = tuple(one.name for one in table if not one.derived)
    from forecast import transform  # noqa: PLC0415

    # As whoever adds a parameter does: raw rows may become more than before.
    transform.RULES_VERSION += 1


if __name__ == "__main__":
    grow()
    use_own_registry()
    from forecast.cli.program import forecast_app

    results = [CliRunner().invoke(forecast_app, words) for words in json.loads(sys.argv[1])]
    print(json.dumps([(one.exit_code, one.stdout, one.stderr) for one in results]))
