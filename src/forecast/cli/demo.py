"""`pipeline --demo`: synthetic raw data, and settings that touch nothing real."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from forecast.core.settings import NETWORK_SETTINGS, Settings
from forecast.core.stations import Stations
from forecast.ingest.request import Request, Surroundings
from forecast.ingest.run import IngestResult
from forecast.ingest.sources import FETCHES, FILE_FETCHES
from forecast.networks.registry import NETWORKS
from forecast.report.models.ingest import IngestReport
from forecast.run.ingest import ingest_and_report
from forecast_demo import write_demo
from forecast_demo.apis import GOOD_KEY, FakeApis, World, serve

DEMO_FOLDER = Path(".local") / "demo"
DEMO_DATABASE = "forecast_demo"
# The files of the demonstration are from the week before.
FIRST_DAY, LAST_DAY = date(2024, 10, 8), date(2024, 10, 10)
# Some networks only provide the last hours.
_NOW = datetime(2024, 10, 10, 23, 59, tzinfo=UTC)
_ANY_PACE = 60_000  # calls a minute


@dataclass(slots=True)
class _DemoClock:
    """The evening of the last day; waiting moves the time forward at once."""

    time: float = _NOW.timestamp()

    def now(self) -> float:
        return self.time

    def wait(self, seconds: float) -> None:
        self.time += max(0.0, seconds)


def demo_settings(settings: Settings) -> Settings:
    """The demo touches no real data: it has its own folders, and its own database on the embedded MongoDB."""
    raw = DEMO_FOLDER / "raw"
    if not raw.is_dir():
        write_demo(raw)
    return replace(
        settings,
        raw_uri=str(raw),
        processed_uri=str(DEMO_FOLDER / "processed"),
        mongodb_uri=None,
        mongodb_database=DEMO_DATABASE,
    )


def demo_ingest(settings: Settings, request: Request, stations: Stations) -> tuple[IngestResult, IngestReport]:
    """Read the days after the demonstration week from simulated APIs on loopback, without the networks' rate limits.

    One source of each network is read.
    """
    clock = _DemoClock()
    with serve(FakeApis(World(stations), clock.now, per_minute=_ANY_PACE)) as url:
        of_demo = replace(
            settings,
            ingest_state_uri=str(DEMO_FOLDER / "ingest"),
        ).with_networks(**{setting.name: GOOD_KEY if setting.secret else url for setting in NETWORK_SETTINGS})
        around = Surroundings(
            clock=clock,
            fetches={name: replace(fetch, per_minute=_ANY_PACE) for name, fetch in FETCHES.items()},
            files={name: replace(files, per_minute=_ANY_PACE) for name, files in FILE_FETCHES.items()},
        )
        registered = {station.network for station in stations}
        sources = tuple(network.sources[0].source for network in NETWORKS if network.name in registered)
        wanted = replace(request, sources=sources, since=FIRST_DAY, until=LAST_DAY)
        return ingest_and_report(of_demo, wanted, stations, around)


def next_steps(*, ingested: bool) -> str:
    """Where the demo's results are, and what to type next on this machine."""
    last = LAST_DAY if ingested else FIRST_DAY - timedelta(days=1)
    poetry = "poetry" if shutil.which("poetry") else ".local/tools/bin/poetry"
    return f"""
The demo's raw data is in {DEMO_FOLDER}/raw, its records (Parquet) are in {DEMO_FOLDER}/processed,
and its documents in the database {DEMO_DATABASE} of the embedded MongoDB.
Commands to try next:
  {poetry} run latency-report --station-id ILAMAD25 --date 2024-10-05 --mongodb-database {DEMO_DATABASE}
  {poetry} run forecast quality --since 2024-10-01 --until {last} --mongodb-database {DEMO_DATABASE}
  {poetry} run forecast crud-check --mongodb-database {DEMO_DATABASE}
  {poetry} run pipeline --demo --reprocess        (loads everything again, and changes nothing)
  {poetry} run pipeline --help"""
