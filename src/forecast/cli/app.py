"""What every command shares: the options of CONTRACT section 2, the log, and errors as one line and an exit code."""

from __future__ import annotations

import functools
import inspect
import io
import json
import logging
import os
import re
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date
from typing import Annotated, Any, NoReturn, TextIO

import typer
from rich.console import Console
from typer.core import TyperCommand

from forecast.core.errors import ForecastError
from forecast.core.logs import set_up_logging
from forecast.core.setting import Setting
from forecast.core.settings import SETTINGS, Settings, load_settings
from forecast.core.text import escaped, without_secrets

AsJson = Annotated[bool, typer.Option("--json", help="The result as one JSON object on stdout.")]

_DAY_FORMAT = "YYYY-MM-DD"

_LOGGER = logging.getLogger("forecast")


def utc_day(text: str) -> date:
    """A day as it is typed. Raises typer.BadParameter."""
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        with suppress(ValueError):
            return date.fromisoformat(text)
    raise typer.BadParameter(f"{escaped(text)!r} is no day; it takes {_DAY_FORMAT}, such as 2024-10-05")


def day_option(*names: str, help: str) -> Any:  # noqa: A002  as typer calls it
    """An option that takes a UTC day."""
    return typer.Option(*names, parser=utc_day, metavar=_DAY_FORMAT, help=help)


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
            setting.name.lower(), inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_option_of(setting)
        )
        for setting in SETTINGS
    ]

    @functools.wraps(command)
    def wrapped(**values: Any) -> None:
        given = {setting.name: values.pop(setting.name.lower()) for setting in SETTINGS}
        run_command(lambda: command(settings=make_settings(given), **values))

    parameters = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own] + shared
    wrapped.__signature__ = inspect.Signature(parameters, return_annotation=None)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return wrapped


def _option_of(setting: Setting) -> Any:
    default = setting.default or setting.without
    words = f"{setting.help} Default: {default}."
    return Annotated[str | None, typer.Option(setting.option, metavar=setting.kind.metavar, help=words)]


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


def run_command(command: Callable[[], int]) -> NoReturn:
    """Run a command and end the process with its exit code; a foreseeable fault is one line, without a trace.

    A fault of the program leaves its trace in the log, without what the libraries may have quoted of the settings.
    What cannot be shown (stdout closed, on a full disk, not in UTF-8) changes no exit code.
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
        _LOGGER.critical("a fault of the program: %s", type(error).__name__, exc_info=True)
        code = 1
    for stream in (sys.stdout, sys.stderr):
        _leave_nothing_behind(stream)
    raise typer.Exit(code)


def print_result(result: dict[str, Any], rendered: Any, *, as_json: bool) -> None:
    """The result of a command on stdout, for a program or for a person; a line on stderr where that cannot be."""
    try:
        if as_json:
            # Letters as escapes: a stdout in any encoding shows them, and no terminal obeys them.
            print(json.dumps(result))  # noqa: T201
        else:
            print(_as_text(rendered), end="")  # noqa: T201
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        say(f"the result could not be shown on stdout: {reason}. The exit code is that of the work")


def _as_text(rendered: Any) -> str:
    """What rich makes of it for this stdout; written by rich itself, a closed pipe would end the process with 1."""
    console = Console(highlight=False, soft_wrap=False)
    with console.capture() as captured:
        console.print(rendered)
    return captured.get()


def say(line: str) -> None:
    """A line on stderr, if it can be written."""
    with suppress(OSError, ValueError):
        print(line, file=sys.stderr)  # noqa: T201


def _show_what_can_be_shown() -> None:
    """Letters that the encoding of stdout has not become question marks instead of an error."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def _leave_nothing_behind(stream: TextIO | None) -> None:
    """Flush a stream; what it still holds and cannot write would make Python end with exit code 120."""
    if stream is None:
        return
    try:
        stream.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
