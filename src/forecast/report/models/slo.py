"""What reports say of service level objectives."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from forecast.report.models.base import Count, Model, Name, Rate, doc

Milliseconds = Annotated[float, Meta(ge=0)]
Limit = Annotated[float, Meta(gt=0)]


class Percentiles(Model):
    """Milliseconds, from when the query was due to having decoded its last row."""

    min: Annotated[Milliseconds, doc("the fastest")]
    max: Annotated[Milliseconds, doc("the slowest")]
    mean: Annotated[Milliseconds, doc("the mean")]
    p50: Annotated[Milliseconds, doc("the median")]
    p95: Annotated[Milliseconds, doc("95th percentile")]
    p99: Annotated[Milliseconds, doc("99th percentile")]


class LatencySlo(Model):
    """The objective of a query's times, and whether it was met."""

    p95_ms: Annotated[Limit, doc("the limit of the 95th percentile, in ms")]
    p99_ms: Annotated[Limit, doc("the limit of the 99th percentile, in ms")]
    over_p95_ms: Annotated[Count, doc("queries that took longer than `p95_ms`: what the error budget counts")]
    over_p99_ms: Annotated[Count, doc("the same for `p99_ms`")]
    met: Annotated[
        bool | None,
        doc("whether neither percentile was above its limit (if not, the exit code is 3); null if nothing was found"),
    ]


class ErrorBudget(Model):
    """What missed an objective in the last days, out of what may miss it."""

    objective: Annotated[
        Name,
        doc("`runs`, `freshness`, or a query and `p95`, `p99` or `availability`, such as `station_day.p95`"),
    ]
    limit: Annotated[float | None, doc("its limit in ms, or for freshness in hours; null if it has none")]
    total: Annotated[Count, doc("number of runs or queries measured in that time")]
    missed: Annotated[Count, doc("number of those that missed it")]
    allowed: Annotated[Rate, doc("the share that may miss it")]
    days: Annotated[int, Meta(ge=1), doc("number of days (`window_days`)")]
    used: Annotated[
        Annotated[float, Meta(ge=0)] | None,
        doc(
            "the share of the budget that is used, `missed / (total * allowed)`: above 1 it is spent; null if so "
            "little was measured that the first miss would spend it"
        ),
    ]
