"""`pipeline --demo`: synthetic raw data, and settings that touch nothing real."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from forecast.core.settings import NETWORK_SETTINGS, Settings
from forecast.core.stations import Stations
from forecast.ingest.request import Request, Surroundings
from forecast.ingest.run import IngestResult
from forecast.ingest.sources import FETCHES
from forecast.report.models.ingest import IngestReport
from forecast.run.ingest import ingest_and_report
from forecast_demo import write_demo
from forecast_demo.apis import GOOD_KEY, FakeApis, World, serve

DEMO_FOLDER = Path(".local") / "demo"
DEMO_DATABASE = "forecast_demo"
# The files of the demonstration are of the week before.
FIRST_DAY, LAST_DAY = date(2024, 10, 8), date(2024, 10, 10)


def demo_settings(settings: Settings) -> Settings:
    """The demo writes beside no real data: folders of its own, and a database of its own on the embedded MongoDB."""
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
    """Read the days after the demonstration week from made-up APIs on loopback, without the networks' pace."""
    with serve(FakeApis(World(stations), time.time)) as url:
        of_demo = replace(
            settings,
            ingest_state_uri=str(DEMO_FOLDER / "ingest"),
        ).with_networks(**{setting.name: GOOD_KEY if setting.secret else url for setting in NETWORK_SETTINGS})
        around = Surroundings(fetches={name: replace(fetch, per_minute=60_000) for name, fetch in FETCHES.items()})
        return ingest_and_report(of_demo, replace(request, since=FIRST_DAY, until=LAST_DAY), stations, around)


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
