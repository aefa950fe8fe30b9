"""The metrics of a made-up run and a made-up ingest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

from forecast.core.counts import ObjectCounts, QualityTally, StationTally
from forecast.core.metrics import MetricLine
from forecast.core.presence import Presence
from forecast.mongo.conflicts import Conflicts
from forecast.report.findings import Findings
from forecast.report.metrics import ingest_metrics, run_metrics
from forecast.report.models.ingest import IngestReport
from forecast.report.quality import quality_report
from forecast.report.silence import stations_seen
from forecast.report.status import RunInfo, RunProgress, status_report
from tests.networks import network, station

BEGAN = datetime(2026, 11, 23, 5, 15, tzinfo=UTC)
ENDED = BEGAN + timedelta(minutes=3)
STATIONS = network(
    station("A"), station("B", 10), station("C", 20, network="Weather Underground"), station("D", 30, network="None")
)
ROWS = [ObjectCounts("a", "s3://b/a", "loaded", rows_read=40), ObjectCounts("b", "s3://b/b", "loaded", rows_read=2)]


def ago(**age: float) -> int:
    return round((ENDED - timedelta(**age)).timestamp() * 1000)


def lines_of_a_run(*, max_age_hours: float | None = 36, dry_run: bool = False) -> list[MetricLine]:
    """Of the run and of each network: A is fresh, B and D were never heard, C is silent."""
    presence = Presence({}, {"A": ago(minutes=5), "C": ago(hours=50)}, {}, max_age_hours=max_age_hours)
    seen = stations_seen(presence, STATIONS, ENDED)
    progress = RunProgress(seen=seen, newest_raw_object=ENDED - timedelta(hours=9))
    progress.stations_silent = None if max_age_hours is None else 3
    progress.stations_newly_silent = None if max_age_hours is None else 1
    tally = QualityTally()
    tally.stations["A"] = StationTally(3, completeness_sum=3.0)
    tally.stations["B"] = StationTally(1, completeness_sum=0.5)
    run = RunInfo("r1", BEGAN, "2.0.0", {}, dry_run=dry_run)
    status = status_report(run, progress, ROWS, status="success", exit_code=0, finished_at=ENDED)
    quality = quality_report("r1", tally, ROWS, STATIONS, ENDED, Findings(), Conflicts(), presence)
    return list(run_metrics(status, quality, STATIONS))


def lines_of_an_ingest() -> list[MetricLine]:
    """Of a source whose quota is used up, and of one that lacks two days."""

    def source(left: int, missing: list[str]) -> Any:
        stations = {"A": SimpleNamespace(days_missing=missing), "B": SimpleNamespace(days_missing=["2026-11-22"])}
        return SimpleNamespace(
            quota=SimpleNamespace(per_day=1500, left=left), counts=SimpleNamespace(rows_written=7), stations=stations
        )

    report = SimpleNamespace(run_id="r1", sources={"infoclimat": source(0, []), "wunderground": source(1200, ["x"])})
    return list(ingest_metrics(cast("IngestReport", report)))
