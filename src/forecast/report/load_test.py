"""load_test_report_<time>.json: query times under concurrent load."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from msgspec.structs import asdict
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from forecast.core.clock import iso_time
from forecast.core.format_version import FORMAT_VERSION
from forecast.core.slo import QuerySlo, Slos
from forecast.core.text import counted, escaped
from forecast.mongo.probes.latency import Plan
from forecast.mongo.probes.load import Conditions, Timed
from forecast.mongo.probes.queries import QUERIES
from forecast.report.latency_slo import METHOD, held_to, percentiles
from forecast.report.models.load_test import (
    Background,
    Freshness,
    LoadSlo,
    LoadTestReport,
    Phase,
    QueryPlan,
    QueryResult,
)
from forecast.report.models.slo import LatencySlo

EXIT_DONE, EXIT_BACKGROUND_FAILED, EXIT_SLO_NOT_MET = 0, 1, 3
_SECONDS_AN_HOUR: Final = 3600
_MAX_LINES: Final = 10
_WIDEST: Final = max(map(len, QUERIES))


@dataclass(frozen=True, slots=True)
class MeasuredPhase:
    """A phase as it was measured; see `Phase`."""

    conditions: Conditions
    timed: Timed
    load_1m: float
    bytes_read_into_cache: int | None


@dataclass(frozen=True, slots=True)
class MeasuredLoad:
    """The measurements; `newest` is the newest observation, `until` the end of the queried period."""

    collection: str
    newest: datetime | None
    until: datetime | None
    phases: Sequence[MeasuredPhase]
    plans: Mapping[str, Plan]
    background: Background


def load_test_report(
    load: MeasuredLoad, slos: Slos, requests: int, cores: int, now: datetime, *, of_now: bool
) -> tuple[LoadTestReport, int]:
    """The report, and the exit code; freshness is only reported for a test `of_now`, not for one of the past.

    The exit code is 3 if an objective was missed or none could be evaluated, and 1 if the background runs failed.
    """
    phases = [_phase(one, slos) for one in load.phases]
    fresh = _freshness(load.newest, slos, now, of_now=of_now)
    report = LoadTestReport(
        format_version=FORMAT_VERSION,
        generated_at=iso_time(now),
        collection=load.collection,
        until=None if load.until is None else iso_time(load.until),
        requests=requests,
        slo_clients=slos.clients,
        cores=cores,
        slo=_together(phases, fresh, slos),
        freshness=fresh,
        plans={
            name: QueryPlan(plan.index, plan.documents_examined, plan.keys_examined)
            for name, plan in load.plans.items()
        },
        background=load.background,
        percentiles=METHOD,
        phases=phases,
    )
    if load.background.failed is not None:
        return report, EXIT_BACKGROUND_FAILED
    return report, EXIT_DONE if report.slo.met else EXIT_SLO_NOT_MET


def _phase(measured: MeasuredPhase, slos: Slos) -> Phase:
    timed, conditions = measured.timed, measured.conditions
    held = conditions.clients <= slos.clients
    queries = {name: _query(name, timed, getattr(slos.queries, name) if held else None) for name in QUERIES}
    return Phase(
        clients=conditions.clients,
        loop=conditions.loop,
        cache=conditions.cache,
        rate=None if conditions.rate is None else round(conditions.rate, 3),
        throughput=round(timed.answered / timed.seconds, 3),
        seconds=round(timed.seconds, 3),
        queries=queries,
        host_cpu=None if timed.host_cpu is None else round(timed.host_cpu, 3),
        clients_cores=round(timed.cpu_seconds / timed.seconds, 3),
        load_1m=round(measured.load_1m, 2),
        bytes_read_into_cache=measured.bytes_read_into_cache,
    )


def _query(name: str, timed: Timed, slo: QuerySlo | None) -> QueryResult:
    times, errors, rows = timed.times_ms.get(name, []), timed.errors.get(name, {}), timed.rows.get(name, 0)
    sent = len(times) + sum(errors.values())
    return QueryResult(
        requests=sent,
        answered=len(times),
        errors=errors,
        rows=rows,
        latency_ms=percentiles(times) if times else None,
        availability=len(times) / sent if sent else None,
        slo=None if slo is None else held_to(slo, times, found=rows > 0),
    )


def _freshness(newest: datetime | None, slos: Slos, now: datetime, *, of_now: bool) -> Freshness:
    limit = slos.freshness.max_age_hours
    if newest is None:
        return Freshness(None, None, limit, None)
    age = max(0.0, (now - newest).total_seconds() / _SECONDS_AN_HOUR)
    return Freshness(iso_time(newest), round(age, 2), limit, age <= limit if of_now else None)


def _together(phases: Sequence[Phase], fresh: Freshness, slos: Slos) -> LoadSlo:
    missed, unknown, met = list(_missed(phases, fresh, slos)), [], fresh.met is not None
    for phase in phases:
        for name, one in phase.queries.items():
            if one.slo is not None and one.slo.met is None and one.answered:
                unknown.append(name)
            met = met or (one.slo is not None and one.slo.met is not None)
    return LoadSlo(False if missed else True if met else None, missed, list(dict.fromkeys(unknown)))


def _missed(phases: Sequence[Phase], fresh: Freshness, slos: Slos) -> Iterator[str]:
    if fresh.met is False:
        yield (
            f"freshness: the newest observation is {fresh.age_hours:g} hours old ({fresh.newest_observation}), "
            f"at most {fresh.max_age_hours:g}"
        )
    for phase in phases:
        where = _where(phase)
        for name, one in phase.queries.items():
            if one.slo is not None:
                yield from (f"{name} ({where}): {words}" for words in _missed_by(one, one.slo, slos, name))


def _missed_by(one: QueryResult, slo: LatencySlo, slos: Slos, name: str) -> Iterator[str]:
    least = getattr(slos.queries, name).availability
    if one.availability is not None and one.availability < least:
        yield f"{one.answered} of {one.requests} answered, at least {least:.3%}"
    if slo.met is False and one.latency_ms is not None:
        for label, found, limit in (
            ("p95", one.latency_ms.p95, slo.p95_ms),
            ("p99", one.latency_ms.p99, slo.p99_ms),
        ):
            if found > limit:
                yield f"{label} {found:.1f} ms, at most {limit:g} ms"


def render_load_test(report: LoadTestReport) -> Group:
    """Show the report to a person, readable without colour."""
    held = any(one.slo is not None for phase in report.phases for one in phase.queries.values())
    unknown = "nothing was found" if held or not report.phases else f"they hold for up to {report.slo_clients} clients"
    met = {True: "met", False: "MISSED", None: f"not known, {unknown}"}[report.slo.met]
    until = "" if report.until is None else f", observations up to {report.until}"
    parts: list[RenderableType] = [Text(f"{report.collection}{until}\nObjectives: {met}")]
    missed = report.slo.missed
    parts += [Text(f"  {escaped(line)}") for line in missed[:_MAX_LINES]]
    if len(missed) > _MAX_LINES:
        parts.append(Text(f"  and {len(missed) - _MAX_LINES} more; the report has all"))
    if report.slo.unknown:
        parts.append(Text(f"  found nothing, so the result is unknown: {', '.join(report.slo.unknown)}"))
    for phase in report.phases:
        parts += [Text(f"\n{_phase_words(phase)}"), Padding(_times(phase), (0, 0, 0, 2))]
    if report.plans:
        parts += [Text("\nHow MongoDB answers them"), Padding(_plans(report), (0, 0, 0, 2))]
    if report.error_budgets:
        parts += [
            Text(f"\nError budgets of {report.error_budgets[0].days} days"),
            Padding(_budgets(report), (0, 0, 0, 2)),
        ]
    parts.append(Text("\n" + _background_words(report.background)))
    return Group(*parts)


def _phase_words(phase: Phase) -> str:
    busy = "" if phase.host_cpu is None else f", {phase.host_cpu:.0%} of this machine busy"
    return f"{_where(phase)}: {phase.throughput:.1f} answers per second{busy}; times in ms"


def _times(phase: Phase) -> Table:
    table = _table("query", "answers", "errors", "p50", "p95", "p99", "objectives", numbers=range(1, 6))
    for name, one in phase.queries.items():
        known = None if one.latency_ms is None else asdict(one.latency_ms)
        shown = ["-" if known is None else f"{known[label]:.1f}" for label in ("p50", "p95", "p99")]
        table.add_row(f"{name:{_WIDEST}}", str(one.answered), str(one.requests - one.answered), *shown, _mark(one))
    return table


def _mark(one: QueryResult) -> str:
    if one.slo is None:
        return "-"
    return {True: "met", False: "MISSED", None: "nothing found"}[one.slo.met]


def _plans(report: LoadTestReport) -> Table:
    table = _table("query", "index", "documents", "keys", numbers=range(2, 4))
    for name, plan in report.plans.items():
        table.add_row(name, plan.index, str(plan.documents_examined), str(plan.keys_examined))
    return table


def _budgets(report: LoadTestReport) -> Table:
    table = _table("objective", "missed", "of", "may miss", "budget used", numbers=range(1, 5))
    for budget in sorted(report.error_budgets, key=lambda one: -(one.used or 0))[:_MAX_LINES]:
        shares = (f"{budget.allowed:.1%}", f"{budget.used or 0:.0%}")
        table.add_row(budget.objective, str(budget.missed), str(budget.total), *shares)
    return table


def _background_words(background: Background) -> str:
    if background.failed is not None:
        return f"The runs in the background failed, so this is no measurement under load: {escaped(background.failed)}"
    return f"In the background, {background.runs} runs finished; {background.documents:,} documents were loaded."


def _where(phase: Phase) -> str:
    clients = counted(phase.clients, "client")
    return f"{clients}, {phase.loop} loop, {phase.cache}"


def _table(*columns: str, numbers: range) -> Table:
    table = Table(box=None, pad_edge=False, header_style="")
    for place, name in enumerate(columns):
        table.add_column(name, justify="right" if place in numbers else "left", no_wrap=True)
    return table
