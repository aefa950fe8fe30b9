"""A run of ingest on the fake networks, in this process, on a clock that only moves when the run waits."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from forecast.core.registry import load_stations
from forecast.core.settings import NETWORK_SETTINGS, Settings
from forecast.core.stations import Station, Stations
from forecast.ingest.request import Request, Surroundings
from forecast.ingest.run import IngestResult, run_ingest
from forecast.ingest.transport import NO_HEADERS, NoResponseError, Response
from forecast.networks.fetch import Fetch
from forecast_demo.apis import FakeApis, World
from forecast_demo.networks import infoclimat, metar, wunderground
from tests.networks import network
from tests.networks import station as made_station

KEY: Final = "k3y/with+odd=letters"
NOW: Final = datetime(2026, 11, 28, 16, 2, tzinfo=UTC)
PWS: Final = ("ITESTA19", "ITESTB25")


def at(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> float:
    """A UTC time as seconds since 1970."""
    return datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp()


@dataclass(slots=True)
class FakeClock:
    """Time that passes when somebody waits."""

    time: float

    def now(self) -> float:
        return self.time

    def wait(self, seconds: float) -> None:
        self.time += max(0.0, seconds)


@dataclass(slots=True)
class InProcess:
    """The fake APIs without a socket. `before` is called at each call, with its number."""

    apis: FakeApis
    before: Callable[[int], None] = lambda _: None

    def get(self, url: str, headers: Mapping[str, str] = NO_HEADERS) -> Response:
        address = "/" + url.split("/", 3)[3]
        self.before(len(self.apis.calls) + 1)
        answer = self.apis.answer(address, headers)
        if answer.breaks_off:
            raise NoResponseError("the connection was lost")
        return Response(answer.status, answer.body, {name.lower(): value for name, value in answer.headers.items()})

    def download(self, url: str, path: Path, headers: Mapping[str, str] = NO_HEADERS) -> Response:
        answer = self.get(url, headers)
        path.write_bytes(answer.body)
        return answer


@dataclass(slots=True)
class Ingest:
    """The fake networks, a raw zone, and runs over them."""

    folder: Path
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOW.timestamp()))
    stations: Stations = field(default_factory=load_stations)
    more: dict[str, Any] = field(default_factory=dict)
    of_networks: dict[str, str | None] = field(default_factory=dict)
    world: World = field(init=False)
    apis: FakeApis = field(init=False)
    around: Surroundings = field(init=False)

    def __post_init__(self) -> None:
        self.world = World(self.stations)
        self.apis = FakeApis(self.world, lambda: self.clock.time, frozenset({KEY}))
        self.around = Surroundings(clock=self.clock, transport=lambda _: InProcess(self.apis))

    @property
    def raw(self) -> Path:
        return self.folder / "raw"

    @property
    def settings(self) -> Settings:
        keys = {setting.name: KEY for setting in NETWORK_SETTINGS if setting.secret}
        plain = Settings(raw_uri=str(self.raw), logs_dir=self.folder / "logs")
        return replace(plain.with_networks(**(keys | self.of_networks)), **self.more)

    def run(self, *sources: str, **wanted: Any) -> IngestResult:
        """One run; sources are all where none is named."""
        if isinstance(wanted.get("since"), str):
            wanted["since"] = date.fromisoformat(wanted["since"])
        if isinstance(wanted.get("until"), str):
            wanted["until"] = date.fromisoformat(wanted["until"])
        return run_ingest(self.settings, Request(sources, **wanted), self.stations, self.around)

    def objects(self) -> list[Path]:
        """The objects of the raw zone, in the order of their keys."""
        return sorted(path for path in self.raw.rglob("*") if path.is_file())

    def envelopes(self) -> Iterator[dict[str, Any]]:
        for path in self.objects():
            for line in gzip.decompress(path.read_bytes()).decode().splitlines():
                yield msgspec.json.decode(line)

    def records(self) -> list[tuple[str, str]]:
        """Station and time of every record that was written."""
        return [identity(envelope["_airbyte_data"]) for envelope in self.envelopes()]

    def newest(self) -> dict[tuple[str, str], dict[str, Any]]:
        """What the raw zone says of each observation: the record that was extracted last."""
        return {
            identity(envelope["_airbyte_data"]): envelope["_airbyte_data"]
            for envelope in sorted(self.envelopes(), key=lambda one: one["_airbyte_extracted_at"])
        }

    def expected(self, station_id: str, first: date, last: date) -> dict[tuple[str, str], dict[str, Any]]:
        """What the network tells of these days by now."""
        station = known(self.stations, station_id)
        if station.network == "InfoClimat":
            rows: list[Any] = infoclimat.days(self.world, station, first, last, self.clock.time)
        elif station.network == "METAR":
            start, end = (datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() for day in (first, last))
            rows = metar.reports_between(self.world, station, start, end + 86_399, self.clock.time)
        else:
            days = [date.fromordinal(day) for day in range(first.toordinal(), last.toordinal() + 1)]
            rows = [row for day in days for row in wunderground.day_rows(self.world, station, day, self.clock.time)]
        return {identity(row): row for row in json.loads(json.dumps(rows))}


def known(stations: Stations, station_id: str) -> Station:
    station = stations.get(station_id)
    assert station is not None
    return station


def aerodromes(*names: str, minutes: float = 30) -> Stations:
    """A registry of stations of METAR alone."""
    plain = replace(made_station("metar-0"), network="METAR", interval_minutes=minutes)
    return network(*(replace(plain, id=f"metar-{name}", network_id=name) for name in names))


def identity(record: dict[str, Any]) -> tuple[str, str]:
    if "stationID" in record:
        return record["stationID"], str(record["epoch"])
    if "icaoId" in record:
        return record["icaoId"], str(record["obsTime"])
    return record["id_station"], record["dh_utc"]


def fast(fetches: dict[str, Fetch], **more: Any) -> dict[str, Fetch]:
    """The same, with another pace."""
    return {name: replace(fetch, **more) for name, fetch in fetches.items()}
