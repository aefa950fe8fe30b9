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


def test_a_run_tells_rows_seconds_and_the_age_of_the_raw_zone_and_each_network_its_stations() -> None:
    assert told(lines_of_a_run()) == {
        "run": {"RowsRead": 42, "RunSeconds": 180.0, "RawZoneAgeSeconds": 9 * 3600, "StationsNewlySilent": 1},
        "InfoClimat": {"NewestObservationAgeSeconds": 288, "StationsSilent": 1, "Completeness": 0.875},
        "None": {"StationsSilent": 0},
        "Weather Underground": {"NewestObservationAgeSeconds": 50 * 3600, "StationsSilent": 1},
    }


def test_where_no_age_is_set_nobody_is_counted_as_silent() -> None:
    lines = told(lines_of_a_run(max_age_hours=None))
    assert [name for name, metrics in lines.items() if "StationsSilent" in metrics] == []
    assert lines["Weather Underground"] == {"NewestObservationAgeSeconds": 50 * 3600}


def test_a_dry_run_tells_nothing() -> None:
    assert lines_of_a_run(dry_run=True) == []


def test_an_ingest_tells_of_each_source_what_is_left_of_its_quota_and_what_is_missing() -> None:
    assert told(lines_of_an_ingest()) == {
        "infoclimat": {"QuotaLeftPercent": 0, "IngestRowsWritten": 7, "IngestDaysMissing": 1},
        "wunderground": {"QuotaLeftPercent": 80, "IngestRowsWritten": 7, "IngestDaysMissing": 2},
    }


def test_a_report_of_objectives_tells_whether_they_were_missed_and_how_much_of_each_budget_is_used() -> None:
    spent = ErrorBudget("station_day.p95", 250.0, 500, 31, 0.05, 28, 1.24)
    assert told(list(slo_metrics(False, [spent]))) == {
        "run": {"SloMissed": 1},
        "station_day.p95": {"ErrorBudgetUsedPercent": 124.0},
    }
    assert told(list(slo_metrics(True, []))) == {"run": {"SloMissed": 0}}
    assert told(list(slo_metrics(None, []))) == {"run": {}}
