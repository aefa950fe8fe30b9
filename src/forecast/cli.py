"""What every command shares: the options of CONTRACT section 2, the log, and errors as one line and an exit code."""

from __future__ import annotations

import functools
import inspect
import json
import logging
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from typer.core import TyperCommand

from forecast.errors import ForecastError
from forecast.report.write import without_secrets
from forecast.settings import (
    DEFAULT_COLLECTION,
    DEFAULT_DATABASE,
    DEFAULT_LOGS_DIR,
    LOG_LEVELS,
    Settings,
    load_settings,
)

# The settings of CONTRACT section 2 that every command takes as an option too.
SETTING_OPTIONS: dict[str, str] = {
    "raw_uri": "Where Airbyte writes: s3://bucket/prefix/ or a folder.",
    "processed_uri": "The processed zone: s3://bucket/prefix/ or a folder.",
    "mongodb_uri": "A MongoDB connection string.",
    "mongodb_database": f"Default: {DEFAULT_DATABASE}.",
    "mongodb_collection": f"Default: {DEFAULT_COLLECTION}.",
    "logs_dir": f"Where the reports go. Default: {DEFAULT_LOGS_DIR}.",
    "log_level": f"{', '.join(LOG_LEVELS)}. Default: INFO.",
    "log_format": "text, or json (one object a line).",
    "max_object_mb": "Largest raw object, as it is stored. Default: 1024.",
    "max_unpacked_mb": "Largest raw object, unpacked. Default: 1024.",
    "max_temporary_mb": "All temporary files of a run at once. Default: twice the two above together.",
    "max_record_mb": "Largest record of an object. Default: 32.",
    "max_workbook_mb": "Largest workbook, unpacked. Default: 100.",
    "fallback_encoding": "cp1252, for text that is not UTF-8. Default: none, such rows are refused.",
}
AsJson = Annotated[bool, typer.Option("--json", help="The result as one JSON object on stdout.")]

_LOGGER = logging.getLogger("forecast")
# At DEBUG, botocore shows whole requests, and with them the session's token.
_CHATTY_LIBRARIES = ("boto3", "botocore", "pymongo", "s3transfer", "urllib3")
_SECRET_VARIABLES = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "MONGODB_URI")


class PlainCommand(TyperCommand):
    """A command that does not quote a connection string which was typed in the wrong place."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """See TyperCommand."""
        try:
            return super().parse_args(ctx, args)
        except typer.exceptions.TyperException as error:
            if hasattr(error, "message"):
                error.message = without_secrets(error.message)
            raise


def with_settings(command: Callable[..., int]) -> Callable[..., None]:
    """A Typer command of a function that takes `settings` and returns an exit code: each setting becomes an option."""
    signature = inspect.signature(command, eval_str=True)
    own = [parameter for name, parameter in signature.parameters.items() if name != "settings"]
    shared = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[str | None, typer.Option(f"--{name.replace('_', '-')}", help=words)],
        )
        for name, words in SETTING_OPTIONS.items()
    ]

    @functools.wraps(command)
    def wrapped(**values: Any) -> None:
        given = {name.upper(): values.pop(name) for name in SETTING_OPTIONS}
        run_command(lambda: command(settings=make_settings(given), **values))

    parameters = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own] + shared
    wrapped.__signature__ = inspect.Signature(parameters, return_annotation=None)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return wrapped


def make_settings(options: Mapping[str, str | None]) -> Settings:
    """Settings of a command, its options winning; sets the log up."""
    settings = load_settings(options)
    set_up_logging(settings)
    return settings


def plain_app(name: str, function: Callable[..., None]) -> typer.Typer:
    """The app of one command: its help is plain text, and its faults are not dressed up."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command(name, cls=PlainCommand)(function)
    return app


def command_app(name: str, command: Callable[..., int]) -> typer.Typer:
    """The app of one command that takes every setting; see `with_settings`."""
    return plain_app(name, with_settings(command))


def set_up_logging(settings: Settings) -> None:
    """The log goes to stderr; stdout is for the result."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _JsonFormatter() if settings.log_format == "json" else _TextFormatter("%(levelname)s %(message)s")
    )
    _LOGGER.handlers[:] = [handler]
    _LOGGER.setLevel(settings.log_level)
    _LOGGER.propagate = False
    for name in _CHATTY_LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)


def run_command(command: Callable[[], int]) -> NoReturn:
    """Run a command and end the process with its exit code; a foreseeable fault is one line, without a trace.

    A fault of the program leaves its trace in the log, without what the libraries may have quoted of the settings.
    """
    try:
        code = command()
    except ForecastError as error:
        print(f"error: {_shown(error.message)}", file=sys.stderr)  # noqa: T201
        code = error.exit_code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)  # noqa: T201
        code = 1
    except Exception:  # noqa: BLE001  shown by us, or Python would show it as it is
        _LOGGER.critical("%s", _trace_without_secrets())
        code = 1
    raise typer.Exit(code)


def _trace_without_secrets() -> str:
    text = traceback.format_exc()
    for name in _SECRET_VARIABLES:
        if value := os.environ.get(name):
            # A KeyError quotes its text as Python would.
            text = text.replace(value, "***").replace(repr(value)[1:-1], "***")
    return str(without_secrets(text))


def print_result(result: dict[str, Any], rendered: Any, *, as_json: bool) -> None:
    """The result of a command on stdout, for a program or for a person."""
    if as_json:
        # A file's name that is no text is kept as JSON's own escape (\udce9), as it is in the reports.
        text = json.dumps(result, ensure_ascii=False).encode("utf-8", "backslashreplace").decode("utf-8")
        print(text)  # noqa: T201
    else:
        Console(highlight=False, soft_wrap=False).print(rendered)


def _shown(text: str) -> str:
    """A text for a terminal: keys and values of raw objects can hold what a terminal obeys, or forge a line."""
    lines = (
        "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in line)
        for line in text.split("\n")
    )
    return "\n    ".join(lines)


class _TextFormatter(logging.Formatter):
    """One line a message, and what belongs to it indented."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  named by the library
        return _shown(super().formatMessage(record))


class _JsonFormatter(logging.Formatter):
    """One object a line, for CloudWatch."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        # Letters as escapes: keys and values of raw objects can hold what a terminal obeys.
        return json.dumps(entry, default=str)


@contextmanager
def progress_bar(total: int) -> Iterator[Callable[[], None]]:
    """A bar over raw objects on a terminal, nothing elsewhere; gives the function that advances it."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("raw objects", total=total)
        yield lambda: progress.advance(task)
