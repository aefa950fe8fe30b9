"""`forecast values`, `latest`, `stations`, `parameters`: print observations, stations and parameters."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from forecast.cli.app import utc_day
from forecast.cli.output import print_bytes, say
from forecast.core.aggregation import MIN_SHARE, Frequency
from forecast.core.errors import SettingError
from forecast.core.settings import Settings
from forecast.core.text import escaped, listed

if TYPE_CHECKING:
    import pyarrow as pa

_MOMENT = "YYYY-MM-DD[THH:MM:SSZ]"


def utc_moment(text: str) -> datetime:
    """A day (its midnight in UTC) or an instant with a time zone, as typed. Raises typer.BadParameter."""
    if "T" not in text:
        day = utc_day(text)
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{escaped(text)!r} is not a time; expected {_MOMENT}") from None
    if moment.tzinfo is None:
        raise typer.BadParameter(f"{escaped(text)!r} has no time zone; write {escaped(text)}Z for UTC")
    return moment.astimezone(UTC)


def _moment_option(name: str, words: str) -> Any:
    return typer.Option(name, parser=utc_moment, metavar=_MOMENT, help=words)


Chosen = Annotated[list[str] | None, typer.Option("--station", metavar="ID", help="May be repeated. Default: all.")]
Named = Annotated[list[str] | None, typer.Option("--parameter", metavar="NAME", help="May be repeated. Default: all.")]
Flagged = Annotated[
    Literal["good", "not_failed", "all"],
    typer.Option(help="Leave out suspect and failed values, only failed ones, or none; all shows the flags too."),
]
Freq = Annotated[
    Frequency | None,
    typer.Option(help="Values at regular intervals, labelled with their end, instead of observations."),
]
Share = Annotated[
    float,
    typer.Option(min=0.0, max=1.0, help="With --freq: the minimum share of the expected values."),
]
Format = Annotated[Literal["csv", "json", "parquet", "table"], typer.Option("--format", help="The output format.")]
Output = Annotated[Path | None, typer.Option("--output", metavar="FILE", help="Write to this file. Default: stdout.")]


def values_command(
    settings: Settings,
    station: Chosen = None,
    parameter: Named = None,
    since: Annotated[datetime | None, _moment_option("--since", "UTC, this instant included.")] = None,
    until: Annotated[datetime | None, _moment_option("--until", "UTC, this instant not included.")] = None,
    flags: Flagged = "good",
    freq: Freq = None,
    min_share: Share = MIN_SHARE,
    form: Format = "csv",
    output: Output = None,
) -> int:
    """Print observations, by station and time.

    They are read from the dataset in PROCESSED_URI or, if that is not set, from the database.

    Examples:

      forecast values --station ILAMAD25 --parameter air_temperature --since 2024-10-01 --until 2024-10-02

      forecast values --freq 1h --parameter wind_from_direction --format table

      forecast values --since 2024-10-05 --flags all --format parquet --output week.parquet
    """
    from forecast.reader import read

    asked: dict[str, Any] = {"stations": station, "parameters": parameter, "since": since, "until": until}
    with _usage():
        found = read(settings, **asked, flags=flags, freq=freq, min_share=min_share).to_arrow()
    _write(found, form, output)
    _name_missing(station, found)
    return 0


def latest_command(
    settings: Settings,
    station: Chosen = None,
    parameter: Named = None,
    flags: Flagged = "good",
    form: Format = "csv",
    output: Output = None,
) -> int:
    """Print the newest observation of each station.

    Examples:

      forecast latest --format table --parameter air_temperature

      forecast latest --station ILAMAD25 --format json
    """
    from forecast.reader import latest

    with _usage():
        found = latest(settings, stations=station, parameters=parameter, flags=flags).to_arrow()
    _write(found, form, output)
    _name_missing(station, found)
    return 0


def stations_command(settings: Settings, form: Format = "csv", output: Output = None) -> int:
    """Print the stations.

    For each station: its position, what it measures, and its first and newest observation.

    Example:

      forecast stations --format json
    """
    from forecast.reader.api import stations_of

    _write(stations_of(settings), form, output)
    return 0


def parameters_command(settings: Settings, form: Format = "csv", output: Output = None) -> int:  # noqa: ARG001
    """Print the parameters: name, unit and meaning of each.

    Example:

      forecast parameters --format table
    """
    from forecast.zone.tables import parameters_table

    _write(parameters_table(), form, output)
    return 0


@contextmanager
def _usage() -> Iterator[None]:
    """Report invalid requests as usage errors."""
    from forecast.reader.request import RequestError

    try:
        yield
    except RequestError as error:
        raise SettingError(str(error)) from None


def _write(table: pa.Table, form: str, output: Path | None) -> None:
    from forecast.report.tabular import encode

    if output is None:
        if form == "parquet" and sys.stdout is not None and sys.stdout.isatty():
            raise SettingError("Parquet is not for a terminal; name a file with --output, or choose another --format")
        print_bytes(encode(table, form))
        return
    try:
        output.write_bytes(encode(table, form))
    except OSError as error:
        raise SettingError(f"{output} could not be written: {error.strerror}") from None


def _name_missing(asked: Sequence[str] | None, found: pa.Table) -> None:
    """Name the requested stations without any data on stderr."""
    there = set(found["station_id"].to_pylist())
    if lost := [name for name in dict.fromkeys(asked or ()) if name not in there]:
        say(f"no observation was found for {escaped(listed(lost))}")
