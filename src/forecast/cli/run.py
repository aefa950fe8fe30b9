"""`forecast run`, which is `pipeline` too: one run."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from forecast.cli.app import AsJson, Wait, day_option
from forecast.cli.output import print_bytes, print_metrics, print_result
from forecast.core.errors import SettingError
from forecast.core.settings import Settings

if TYPE_CHECKING:
    from forecast.core.stations import Stations
    from forecast.report.models.ingest import IngestReport


def pipeline_command(
    settings: Settings,
    day: Annotated[date | None, day_option("--date", help="Only objects synced on this UTC day.")] = None,
    since: Annotated[date | None, day_option(help="Only objects synced on this day or later.")] = None,
    until: Annotated[date | None, day_option(help="Only objects synced on this day or earlier.")] = None,
    reprocess: Annotated[
        bool, typer.Option("--reprocess", help="Also process objects that have already been processed.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do everything except write.")] = False,
    demo: Annotated[
        bool, typer.Option("--demo", help="Make synthetic raw data and run on it with the embedded MongoDB.")
    ] = False,
    max_rejection_rate: Annotated[float, typer.Option(help="Exit code 3 above this share of rejected records.")] = 0.05,
    rerun_qc: Annotated[
        bool,
        typer.Option("--rerun-qc", help="Re-evaluate all documents, after a change of the checks."),
    ] = False,
    ingest: Annotated[
        bool, typer.Option("--ingest", help="First fetch what is new from the networks' APIs, as forecast ingest does.")
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Process objects and QC in N processes (a local Dask cluster)."),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Or on the workers of this Dask scheduler: tcp://… or tls://…"),
    ] = None,
    wait: Wait = False,
    as_json: AsJson = False,
) -> int:
    """Load new raw objects into MongoDB, and report.

    Weather observations are checked and flagged, and also written to the processed zone.

    Examples:

      forecast run --demo

      forecast run --raw-uri s3://bucket/airbyte-sync/ --processed-uri s3://bucket/processed/

      forecast run --ingest

      forecast run --since 2026-02-01 --until 2026-02-28 --reprocess --dry-run

    Exit codes: 0 done; 1 failed, run again; 2 change something first; 3 finished, but data was rejected or unreadable.
    """
    from forecast.core.errors import worst_exit_code
    from forecast.report.metrics import budget_metrics, run_metrics
    from forecast.report.summary import render_summary
    from forecast.report.write import as_data
    from forecast.run.run import RunOptions
    from forecast.run.slo import configured_slos, run_budgets
    from forecast.run.stations import configured_stations
    from main import run_pipeline

    if day and (since or until):
        raise SettingError("--date cannot be used with --since or --until")
    run_options = RunOptions(
        day or since, day or until, reprocess, dry_run, max_rejection_rate, wait, rerun_qc, workers, scheduler
    )
    if demo:
        from forecast.cli.demo import demo_settings

        settings = demo_settings(settings)
    stations = configured_stations(settings)
    result, codes = {}, []
    if ingest:
        ingested = _ingest(settings, stations, demo=demo, dry_run=dry_run, as_json=as_json)
        result["ingest"] = as_data(ingested)
        codes.append(ingested.exit_code)
        if ingested.status == "interrupted":
            return ingested.exit_code
    status, quality = run_pipeline(settings, run_options, stations)
    if settings.metrics_namespace is not None and not dry_run:
        budgets = run_budgets(settings, configured_slos(settings), datetime.now(UTC))
        metrics = (*run_metrics(status, quality, stations), *budget_metrics(budgets))
        print_metrics(metrics, settings.metrics_namespace)
    result |= {"status": as_data(status), "quality": as_data(quality)}
    print_result(result, render_summary(status, quality), as_json=as_json)
    if demo and not as_json:
        from forecast.cli.demo import next_steps

        # Not wrapped: commands are there to be copied.
        print_bytes(f"{next_steps(ingested=ingest)}\n".encode())
    return worst_exit_code([*codes, int(status.exit_code or 0)])


def _ingest(settings: Settings, stations: Stations, *, demo: bool, dry_run: bool, as_json: bool) -> IngestReport:
    """Fetch what is new, and print the result.

    If nothing can be requested, the command fails; a network that refuses does not stop the pipeline.
    """
    from forecast.cli.demo import demo_ingest
    from forecast.ingest.request import Request
    from forecast.report.ingest import render_ingest
    from forecast.report.metrics import ingest_metrics
    from forecast.run.ingest import ingest_and_report

    fetch = demo_ingest if demo else ingest_and_report
    ingested, report = fetch(settings, Request(dry_run=dry_run), stations)
    if not dry_run:
        print_metrics(ingest_metrics(report), settings.metrics_namespace)
    if not as_json:
        print_result({}, render_ingest(ingested, report), as_json=False)
    return report
