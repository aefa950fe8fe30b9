"""`forecast stations sync`: entries for the station registry."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forecast.cli.output import print_bytes, say
from forecast.core.errors import RetryableError, SettingError
from forecast.core.settings import Settings
from forecast.core.text import counted, escaped

if TYPE_CHECKING:
    from forecast.networks.station_source import StationSource

_NEAR = "LATITUDE,LONGITUDE,KM"


def sync_stations_command(
    settings: Settings,
    network: Annotated[str, typer.Argument(help="The network's name, as in docs/networks.md.")],
    file: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="A file with the network's list. Default: fetch it.")
    ] = None,
    near: Annotated[str | None, typer.Option(metavar=_NEAR, help="Only stations within a distance of a place.")] = None,
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Write to this file. Default: stdout.")] = None,
) -> int:
    """Propose registry entries from a network's own list.

    Nothing is changed: the output is a file for STATIONS_URI. Stations without a position, elevation or name are
    left out and counted. Stations of other networks within a kilometre are given as the same site.

    Examples:

      forecast stations sync NETWORK --near 50.63,3.06,100 --output stations/more.json

      forecast stations sync NETWORK --from list.csv.gz
    """
    from forecast.run.station_sync import Place, propose, source_of
    from forecast.run.stations import configured_stations

    found, source = source_of(network)
    place = None if near is None else Place(*_numbers(near))
    proposal = propose(found, source, _content(source, file), configured_stations(settings), place)
    left_out = ", ".join(f"{number} {reason}" for reason, number in sorted(proposal.left_out.items()))
    say(
        f"{counted(len(proposal.stations), 'station')} of {found.name}"
        + (f"; left out: {left_out}" if left_out else "")
    )
    if output is None:
        print_bytes(proposal.document.encode())
        return 0
    try:
        output.write_text(proposal.document, "utf-8")
    except OSError as error:
        raise SettingError(f"{output} could not be written: {error.strerror}") from None
    return 0


def _numbers(text: str) -> tuple[float, float, float]:
    try:
        latitude, longitude, km = (float(part) for part in text.split(","))
    except ValueError:
        raise SettingError(f"--near is {escaped(text)!r}; expected {_NEAR}, such as 50.63,3.06,100") from None
    return latitude, longitude, km


def _content(source: StationSource, file: Path | None) -> bytes:
    if file is not None:
        try:
            return file.read_bytes()
        except OSError as error:
            raise SettingError(f"{escaped(str(file))} could not be read: {error.strerror}") from None
    if source.url is None:
        raise SettingError(f"this list needs a key; save it and name the file with --from. It is {source.described}")
    from forecast.ingest.transport import HttpTransport, NoResponseError

    try:
        response = HttpTransport().get(source.url)
    except NoResponseError as error:
        raise RetryableError(f"the list of stations could not be fetched: {error}") from None
    if response.status != 200:  # noqa: PLR2004
        raise RetryableError(f"the list of stations could not be fetched: {source.url} answered {response.status}")
    return response.body
