"""The metrics of a run and of an ingest, from their reports."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from forecast.core.clock import seconds_between
from forecast.core.metrics import Metric, MetricLine
from forecast.core.presence import SILENT
from forecast.core.stations import Stations

if TYPE_CHECKING:  # what makes these needs pandas, which ingest does without
    from forecast.report.models.ingest import IngestReport
    from forecast.report.models.quality import QualityReport, StationQuality
    from forecast.report.models.slo import ErrorBudget
    from forecast.report.models.status import PipelineStatus, StationState

_SECONDS_AN_HOUR: Final = 3600


def run_metrics(status: PipelineStatus, quality: QualityReport, stations: Stations) -> Iterator[MetricLine]:
    """A line for the run, and one for each network of the registry; nothing of a dry run."""
    if status.dry_run or status.finished_at is None:
        return
    counts, facts, ended = status.counts, {"run_id": status.run_id}, status.finished_at
    yield MetricLine(
        {
            "RowsRead": Metric(counts.rows_read, "Count"),
            "RunSeconds": Metric(seconds_between(status.started_at, ended), "Seconds"),
            "RawZoneAgeSeconds": Metric(_age(status.newest_raw_object, ended), "Seconds"),
            "StationsNewlySilent": Metric(counts.stations_newly_silent, "Count"),
        },
        facts=facts,
    )
    warned = counts.stations_silent is not None
    for network, ids in sorted(_by_network(status, stations).items()):
        seen = [status.stations[name] for name in ids]
        rows = [quality.by_station[name] for name in ids if name in quality.by_station]
        metrics = {
            "NewestObservationAgeSeconds": Metric(_newest(seen), "Seconds"),
            "StationsSilent": Metric(_silent(seen) if warned else None, "Count"),
            "Completeness": Metric(_completeness(rows), "None"),
        }
        yield MetricLine(metrics, ("network", network), facts)


def ingest_metrics(report: IngestReport) -> Iterator[MetricLine]:
    """A line for each source: what is left of its quota, what it has given, and what it has not."""
    for name, source in report.sources.items():
        quota = source.quota
        left = 100 * quota.left / quota.per_day if quota.per_day else None
        missing = sum(len(station.days_missing) for station in source.stations.values())
        metrics = {
            "QuotaLeftPercent": Metric(left, "Percent"),
            "IngestRowsWritten": Metric(source.counts.rows_written, "Count"),
            "IngestDaysMissing": Metric(missing, "Count"),
        }
        yield MetricLine(metrics, ("source", name), {"run_id": report.run_id})


def budget_metrics(budgets: Iterable[ErrorBudget]) -> Iterator[MetricLine]:
    """A line for each error budget: how much of it is used."""
    for budget in budgets:
        used = None if budget.used is None else 100 * budget.used
        yield MetricLine({"ErrorBudgetUsedPercent": Metric(used, "Percent")}, ("objective", budget.objective))


def slo_metrics(met: bool | None, budgets: Iterable[ErrorBudget]) -> Iterator[MetricLine]:
    """Whether the objectives of a report were missed, if known, and a line for each error budget."""
    yield MetricLine({"SloMissed": Metric(None if met is None else int(not met), "Count")})
    yield from budget_metrics(budgets)


def _by_network(status: PipelineStatus, stations: Stations) -> dict[str, list[str]]:
    """The stations whose state is known, by network; those that only the database has belong to none."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for name in status.stations:
        if (station := stations.get(name)) is not None:
            found[station.network].append(name)
    return found


def _age(moment: str | None, now: str) -> float | None:
    """The age; 0 if the store's clock is ahead of this machine's."""
    return None if moment is None else max(0.0, seconds_between(moment, now))


def _newest(seen: list[StationState]) -> int | None:
    ages = [one.age_hours for one in seen if one.age_hours is not None]
    return round(min(ages) * _SECONDS_AN_HOUR) if ages else None


def _silent(seen: list[StationState]) -> int:
    return sum(one.state in SILENT for one in seen)


def _completeness(rows: list[StationQuality]) -> float | None:
    """The mean over the records of a network; None if the run had none."""
    number = sum(row.observations for row in rows)
    return sum(row.completeness_score * row.observations for row in rows) / number if number else None
