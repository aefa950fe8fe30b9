"""The output of a command: its result on stdout, each error as one line on stderr, and its exit code."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, NoReturn, TextIO

import typer

from forecast.core.errors import ForecastError
from forecast.core.metrics import MetricLine, embedded
from forecast.core.text import escaped

_LOGGER = logging.getLogger("forecast")


def run_command(command: Callable[[], int]) -> NoReturn:
    """Run a command and end the process with its exit code; a foreseeable fault is one line, without a traceback.

    An internal error leaves a traceback in the log, without settings that the libraries may have quoted.
    If output cannot be shown (stdout closed, on a full disk, not in UTF-8), the exit code stays the same.
    """
    _show_what_can_be_shown()
    try:
        code = command()
    except ForecastError as error:
        for message in error.messages:
            say(f"error: {escaped(message)}")
        code = error.exit_code
    except KeyboardInterrupt:
        say("interrupted")
        code = 1
    except Exception as error:
        _LOGGER.critical("an internal error: %s", type(error).__name__, exc_info=True)
        code = 1
    for stream in (sys.stdout, sys.stderr):
        _leave_nothing_behind(stream)
    raise typer.Exit(code)


def print_result(result: dict[str, Any], rendered: Any, *, as_json: bool) -> None:
    """Print the result of a command on stdout, for a program or a person; if that fails, a line on stderr."""
    with _what_can_be_shown():
        if as_json:
            # Non-ASCII letters are escaped: this works in any encoding, and terminals cannot interpret them.
            print(json.dumps(result))  # noqa: T201
        else:
            print(_as_text(rendered), end="")  # noqa: T201
        if sys.stdout is not None:
            sys.stdout.flush()


def print_metrics(lines: Iterable[MetricLine], namespace: str | None) -> None:
    """Print metrics on stdout if a CloudWatch namespace is set; if that fails, a line on stderr."""
    if namespace is None:
        return
    now = datetime.now(UTC)
    with _what_can_be_shown():
        for line in lines:
            if (text := embedded(line, namespace, now)) is not None:
                print(text)  # noqa: T201


def print_bytes(content: bytes) -> None:
    """Write the result of a command to stdout, byte for byte; if that fails, a line on stderr."""
    with _what_can_be_shown():
        if sys.stdout is not None:
            sys.stdout.flush()
            sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()


@contextmanager
def _what_can_be_shown() -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        say(f"the result could not be shown on stdout: {reason}. The exit code is that of the work")


def _as_text(rendered: Any) -> str:
    """What rich makes of it for this stdout; written by rich itself, a closed pipe would end the process with 1."""
    from rich.console import Console

    from forecast.report.plain_table import MAX_WIDTH

    has_width = "COLUMNS" in os.environ or (sys.stdout is not None and sys.stdout.isatty())
    console = Console(highlight=False, soft_wrap=False, width=None if has_width else MAX_WIDTH)
    with console.capture() as captured:
        console.print(rendered)
    return captured.get()


def say(line: str) -> None:
    """Print a line on stderr, if that is possible."""
    with suppress(OSError, ValueError):
        print(line, file=sys.stderr)  # noqa: T201


def _show_what_can_be_shown() -> None:
    """Make letters that stdout's encoding lacks question marks instead of an error."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def _leave_nothing_behind(stream: TextIO | None) -> None:
    """Flush a stream; otherwise, output that cannot be written makes Python exit with code 120."""
    if stream is None:
        return
    try:
        stream.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
