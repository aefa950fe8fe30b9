"""The program `forecast` and its commands, two of which are also the scripts `pipeline` and `latency-report`.

Heavy imports are deferred until a command runs: `--help` takes 0.15 to 0.22 s of CPU.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable

import typer

from forecast.cli import airbyte, commands, data, mongo
from forecast.cli.app import Version, add_command, new_app
from forecast.cli.config import config_command
from forecast.cli.dashboard import dashboard_command
from forecast.cli.ingest import ingest_command
from forecast.cli.load_test import load_test_command
from forecast.cli.run import pipeline_command
from forecast.cli.station_sync import sync_stations_command
from forecast.cli.status import status_command
from forecast.core.memory import prepare_process


def _forecast(version: Version = False) -> None:
    """Weather observations, from raw objects to MongoDB and Parquet, checked and flagged.

    Examples:

      forecast run --demo

      forecast latency --station-id ILAMAD25 --date 2026-02-18

      forecast mongo roll --help
    """


def _program() -> typer.Typer:
    app = new_app(no_args_is_help=True)
    app.callback()(_forecast)
    add_command(app, "run", pipeline_command)
    add_command(app, "ingest", ingest_command)
    add_command(app, "latency", commands.latency_command)
    add_command(app, "load-test", load_test_command)
    add_command(app, "quality", commands.quality_command)
    add_command(app, "status", status_command)
    add_command(app, "values", data.values_command)
    add_command(app, "latest", data.latest_command)
    add_command(app, "stations", data.stations_command)
    add_command(app, "stations sync", sync_stations_command)
    add_command(app, "parameters", data.parameters_command)
    add_command(app, "migrate", commands.migrate_command)
    add_command(app, "replay", commands.replay_command)
    add_command(app, "crud-check", commands.crud_check_command)
    add_command(app, "dashboard", dashboard_command)
    add_command(app, "config", config_command)
    app.add_typer(airbyte.airbyte_app(), name="airbyte")
    app.add_typer(mongo.mongo_app(), name="mongo")
    return app


def _alone(script: str, name: str, command: Callable[..., int]) -> typer.Typer:
    """A script for a single command of the program, with its examples rewritten for the script."""
    app = new_app()
    add_command(app, script, command, (inspect.getdoc(command) or "").replace(f"forecast {name}", script))
    return app


forecast_app = _program()
pipeline_app = _alone("pipeline", "run", pipeline_command)
latency_report_app = _alone("latency-report", "latency", commands.latency_command)


def forecast() -> None:
    """The script `forecast`."""
    prepare_process()
    only(forecast_app, sys.argv[1:2])()


def only(app: typer.Typer, asked: list[str]) -> typer.Typer:
    """The program with only the requested command: building the options of all commands takes 50 ms of CPU and 5 MB.

    It is the whole program if there is no such command, so that it can report this, and for shell completion.
    """
    commands = [command for command in app.registered_commands if (command.name or "").split()[:1] == asked]
    groups = [group for group in app.registered_groups if [group.name] == asked]
    if commands or groups:
        app.registered_commands, app.registered_groups = commands, groups
    return app


def pipeline() -> None:
    """The script `pipeline`."""
    prepare_process()
    pipeline_app()


def latency_report() -> None:
    """The script `latency-report`."""
    prepare_process()
    latency_report_app()
