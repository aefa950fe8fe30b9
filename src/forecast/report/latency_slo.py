"""Query times as percentiles, compared with an objective."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from forecast.core.slo import QuerySlo
from forecast.report.models.slo import LatencySlo, Percentiles

METHOD: Final = "linear interpolation between the two nearest ranks (numpy's 'linear')"


def percentiles(times_ms: Sequence[float]) -> Percentiles:
    """The percentiles of one or more times."""
    p50, p95, p99 = np.percentile(times_ms, [50, 95, 99], method="linear")
    mean = sum(times_ms) / len(times_ms)
    found = {"min": min(times_ms), "max": max(times_ms), "mean": mean, "p50": p50, "p95": p95, "p99": p99}
    return Percentiles(**{name: round(float(value), 3) for name, value in found.items()})


def held_to(slo: QuerySlo, times_ms: Sequence[float], *, found: bool) -> LatencySlo:
    """Whether the times meet the objective; unknown if nothing was `found`.

    How fast nothing is found says nothing about how fast rows are read.
    """
    over_p95, over_p99 = (sum(time > limit for time in times_ms) for limit in (slo.p95_ms, slo.p99_ms))
    met = None
    if found and times_ms:
        known = percentiles(times_ms)
        met = known.p95 <= slo.p95_ms and known.p99 <= slo.p99_ms
    return LatencySlo(slo.p95_ms, slo.p99_ms, over_p95, over_p99, met)
