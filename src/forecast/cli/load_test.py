"""`forecast load-test`: the queries under concurrent load, against their objectives."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Annotated

import typer

from forecast.cli.app import AsJson, day_option
from forecast.cli.output import print_metrics, print_result
from forecast.core.settings import Settings


def load_test_command(
    settings: Settings,
    clients: Annotated[
        list[int] | None, typer.Option(help="The number of concurrent clients. May be repeated. Default: 1, 8 and 32.")
    ] = None,
    requests: Annotated[int, typer.Option(min=1, help="How many times each query is sent in a phase, at least.")] = 200,
    until: Annotated[
        date | None,
        day_option(
            help="Query observations up to this UTC day, and do not check how old the newest is. Default: the newest."
        ),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Measure the real queries under concurrent load.

    They are compared with the objectives in slo.toml: a station's day and week, the newest observation of every
    station, the map of the last hour, and the flagged values of a week; with cold and warm connections, in sequence and
    at a fixed rate. Meanwhile, runs load synthetic data into collections of their own in the same database, which are
    dropped afterwards.

    Examples:

      forecast load-test

      forecast load-test --clients 4 --requests 50 --until 2024-10-08

    Exit codes: 0 the objectives are met; 1 the database is unreachable, or the runs in the background failed; 2 change
    something first; 3 an objective is missed, or nothing was found.
    """
    from forecast.core.processes import terminable
    from forecast.report.load_test import render_load_test
    from forecast.report.metrics import slo_metrics
    from forecast.report.write import as_data
    from forecast.run.background import background_runs
    from forecast.run.copies import write_and_copy
    from forecast.run.load_test import CLIENTS, LoadTestOptions, load_test
    from forecast.run.slo import configured_slos, query_budgets
    from forecast_demo import write_demo

    now = datetime.now(UTC)
    end = None if until is None else datetime.combine(until, time.max, UTC)
    slos = configured_slos(settings)
    options = LoadTestOptions(tuple(clients or CLIENTS), requests, end)
    with terminable():
        report, code = load_test(
            settings, slos, options, lambda serving, real: background_runs(serving, real, write_demo), now
        )
    report.error_budgets = query_budgets(settings, slos, now, report)
    write_and_copy(report, settings, now)
    print_metrics(slo_metrics(report.slo.met, report.error_budgets), settings.metrics_namespace)
    print_result(as_data(report), render_load_test(report), as_json=as_json)
    return code
