"""What the newest measurements say of the objectives."""

from __future__ import annotations

from forecast.report.headline import RunState, Situation, assess
from forecast.report.models.status import Attention
from forecast.report.objectives import missed_objectives
from tests.report.test_error_budget import NOW, latency
from tests.report.test_load_test import load, phase, reported, with_query


def messages(*reports: list[float]) -> list[str]:
    found = missed_objectives([latency(len(reports) - place, times) for place, times in enumerate(reports)], [])
    return [entry.message for entry in found]


def test_only_the_newest_latency_report_counts_and_each_limit_that_it_misses_is_named() -> None:
    p95 = "The latency objective was missed: p95 300.0 ms, the limit is 250 ms"
    p99 = "The latency objective was missed: p99 900.0 ms, the limit is 500 ms"
    assert messages([900.0] * 100, [10.0] * 100) == []
    assert messages([10.0] * 100, [300.0] * 100) == [p95]
    assert messages([10.0] * 98 + [900.0] * 2) == [p99]
    assert messages() == []


def test_a_load_test_that_missed_some_is_reported_with_the_first_of_them() -> None:
    slow = reported(load(phase(with_query("latest", [900.0] * 100))))[0]
    good = reported(load(phase()))[0]
    (found,) = missed_objectives([], [good, slow])
    assert found == Attention(
        "warning",
        "slo_missed",
        "The last load test (2026-11-29T12:00:00Z) missed 2 objectives: latest (8 clients, open loop, warm): "
        "p95 900.0 ms, at most 250 ms",
    )
    assert list(missed_objectives([], [slow, good])) == []


def test_the_newest_missed_objective_needs_attention() -> None:
    missed = tuple(missed_objectives([latency(1, [300.0] * 10)], []))
    found = assess(Situation(NOW, (RunState("r", "success", NOW),), objectives=missed))
    assert found.headline == "The latency objective was missed: p95 300.0 ms, the limit is 250 ms"
