"""Percentiles, and whether times meet an objective."""

from __future__ import annotations

import pytest

from forecast.core.slo import QuerySlo
from forecast.report.latency_slo import held_to, percentiles
from forecast.report.models.slo import LatencySlo
from forecast.report.write import as_data

HUNDRED = [float(number) for number in range(1, 101)]


def test_percentiles_are_interpolated() -> None:
    assert as_data(percentiles(HUNDRED)) == {
        "min": 1.0,
        "max": 100.0,
        "mean": 50.5,
        "p50": 50.5,
        "p95": 95.05,
        "p99": 99.01,
    }
    assert set(as_data(percentiles([7.0])).values()) == {7.0}


@pytest.mark.parametrize(
    ("p95", "p99", "over", "met"),
    [(95.05, 99.01, (5, 1), True), (95.0, 99.01, (5, 1), False), (95.05, 99.0, (5, 1), False), (99, 100, (1, 0), True)],
)
def test_both_percentiles_have_to_be_within_their_limits(
    p95: float, p99: float, over: tuple[int, int], met: bool
) -> None:
    assert held_to(QuerySlo(p95, p99, 0.9), HUNDRED, found=True) == LatencySlo(p95, p99, *over, met)


def test_if_nothing_was_found_the_result_is_unknown() -> None:
    assert held_to(QuerySlo(1, 1, 0.9), [0.5, 2.0], found=False).met is None
    assert held_to(QuerySlo(1, 1, 0.9), [], found=True) == LatencySlo(1, 1, 0, 0, None)
