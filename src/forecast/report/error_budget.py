"""How much of the error budgets is used: the number of misses of each objective, out of those allowed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from forecast.core.slo import QuerySlo, QuerySlos, Slos
from forecast.report.models.latency import QueryLatencyReport
from forecast.report.models.load_test import LoadTestReport, QueryResult
from forecast.report.models.slo import ErrorBudget

if TYPE_CHECKING:  # headline shows what is computed here
    from forecast.report.headline import RunState

_DONE: Final = frozenset({"success", "partial"})
# The share that may be slower than a percentile's limit, by definition.
_OVER_P95: Final = 0.05
_OVER_P99: Final = 0.01
# The query that the latency report times.
_TIMED: Final = "station_day"


@dataclass(frozen=True, slots=True)
class Evidence:
    """The data for budgets: runs, missed runs, and reports of queries, from any time."""

    runs: Sequence[RunState] = ()
    missed_runs: Sequence[datetime] = ()
    latency: Sequence[QueryLatencyReport] = ()
    load: Sequence[LoadTestReport] = ()


def error_budgets(slos: Slos, evidence: Evidence, now: datetime) -> tuple[ErrorBudget, ...]:
    """The budget of every objective over the last `window_days` days, in the order of slo.toml."""
    since = now - timedelta(days=slos.window_days)
    recent = Evidence(
        [run for run in evidence.runs if since <= run.started_at <= now],
        [moment for moment in evidence.missed_runs if since <= moment <= now],
        [report for report in evidence.latency if since <= datetime.fromisoformat(report.generated_at) <= now],
        [report for report in evidence.load if since <= datetime.fromisoformat(report.generated_at) <= now],
    )
    return tuple(_budgets(slos, recent))


def measured(budgets: Iterable[ErrorBudget]) -> tuple[ErrorBudget, ...]:
    """The budgets with enough measurements to know how much is used."""
    return tuple(budget for budget in budgets if budget.used is not None)


def _budgets(slos: Slos, recent: Evidence) -> Iterator[ErrorBudget]:
    ended = [run for run in recent.runs if run.status != "running" and not run.turned_away]
    failed = sum(run.status not in _DONE for run in ended) + len(recent.missed_runs)
    yield _budget(slos, "runs", None, len(ended) + len(recent.missed_runs), failed, 1 - slos.runs.share)
    ages = [run.newest_age_hours for run in ended if run.newest_age_hours is not None]
    limit = slos.freshness.max_age_hours
    yield _budget(slos, "freshness", limit, len(ages), sum(age > limit for age in ages), 1 - slos.freshness.share)
    for name in QuerySlos.__struct_fields__:
        yield from _of_query(slos, name, recent)


def _of_query(slos: Slos, name: str, recent: Evidence) -> Iterator[ErrorBudget]:
    """Queries that found nothing are not counted for latency; those without an answer count for availability."""
    slo: QuerySlo = getattr(slos.queries, name)
    results = [phase.queries[name] for report in recent.load for phase in report.phases if name in phase.queries]
    held = [result for result in results if result.slo is not None]
    timed = [result for result in held if result.rows]
    reports = [report for report in recent.latency if report.rows_returned] if name == _TIMED else []
    total = sum(result.answered for result in timed) + sum(report.iterations for report in reports)
    over_p95, over_p99 = (
        sum(getattr(result.slo, key) for result in timed) + sum(getattr(report.slo, key) for report in reports)
        for key in ("over_p95_ms", "over_p99_ms")
    )
    yield _budget(slos, f"{name}.p95", slo.p95_ms, total, over_p95, _OVER_P95)
    yield _budget(slos, f"{name}.p99", slo.p99_ms, total, over_p99, _OVER_P99)
    sent = sum(result.requests for result in held)
    yield _budget(slos, f"{name}.availability", None, sent, sent - _answered(held), 1 - slo.availability)


def _answered(results: Sequence[QueryResult]) -> int:
    return sum(result.answered for result in results)


def _budget(slos: Slos, objective: str, limit: float | None, total: int, missed: int, allowed: float) -> ErrorBudget:
    may_miss = round(total * allowed, 6)
    used = round(missed / may_miss, 6) if may_miss >= 1 else None
    return ErrorBudget(objective, limit, total, missed, round(allowed, 6), slos.window_days, used)
