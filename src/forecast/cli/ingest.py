"""`forecast ingest`: from the networks' APIs to the raw zone."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from forecast.cli.app import AsJson, day_option
from forecast.cli.output import print_metrics, print_result
from forecast.cli.sources import INGESTED, source_option
from forecast.core.settings import Settings


def ingest_command(
    settings: Settings,
    source: Annotated[list[str] | None, source_option(INGESTED)] = None,
    station: Annotated[list[str] | None, typer.Option(metavar="ID", help="Only this station. May be repeated.")] = None,
    since: Annotated[date | None, day_option(help="Read the stations' history from this day on.")] = None,
    until: Annotated[date | None, day_option(help="Read nothing after this day.")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Check each source's key with one call. Write nothing.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show how many calls would be made; make none.")] = False,
    full_refresh: Annotated[
        bool, typer.Option("--full-refresh", help="Read and write everything again, as a new generation.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Fetch what is new from the networks into the raw zone.

    The objects are those that Airbyte's S3 destination would write; no Airbyte server is needed. Records that an
    earlier run wrote are only written again if they changed. A day without an answer is requested again by
    the next run, which also continues when the day's quota of calls was used up.

    Examples:

      forecast ingest --raw-uri s3://bucket/airbyte-sync/

      forecast ingest --source wunderground --since 2026-01-01 --dry-run

      forecast ingest --check

    Exit codes: 0 done, or the quota is used up; 1 failed, run again; 2 change something first; 3 finished, but an
    answer could not be used.
    """
    from forecast.ingest.request import Request
    from forecast.report.ingest import render_ingest
    from forecast.report.metrics import ingest_metrics
    from forecast.report.write import as_data
    from forecast.run.ingest import ingest_and_report
    from forecast.run.stations import configured_stations

    request = Request(tuple(source or ()), tuple(station or ()), since, until, full_refresh, dry_run, check)
    result, report = ingest_and_report(settings, request, configured_stations(settings))
    if not dry_run:
        print_metrics(ingest_metrics(report), settings.metrics_namespace)
    print_result(as_data(report), render_ingest(result, report), as_json=as_json)
    return result.exit_code
