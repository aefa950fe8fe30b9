"""What all commands share: options (including the settings), help, and the protection of secrets."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import date
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from forecast.cli.conversion import convert_plainly, with_plain_flags
from forecast.cli.output import run_command
from forecast.cli.sources import with_sources
from forecast.core.setting import Setting
from forecast.core.settings import SETTINGS, Settings, load_settings
from forecast.core.text import escaped, without_secrets

AsJson = Annotated[bool, typer.Option("--json", help="The result as one JSON object on stdout.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait for another run to end.")]

_DAY_FORMAT = "YYYY-MM-DD"
_OWN_OPTIONS = "Options"


def utc_day(text: str) -> date:
    """A day as typed on the command line. Raises typer.BadParameter."""
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        with suppress(ValueError):
            return date.fromisoformat(text)
    raise typer.BadParameter(f"{escaped(text)!r} is not a day; expected {_DAY_FORMAT}, such as 2024-10-05")


def day_option(*names: str, help: str) -> Any:  # noqa: A002  as typer calls it
    """An option that takes a UTC day."""
    return typer.Option(*names, parser=utc_day, metavar=_DAY_FORMAT, help=help)


class PlainCommand(TyperCommand):
    """A command that never quotes a connection string that was typed in the wrong place.

    Its help is plain text, with the settings below its own options.
    """

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        for parameter in self.params:
            convert_plainly(parameter)

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """See TyperCommand."""
        with _no_secrets_quoted():
            return super().parse_args(ctx, args)

    def get_params(self, ctx: typer.Context) -> list[Any]:  # type: ignore[override]
        """See TyperCommand."""
        return with_plain_flags(super().get_params(ctx))

    def format_options(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """See TyperCommand: a section for each `rich_help_panel`, without rich, which is slow to import."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            own = "Arguments" if parameter.param_type_name == "argument" else _OWN_OPTIONS
            if (record := parameter.get_help_record(ctx)) is not None:
                names, text = record
                section = sections.setdefault(getattr(parameter, "rich_help_panel", None) or own, [])
                section.append((names, with_sources(text)))
        # --help is the last parameter, and belongs with the command's own options.
        for title in sorted(sections, key=lambda title: title not in {"Arguments", _OWN_OPTIONS}):
            with formatter.section(title):
                formatter.write_dl(sections[title])


class PlainGroup(TyperGroup):
    """A group of commands that never quotes a secret either."""

    def get_params(self, ctx: typer.Context) -> list[Any]:  # type: ignore[override]
        """See TyperGroup."""
        return with_plain_flags(super().get_params(ctx))

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """See TyperGroup."""
        with _no_secrets_quoted():
            return super().parse_args(ctx, args)

    def resolve_command(self, ctx: typer.Context, args: list[str]) -> Any:  # type: ignore[override]
        """See TyperGroup."""
        # "stations sync" is a command next to "stations".
        if (name := " ".join(args[:2])) in self.commands and len(args) > 1:
            return name, self.commands[name], args[2:]
        with _no_secrets_quoted():
            return super().resolve_command(ctx, args)


@contextmanager
def _no_secrets_quoted() -> Iterator[None]:
    try:
        yield
    except typer.TyperException as error:
        if hasattr(error, "message"):
            error.message = without_secrets(error.message)
        raise


def _show_version(wanted: bool) -> None:
    if wanted:
        from forecast import __version__

        typer.echo(f"forecast {__version__}")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version and exit.")
]


def with_settings(command: Callable[..., int]) -> Callable[..., None]:
    """A Typer command of a function that takes `settings` and returns an exit code: each setting becomes an option."""
    signature = inspect.signature(command, eval_str=True)
    parameters = [
        *(parameter for name, parameter in signature.parameters.items() if name != "settings"),
        _keyword("version", Version, default=False),
        *_settings_as_options(),
    ]

    @functools.wraps(command)
    def wrapped(*, version: bool, **values: Any) -> None:  # noqa: ARG001  it was shown by its callback
        given = {setting.name: values.pop(setting.name.lower()) for setting in SETTINGS}
        run_command(lambda: command(settings=make_settings(given), **values))

    keywords = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]
    wrapped.__signature__ = inspect.Signature(keywords, return_annotation=None)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in keywords}
    return wrapped


@functools.cache
def _settings_as_options() -> tuple[inspect.Parameter, ...]:
    """One parameter per setting, the same for every command."""
    return tuple(_keyword(setting.name.lower(), _option_of(setting), default=None) for setting in SETTINGS)


def _keyword(name: str, annotation: Any, *, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _option_of(setting: Setting) -> Any:
    option = typer.Option(
        setting.option,
        metavar=setting.kind.metavar,
        help=f"{setting.help} Default: {setting.unset}.",
        rich_help_panel=f"Settings: {setting.group}",
    )
    return Annotated[str | None, option]


def make_settings(options: Mapping[str, str | None]) -> Settings:
    """The settings of a command, whose options take precedence; also sets up the log."""
    from forecast.core.logs import set_up_logging

    settings = load_settings(options)
    set_up_logging(settings)
    return settings


def new_app(**more: Any) -> typer.Typer:
    """An app with plain-text help and plain error messages."""
    return typer.Typer(
        cls=PlainGroup,
        context_settings={"help_option_names": ["--help", "-h"]},
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        **more,
    )


def add_command(app: typer.Typer, name: str, command: Callable[..., int], help: str | None = None) -> None:  # noqa: A002
    """Add a command, with every setting as an option; `help` replaces its docstring."""
    app.command(name, cls=PlainCommand, help=help)(with_settings(command))
