"""Compares the newest measurements with the objectives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from forecast.report.models.latency import QueryLatencyReport
from forecast.report.models.load_test import LoadTestReport
from forecast.report.models.status import Attention


def missed_objectives(latency: Sequence[QueryLatencyReport], load: Sequence[LoadTestReport]) -> Iterator[Attention]:
    """The objectives that the newest report of each kind misses; reports are oldest first."""
    if latency and latency[-1].slo.met is False:
        slo, times = latency[-1].slo, latency[-1].latency_ms
        limits = (("p95", times.p95, slo.p95_ms), ("p99", times.p99, slo.p99_ms))
        for name, found, limit in limits:
            if found > limit:
                message = f"The latency objective was missed: {name} {found:.1f} ms, the limit is {limit:g} ms"
                yield Attention("warning", "slo_missed", message)
    if load and load[-1].slo.met is False:
        missed = load[-1].slo.missed
        message = f"The last load test ({load[-1].generated_at}) missed {len(missed)} objectives: {missed[0]}"
        yield Attention("warning", "slo_missed", message)
