"""load_test_report_<time>.json: the queries under concurrent load, against their objectives."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta, field

from forecast.report.models.base import Count, Model, Name, Rate, Report, Seconds, Time, doc
from forecast.report.models.slo import ErrorBudget, LatencySlo, Percentiles

QueryName = Annotated[str, Meta(extra={"key_name": "query"})]
Words = Annotated[str, Meta(extra={"key_name": "error"})]
PerSecond = Annotated[float, Meta(ge=0)]


class QueryResult(Model):
    """A query in a phase."""

    requests: Annotated[Count, doc("number of queries sent")]
    answered: Annotated[Count, doc("number of queries answered")]
    errors: Annotated[dict[Words, Count], doc("the errors, in words, and how often each occurred")]
    rows: Annotated[Count, doc("rows in all answers")]
    latency_ms: Annotated[
        Percentiles | None,
        doc("of the answers, in ms; in an open loop from when the query was due. Null if there was none"),
    ]
    availability: Annotated[Rate | None, doc("the share that was answered; null if nothing was sent")]
    slo: Annotated[
        LatencySlo | None,
        doc("its objective; null in a phase with more clients than the objectives hold for (`clients` in slo.toml)"),
    ]


class Phase(Model):
    """A number of clients, a loop, a cache."""

    clients: Annotated[int, Meta(ge=1), doc("concurrent clients, each with its own connection")]
    loop: Annotated[
        Literal["closed", "open"],
        doc(
            "`closed`: a client sends its next query when the last is answered; `open`: queries are due at a fixed rate"
        ),
    ]
    cache: Annotated[
        Literal["cold", "warm"],
        doc(
            "`cold`: connections are opened by the first queries, each client asks for its own stations and days; "
            "`warm`: all is connected, and all that is asked for was asked for before"
        ),
    ]
    rate: Annotated[
        PerSecond | None,
        doc("queries due per second: half of what the closed loop reached, at least 1; null for the closed loop"),
    ]
    throughput: Annotated[PerSecond, doc("answers per second")]
    seconds: Annotated[Seconds, doc("from the first query to the last answer")]
    queries: dict[QueryName, QueryResult]
    host_cpu: Annotated[Rate | None, doc("the share of all cores of this machine that was busy; null if unknown")]
    clients_cores: Annotated[
        float, Meta(ge=0), doc("cores that the clients kept busy; if nearly all, the clients are the bottleneck")
    ]
    load_1m: Annotated[float, Meta(ge=0), doc("load average of this machine over one minute, at the end")]
    bytes_read_into_cache: Annotated[
        Count | None,
        doc("what the server read from disk; null for a user of MongoDB without the role clusterMonitor"),
    ]


class QueryPlan(Model):
    """How MongoDB answers a query."""

    index: Annotated[Name, doc("the index that MongoDB used, or the stage in its place; `COLLSCAN` reads all")]
    documents_examined: Annotated[Count, doc("from MongoDB's `executionStats`")]
    keys_examined: Annotated[Count, doc("from MongoDB's `executionStats`")]


class Background(Model):
    """The runs that went on meanwhile."""

    runs: Annotated[Count, doc("number of finished runs on synthetic data, into a separate collection")]
    documents: Annotated[Count, doc("documents that they loaded, including those of the last, unfinished one")]
    failed: Annotated[str | None, doc("why a run failed (the exit code is then 1), else null")]


class Freshness(Model):
    """How old the newest observation is."""

    newest_observation: Annotated[Time | None, doc("the newest observation; null if there is none")]
    age_hours: Annotated[float | None, doc("its age at the start; null if there is none")]
    max_age_hours: Annotated[float, Meta(gt=0), doc("the maximum (`freshness.max_age_hours` in slo.toml)")]
    met: Annotated[bool | None, doc("whether it is no older; null if there is none, or `--until` was given")]


class LoadSlo(Model):
    """All objectives together."""

    met: Annotated[
        bool | None,
        doc("whether all objectives that could be evaluated were met (if not, the exit code is 3); null if none could"),
    ]
    missed: Annotated[list[str], doc("the objectives missed, as sentences")]
    unknown: Annotated[list[QueryName], doc("queries that found nothing in a phase, so that the result is unknown")]


class LoadTestReport(Report):
    """load_test_report_<time>.json: the queries under concurrent load."""

    kind: ClassVar[str] = "load_test_report"

    generated_at: Annotated[Time, doc("when the command was started")]
    collection: Annotated[Name, doc("database and collection")]
    until: Annotated[Time | None, doc("the end of the period queried; null if there are no observations")]
    requests: Annotated[int, Meta(ge=1), doc("minimum number of times that each query was sent in a phase")]
    slo_clients: Annotated[
        int, Meta(ge=1), doc("the objectives apply to up to this many clients (`clients` in slo.toml)")
    ]
    cores: Annotated[int, Meta(ge=1), doc("cores of this machine that the clients may use")]
    slo: LoadSlo
    freshness: Freshness
    plans: Annotated[dict[QueryName, QueryPlan], doc("how MongoDB executes each query")]
    background: Background
    percentiles: Annotated[Name, doc("how percentiles are computed: linear interpolation")]
    phases: list[Phase]
    error_budgets: list[ErrorBudget] = field(default_factory=list)
