"""The log: on stderr, each line with its time and run id, above the progress bar and never inside it."""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from forecast.core.settings import SECRETS, Settings, secret_values
from forecast.core.text import escaped, escaped_lines, without_secret, without_secrets

if TYPE_CHECKING:
    from rich.console import Console

_LOGGER = logging.getLogger("forecast")
# At DEBUG, botocore logs whole requests, including the session token.
_CHATTY_LIBRARIES = ("boto3", "botocore", "pymongo", "s3transfer", "urllib3")
_NO_RUN = "-"


class _Handler(logging.StreamHandler[Any]):
    """Writes to the current sys.stderr, and above the progress bar while there is one."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)
        self.run_id: str | None = None
        self.console: Console | None = None
        self.secrets: tuple[str, ...] = ()

    def emit(self, record: logging.LogRecord) -> None:
        record.run_id = self.run_id
        if self.console is None:
            self.stream = sys.stderr
            super().emit(record)
            return
        try:
            from rich.text import Text  # noqa: PLC0415  the bar has imported it already

            # Neither wrapped nor coloured: a log line is one line, whatever the terminal's width.
            self.console.print(Text(self.format(record)), soft_wrap=True, highlight=False)
        except Exception:  # noqa: BLE001  as logging itself does
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  named by the library
        """A log that cannot be written (closed, or on a full disk) does not stop the run."""


_HANDLER = _Handler()


def set_up_logging(settings: Settings) -> None:
    """Send the log to stderr; stdout is for the result. Tracebacks in it never contain secret settings."""
    _HANDLER.run_id = None
    _HANDLER.secrets = secret_values(settings)
    _HANDLER.setFormatter(_JsonFormatter() if settings.log_format == "json" else _TextFormatter())
    _LOGGER.handlers[:] = [_HANDLER]
    _LOGGER.setLevel(settings.log_level)
    _LOGGER.propagate = False
    for name in _CHATTY_LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)


def log_as(run_id: str) -> None:
    """Give every following line this run id."""
    _HANDLER.run_id = run_id


@contextmanager
def progress_bar(total: int, what: str = "raw objects") -> Iterator[Callable[[], None]]:
    """A bar on a terminal, nothing elsewhere; yields the function that advances it."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda: None
        return
    # It takes 5 MB and 0.1 s, which scheduled runs avoid.
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(what, total=total)
        _HANDLER.console = console
        try:
            yield lambda: progress.advance(task)
        finally:
            _HANDLER.console = None


def trace_without_secrets(error: BaseException) -> str:
    """The traceback of an internal error, without settings that the libraries may have quoted."""
    text = "".join(traceback.format_exception(error))
    for secret in (*_HANDLER.secrets, *(os.environ.get(name, "") for name in SECRETS)):
        text = without_secret(text, secret)
    return str(without_secrets(text)).rstrip()


class _TextFormatter(logging.Formatter):
    """One line per message: time (UTC), run, level, text; then, indented, the traceback of an internal error."""

    def format(self, record: logging.LogRecord) -> str:
        run_id = getattr(record, "run_id", None) or _NO_RUN
        line = f"{_time(record)} {run_id} {record.levelname} {escaped(record.getMessage())}"
        return line + "".join(f"\n    {part}" for part in _trace_of(record).splitlines())


class _JsonFormatter(logging.Formatter):
    """One object per line, for CloudWatch."""

    def format(self, record: logging.LogRecord) -> str:
        trace = _trace_of(record)
        entry = {
            "time": _time(record),
            "level": record.levelname,
            "run_id": getattr(record, "run_id", None),
            "message": record.getMessage(),
            **({"trace": trace} if trace else {}),
            **getattr(record, "facts", {}),
        }
        # Non-ASCII letters are escaped: keys and values of raw objects can contain terminal control characters.
        return json.dumps(entry, default=str)


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, tz=UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _trace_of(record: logging.LogRecord) -> str:
    if trace := getattr(record, "trace", None):
        return escaped_lines(trace)  # of another process, which has left out the secrets
    found = record.exc_info
    return "" if not found or found[1] is None else escaped_lines(trace_without_secrets(found[1]))
