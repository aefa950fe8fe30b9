"""The report of a load test: percentiles by phase, held to objectives."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from forecast.core.slo import default_slos
from forecast.mongo.probes.latency import Plan
from forecast.mongo.probes.load import Conditions, Timed
from forecast.mongo.probes.queries import QUERIES
from forecast.report.load_test import MeasuredLoad, MeasuredPhase, load_test_report, render_load_test
from forecast.report.models.load_test import Background, LoadTestReport
from forecast.report.write import as_data, check_shape

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
SLOS = default_slos()
FAST = Timed(
    {name: [10.0] * 100 for name in QUERIES},
    dict.fromkeys(QUERIES, 700),
    {},
    seconds=4.0,
    cpu_seconds=2.0,
    host_cpu=0.5,
)


def phase(timed: Timed = FAST, clients: int = 8) -> MeasuredPhase:
    return MeasuredPhase(Conditions(clients, "open", "warm", 62.5), timed, 1.5, None)


def load(*phases: MeasuredPhase, age_hours: float = 1.0, failed: str | None = None) -> MeasuredLoad:
    newest = NOW - timedelta(hours=age_hours)
    plans = {name: Plan("station_time", 7, 8) for name in QUERIES}
    return MeasuredLoad("d.c", newest, newest, phases, plans, Background(3, 21_000, failed))


def reported(measured: MeasuredLoad, *, of_now: bool = True) -> tuple[LoadTestReport, int]:
    report, code = load_test_report(measured, SLOS, 100, 2, NOW, of_now=of_now)
    check_shape(as_data(report), "load_test_report")
    return report, code


def text_of_any(shown: Any) -> str:
    console = Console(width=100, color_system=None)
    with console.capture() as captured:
        console.print(shown)
    return captured.get()


def text_of(report: LoadTestReport) -> str:
    return text_of_any(render_load_test(report))


def with_query(name: str, times: list[float], rows: int = 700, errors: dict[str, int] | None = None) -> Timed:
    return Timed(
        {**FAST.times_ms, name: times},
        {**FAST.rows, name: rows},
        {} if errors is None else {name: errors},
        seconds=4.0,
        cpu_seconds=2.0,
        host_cpu=None,
    )


def test_a_test_in_which_all_is_fast_and_fresh_is_exit_code_0() -> None:
    report, code = reported(load(phase()))
    assert (code, report.slo.met, report.slo.missed, report.slo.unknown) == (0, True, [], [])
    (found,) = report.phases
    assert (found.clients, found.loop, found.cache, found.rate) == (8, "open", "warm", 62.5)
    assert (found.throughput, found.seconds, found.clients_cores, found.host_cpu) == (125.0, 4.0, 0.5, 0.5)
    assert found.queries["latest"].latency_ms is not None
    assert found.queries["latest"].latency_ms.p99 == 10.0
    assert report.plans["latest"].keys_examined == 8


@pytest.mark.parametrize(
    ("times", "words"),
    [
        ([10.0] * 90 + [400.0] * 10, ["latest (8 clients, open loop, warm): p95 400.0 ms, at most 250 ms"]),
        ([10.0] * 98 + [900.0] * 2, ["latest (8 clients, open loop, warm): p99 900.0 ms, at most 500 ms"]),
        (
            [900.0] * 100,
            [
                "latest (8 clients, open loop, warm): p95 900.0 ms, at most 250 ms",
                "latest (8 clients, open loop, warm): p99 900.0 ms, at most 500 ms",
            ],
        ),
    ],
)
def test_a_slow_query_is_named_with_its_phase_and_is_exit_code_3(times: list[float], words: list[str]) -> None:
    report, code = reported(load(phase(), phase(with_query("latest", times))))
    assert (code, report.slo.met, report.slo.missed) == (3, False, words)


def test_what_the_error_budget_counts_is_how_many_were_over_a_limit() -> None:
    report, _ = reported(load(phase(with_query("latest", [10.0] * 90 + [400.0] * 8 + [900.0] * 2))))
    slo = report.phases[0].queries["latest"].slo
    assert slo is not None
    assert (slo.over_p95_ms, slo.over_p99_ms, slo.met) == (10, 2, False)


def test_a_query_that_is_not_answered_misses_its_availability() -> None:
    timed = with_query("last_hour", [10.0] * 99, errors={"MongoDB is unreachable": 1})
    report, code = reported(load(phase(timed)))
    assert (code, report.slo.met) == (3, False)
    assert report.slo.missed == ["last_hour (8 clients, open loop, warm): 99 of 100 answered, at least 99.900%"]
    found = report.phases[0].queries["last_hour"]
    assert (found.requests, found.answered, found.availability) == (100, 99, 0.99)
    assert found.errors == {"MongoDB is unreachable": 1}


def test_a_query_that_is_never_answered_has_no_times() -> None:
    report, code = reported(load(phase(with_query("last_hour", [], rows=0, errors={"lost": 100}))))
    assert (code, report.phases[0].queries["last_hour"].latency_ms) == (3, None)
    assert report.slo.missed == ["last_hour (8 clients, open loop, warm): 0 of 100 answered, at least 99.900%"]
    assert report.slo.unknown == []


def test_the_objective_of_a_query_that_finds_nothing_is_unknown() -> None:
    report, code = reported(load(phase(with_query("flagged_week", [9_000.0] * 100, rows=0))))
    slo = report.phases[0].queries["flagged_week"].slo
    assert (code, report.slo.met, report.slo.unknown) == (0, True, ["flagged_week"])
    assert slo is not None
    assert slo.met is None


def test_if_nothing_was_found_no_objective_is_met() -> None:
    nothing = replace(load(), newest=None, until=None, plans={})
    report, code = reported(nothing)
    assert (code, report.slo.met, report.freshness.met, report.until) == (3, None, None, None)
    assert "Objectives: not known, nothing was found" in text_of(report)


def test_more_clients_than_the_objectives_hold_for_are_measured_and_not_held_to_them() -> None:
    slow = phase(with_query("latest", [9_000.0] * 100), clients=32)
    report, code = reported(load(phase(), slow))
    assert (code, report.slo.met, report.phases[1].queries["latest"].slo) == (0, True, None)
    alone, code = reported(load(slow), of_now=False)
    assert (code, alone.slo.met) == (3, None)
    assert "Objectives: not known, they hold for up to 8 clients" in text_of(alone)


@pytest.mark.parametrize(("age", "met", "code"), [(30.0, True, 0), (30.5, False, 3)])
def test_an_old_newest_observation_misses_the_freshness(age: float, met: bool, code: int) -> None:
    report, found = reported(load(phase(), age_hours=age))
    assert (found, report.freshness.met, report.freshness.age_hours) == (code, met, age)
    words = "freshness: the newest observation is 30.5 hours old (2026-11-28T05:30:00Z), at most 30"
    assert report.slo.missed == ([] if met else [words])


def test_a_test_of_the_past_does_not_ask_how_old_it_is() -> None:
    report, code = reported(load(phase(), age_hours=20_000), of_now=False)
    assert (code, report.freshness.met, report.freshness.age_hours) == (0, None, 20_000)


def test_a_failed_run_in_the_background_fails_the_test() -> None:
    report, code = reported(load(phase(), failed="exit code 2: \x1b[31mno right"))
    assert (code, report.slo.met) == (1, True)
    shown = text_of(report)
    assert "The runs in the background failed, so this is no measurement under load: exit code 2" in shown
    assert "\x1b" not in shown


def test_a_person_reads_every_phase_and_the_first_ten_misses() -> None:
    slow = with_query("latest", [9_000.0] * 100)
    report, _ = reported(load(*[phase(slow, clients=number) for number in range(1, 9)]))
    shown = text_of(report)
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert lines[1] == "Objectives: MISSED"
    assert "and 6 more; the report has all" in lines
    assert "1 client, open loop, warm: 125.0 answers per second; times in ms" in lines
    assert "latest 100 0 9000.0 9000.0 9000.0 MISSED" in lines
    assert "station_day 100 0 10.0 10.0 10.0 met" in lines
    assert "latest station_time 7 8" in lines
    assert lines[-1] == "In the background, 3 runs finished; 21,000 documents were loaded."


def test_all_that_may_be_null_is_so_in_the_report() -> None:
    data: dict[str, Any] = as_data(reported(load(phase(with_query("latest", [1.0]), clients=9)))[0])
    found = data["phases"][0]
    assert (found["host_cpu"], found["bytes_read_into_cache"], found["queries"]["latest"]["slo"]) == (None, None, None)
