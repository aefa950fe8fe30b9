"""Error budgets: what missed each objective in the last days, out of what may."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.core.slo import QuerySlos, default_slos
from forecast.mongo.probes.latency import Measured, Plan
from forecast.mongo.probes.load import Timed
from forecast.report.error_budget import Evidence, error_budgets, measured
from forecast.report.headline import RunState, Situation, assess
from forecast.report.latency import report_of
from forecast.report.models.latency import QueryLatencyReport
from forecast.report.models.load_test import LoadTestReport
from forecast.report.models.slo import ErrorBudget
from forecast.report.situation_text import render_situation, situation_json
from tests.report.test_load_test import FAST, load, phase, reported, text_of_any, with_query

SLOS = default_slos()
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def run(days_ago: float, status: str = "success", age: float | None = 1.0, *, turned_away: bool = False) -> RunState:
    started = NOW - days_ago * DAY
    return RunState("r", status, started, turned_away=turned_away, newest_age_hours=age)


def latency(days_ago: float, times: list[float], rows: int = 288) -> QueryLatencyReport:
    moment = NOW - days_ago * DAY
    found = Measured("d.c", "ITESTB25", moment, moment + DAY, times, rows, Plan("station_time", rows, rows))
    return report_of(found, moment, SLOS.queries.station_day, moment)


def load_report(timed: Timed = FAST, clients: int = 8) -> LoadTestReport:
    return reported(load(phase(timed, clients)))[0]


def budget(objective: str, evidence: Evidence) -> ErrorBudget:
    (found,) = [one for one in error_budgets(SLOS, evidence, NOW) if one.objective == objective]
    return found


def test_every_objective_has_its_budget_in_the_order_of_the_file() -> None:
    found = [one.objective for one in error_budgets(SLOS, Evidence(), NOW)]
    queries = QuerySlos.__struct_fields__
    assert found[:2] == ["runs", "freshness"]
    assert found[2:] == [f"{query}.{measure}" for query in queries for measure in ("p95", "p99", "availability")]


def test_a_run_that_does_not_finish_or_start_misses_its_objective() -> None:
    runs = [*[run(day) for day in range(20)], run(20, "partial"), run(21, "failed"), run(22, "died")]
    ignored = [run(1, "running"), run(1, "failed", turned_away=True)]
    evidence = Evidence(runs=[*runs, *ignored], missed_runs=[NOW - 23 * DAY])
    assert budget("runs", evidence) == ErrorBudget("runs", None, 24, 3, 0.05, 28, 2.5)


def test_a_run_that_finds_only_old_observations_misses_freshness() -> None:
    runs = [*[run(day, age=30.0) for day in range(18)], run(18, age=30.5), run(19, "failed", age=31), run(20, age=None)]
    assert budget("freshness", Evidence(runs=runs)) == ErrorBudget("freshness", 30.0, 20, 2, 0.05, 28, 2.0)


def test_a_query_over_a_limit_misses_its_objective() -> None:
    slow = [10.0] * 90 + [300.0] * 8 + [900.0] * 2
    evidence = Evidence(latency=[latency(1, slow), latency(2, [10.0] * 100)], load=[load_report()])
    assert budget("station_day.p95", evidence) == ErrorBudget("station_day.p95", 250.0, 300, 10, 0.05, 28, 0.666667)
    assert budget("station_day.p99", evidence) == ErrorBudget("station_day.p99", 500.0, 300, 2, 0.01, 28, 0.666667)
    assert budget("latest.p95", evidence).total == 100


def test_a_query_without_an_answer_counts_against_availability_alone() -> None:
    timed = with_query("latest", [10.0] * 2997, errors={"lost": 3})
    evidence = Evidence(load=[load_report(timed)])
    found = budget("latest.availability", evidence)
    assert found == ErrorBudget("latest.availability", None, 3000, 3, 0.001, 28, 1.0)
    assert budget("latest.p95", evidence).total == 2997


def test_queries_that_found_nothing_or_have_no_objective_are_not_counted() -> None:
    nothing = load_report(with_query("latest", [900.0] * 100, rows=0))
    evidence = Evidence(latency=[latency(1, [900.0] * 100, rows=0)], load=[nothing, load_report(clients=9)])
    assert budget("latest.p95", evidence).total == 0
    assert budget("station_day.p95", evidence).total == 100


def test_misses_before_the_window_are_not_counted() -> None:
    evidence = Evidence(
        runs=[run(27.9), run(28.1)],
        missed_runs=[NOW - 27 * DAY, NOW - 29 * DAY],
        latency=[latency(27, [1.0]), latency(29, [1.0])],
    )
    assert (budget("runs", evidence).total, budget("station_day.p95", evidence).total) == (2, 1)


@pytest.mark.parametrize(("total", "used"), [(19, None), (20, 1.0)])
def test_a_budget_is_only_reported_if_the_first_miss_would_not_spend_it(total: int, used: float | None) -> None:
    runs = [*[run(1) for _ in range(total - 1)], run(1, "failed")]
    assert budget("runs", Evidence(runs=runs)).used == used


@given(st.lists(st.booleans(), min_size=20, max_size=200))
def test_a_budget_is_spent_if_more_events_missed_than_allowed(well: list[bool]) -> None:
    found = budget("runs", Evidence(runs=[run(1, "success" if one else "failed") for one in well]))
    assert found.used is not None
    assert (found.used > 1) == (20 * well.count(False) > len(well))


def situation(*budgets: ErrorBudget) -> Situation:
    return Situation(NOW, (run(0.1),), budgets=budgets)


SPENT = ErrorBudget("station_day.p95", 250.0, 500, 31, 0.05, 28, 1.24)
KEPT = ErrorBudget("freshness", 30.0, 28, 1, 0.05, 28, 0.714286)


def test_a_spent_budget_needs_attention() -> None:
    found = assess(situation(KEPT, SPENT))
    assert found.headline == (
        "The error budget of station_day.p95 is spent: 31 of 500 missed it in 28 days; the budget is 5.0%"
    )
    assert [(entry.severity, entry.kind) for entry in found.attention] == [("warning", "slo_missed")]
    assert found.needs_attention


def test_of_several_spent_budgets_the_one_that_is_overdrawn_most_is_reported() -> None:
    more = ErrorBudget("runs", None, 20, 2, 0.05, 28, 2.0)
    found = assess(situation(KEPT, SPENT, more))
    words = "2 error budgets are spent, most of all that of runs: 2 of 20 missed it in 28 days; the budget is 5.0%"
    assert [entry.message for entry in found.attention] == [words]


def test_a_budget_that_is_exactly_used_up_is_not_spent() -> None:
    assert not assess(situation(ErrorBudget("runs", None, 20, 1, 0.05, 28, 1.0))).needs_attention


def test_a_person_sees_which_budget_is_used_most() -> None:
    now = situation(KEPT, SPENT)
    lines = [" ".join(line.split()) for line in text_of_any(render_situation(now, assess(now))).splitlines()]
    assert "Error budgets of 28 days: station_day.p95 has used most, 124%" in lines
    assert lines[lines.index("objective limit missed of may miss budget used") + 1 :][:2] == [
        "station_day.p95 250 ms 31 500 5.0% 124%",
        "freshness 30 h 1 28 5.0% 71%",
    ]


def test_json_has_every_budget() -> None:
    now = situation(KEPT)
    assert situation_json(now, assess(now))["error_budgets"] == [
        {
            "objective": "freshness", "limit": 30.0, "total": 28, "missed": 1,
            "allowed": 0.05, "days": 28, "used": 0.714286,
        }
    ]  # fmt: skip


def test_budgets_without_evidence_are_not_shown() -> None:
    assert measured(error_budgets(SLOS, Evidence(), NOW)) == ()
