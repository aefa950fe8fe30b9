"""query_latency_report_<time>.json: how long the query of a station's day takes."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta, field

from forecast.report.models.base import Count, Day, Model, Name, Report, Time, doc
from forecast.report.models.slo import LatencySlo, Percentiles


class TimeRange(Model):
    """A half-open interval, as the query has it."""

    gte: Annotated[Time, doc("start of the day")] = field(name="$gte")
    lt: Annotated[Time, doc("end of the day, excluded")] = field(name="$lt")


class Query(Model):
    """The filter of the query, its times as text."""

    station_id: Annotated[str, doc("the station")] = field(name="station.id")
    timestamp: TimeRange


class QueryLatencyReport(Report):
    """query_latency_report_<time>.json: how long a station's day takes."""

    kind: ClassVar[str] = "query_latency_report"

    generated_at: Annotated[Time, doc("when the command was started")]
    collection: Annotated[Name, doc("database and collection")]
    station_id: Annotated[str, doc("the station queried")]
    date: Annotated[Day, doc("the UTC day queried")]
    iterations: Annotated[int, Meta(ge=1), doc("number of queries timed; one more is sent first and not counted")]
    rows_returned: Annotated[Count, doc("rows per query")]
    latency_ms: Percentiles
    percentiles: Annotated[Name, doc("how percentiles are computed: linear interpolation")]
    query: Query
    index: Annotated[
        Name,
        doc("the index that MongoDB used, or the stage in its place: `COLLSCAN` is a scan of the whole collection"),
    ]
    documents_examined: Annotated[Count, doc("from MongoDB's `executionStats`")]
    keys_examined: Annotated[Count, doc("from MongoDB's `executionStats`")]
    slo: LatencySlo
    note: Annotated[str | None, doc("a sentence if there were no rows, else null")]
