"""What the metrics of a run and of an ingest say, from their reports."""

from __future__ import annotations

from collections.abc import Iterable

from forecast.core.metrics import MetricLine
from forecast.report.metrics import slo_metrics
from forecast.report.models.slo import ErrorBudget
from tests.report.metric_lines import lines_of_a_run, lines_of_an_ingest


def told(lines: Iterable[MetricLine]) -> dict[str, dict[str, float]]:
    """What is known, by network or source."""
    return {
        line.dimension[1] if line.dimension else "run": {
            name: metric.value for name, metric in line.metrics.items() if metric.value is not None
        }
        for line in lines
    }


def test_a_run_has_metrics_of_rows_seconds_and_raw_zone_age_and_each_network_of_its_stations() -> None:
    assert told(lines_of_a_run()) == {
        "run": {"RowsRead": 42, "RunSeconds": 180.0, "RawZoneAgeSeconds": 9 * 3600, "StationsNewlySilent": 1},
        "InfoClimat": {"NewestObservationAgeSeconds": 288, "StationsSilent": 1, "Completeness": 0.875},
        "None": {"StationsSilent": 0},
        "Weather Underground": {"NewestObservationAgeSeconds": 50 * 3600, "StationsSilent": 1},
    }


def test_without_a_maximum_age_no_station_is_counted_as_silent() -> None:
    lines = told(lines_of_a_run(max_age_hours=None))
    assert [name for name, metrics in lines.items() if "StationsSilent" in metrics] == []
    assert lines["Weather Underground"] == {"NewestObservationAgeSeconds": 50 * 3600}


def test_a_dry_run_writes_no_metrics() -> None:
    assert lines_of_a_run(dry_run=True) == []


def test_ingest_has_metrics_of_each_sources_remaining_quota_and_missing_days() -> None:
    assert told(lines_of_an_ingest()) == {
        "infoclimat": {"QuotaLeftPercent": 0, "IngestRowsWritten": 7, "IngestDaysMissing": 1},
        "wunderground": {"QuotaLeftPercent": 80, "IngestRowsWritten": 7, "IngestDaysMissing": 2},
    }


def test_a_latency_report_has_metrics_of_missed_objectives_and_used_budgets() -> None:
    spent = ErrorBudget("station_day.p95", 250.0, 500, 31, 0.05, 28, 1.24)
    assert told(list(slo_metrics(False, [spent]))) == {
        "run": {"SloMissed": 1},
        "station_day.p95": {"ErrorBudgetUsedPercent": 124.0},
    }
    assert told(list(slo_metrics(True, []))) == {"run": {"SloMissed": 0}}
    assert told(list(slo_metrics(None, []))) == {"run": {}}
