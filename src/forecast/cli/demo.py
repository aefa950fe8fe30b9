"""`pipeline --demo`: synthetic raw data, and settings that touch nothing real."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from forecast.core.settings import Settings
from forecast_demo import write_demo

DEMO_FOLDER = Path(".local") / "demo"
DEMO_DATABASE = "forecast_demo"


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


def what_next() -> str:
    """Where the demo's results are, and what to type next on this machine."""
    poetry = "poetry" if shutil.which("poetry") else ".local/tools/bin/poetry"
    return f"""
The demo's raw data is in {DEMO_FOLDER}/raw, its records (Parquet) are in {DEMO_FOLDER}/processed,
and its documents in the database {DEMO_DATABASE} of the embedded MongoDB.
What to type next:
  {poetry} run latency-report --station-id ILAMAD25 --date 2024-10-05 --mongodb-database {DEMO_DATABASE}
  {poetry} run forecast quality --since 2024-10-01 --until 2024-10-07 --mongodb-database {DEMO_DATABASE}
  {poetry} run forecast crud-check --mongodb-database {DEMO_DATABASE}
  {poetry} run pipeline --demo --reprocess        (loads everything again, and changes nothing)
  {poetry} run pipeline --help"""
