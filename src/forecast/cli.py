"""What every command shares: the options of CONTRACT section 2, the log, and errors as one line and an exit code."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from forecast.database import connect
from forecast.errors import ForecastError
from forecast.settings import Settings, load_settings

__all__ = ["connect", "make_settings", "print_result", "run_command", "set_up_logging"]

RawUri = Annotated[str | None, typer.Option("--raw-uri", help="Where Airbyte writes: s3://bucket/prefix/ or a folder.")]
ProcessedUri = Annotated[str | None, typer.Option("--processed-uri", help="The processed zone: s3:// or a folder.")]
MongodbUri = Annotated[str | None, typer.Option("--mongodb-uri", help="A MongoDB connection string.")]
MongodbDatabase = Annotated[str | None, typer.Option("--mongodb-database", help="Default: forecast_2_0.")]
MongodbCollection = Annotated[str | None, typer.Option("--mongodb-collection", help="Default: weather_measurements.")]
LogsDir = Annotated[str | None, typer.Option("--logs-dir", help="Where the reports go. Default: logs.")]
LogLevel = Annotated[str | None, typer.Option("--log-level", help="DEBUG, INFO, WARNING or ERROR.")]
LogFormat = Annotated[str | None, typer.Option("--log-format", help="text, or json (one object a line).")]
AsJson = Annotated[bool, typer.Option("--json", help="The result as one JSON object on stdout.")]

_LOGGER = logging.getLogger("forecast")


def make_settings(
    raw_uri: str | None = None,
    processed_uri: str | None = None,
    mongodb_uri: str | None = None,
    mongodb_database: str | None = None,
    mongodb_collection: str | None = None,
    logs_dir: str | None = None,
    log_level: str | None = None,
    log_format: str | None = None,
) -> Settings:
    """Settings of a command, its options winning; sets the log up."""
    settings = load_settings(
        {
            "RAW_URI": raw_uri,
            "PROCESSED_URI": processed_uri,
            "MONGODB_URI": mongodb_uri,
            "MONGODB_DATABASE": mongodb_database,
            "MONGODB_COLLECTION": mongodb_collection,
            "LOGS_DIR": logs_dir,
            "LOG_LEVEL": log_level,
            "LOG_FORMAT": log_format,
        }
    )
    set_up_logging(settings)
    return settings


def set_up_logging(settings: Settings) -> None:
    """The log goes to stderr; stdout is for the result."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _JsonFormatter() if settings.log_format == "json" else logging.Formatter("%(levelname)s %(message)s")
    )
    _LOGGER.handlers[:] = [handler]
    _LOGGER.setLevel(settings.log_level)
    _LOGGER.propagate = False


def run_command(command: Callable[[], int]) -> NoReturn:
    """Run a command and end the process with its exit code; a foreseeable fault is one line, without a trace."""
    try:
        code = command()
    except ForecastError as error:
        print(f"error: {error.message}", file=sys.stderr)  # noqa: T201
        code = error.exit_code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)  # noqa: T201
        code = 1
    raise typer.Exit(code)


def print_result(result: dict[str, Any], rendered: Any, *, as_json: bool) -> None:
    """The result of a command on stdout, for a program or for a person."""
    if as_json:
        print(json.dumps(result, ensure_ascii=False))  # noqa: T201
    else:
        Console(highlight=False, soft_wrap=False).print(rendered)


class _JsonFormatter(logging.Formatter):
    """One object a line, for CloudWatch."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        return json.dumps(entry, ensure_ascii=False, default=str)
