"""The commands beside `pipeline`: options in, plain functions called, results out."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.text import Text

from forecast import cli as options
from forecast.cli import connect, make_settings, print_result, run_command
from forecast.migrate import migrate
from forecast.report.crud import crud_check, render_crud
from forecast.report.latency import latency_report, render_latency
from forecast.report.write import report_time, write_timed_report
from forecast.stores import open_store

_APP = {"add_completion": False, "rich_markup_mode": None, "pretty_exceptions_enable": False}
latency_app = typer.Typer(**_APP)
migrate_app = typer.Typer(**_APP)
crud_app = typer.Typer(**_APP)


@latency_app.command("latency-report")
def latency_report_command(
    station_id: Annotated[str | None, typer.Option(help="Default: the registry's first.")] = None,
    day: Annotated[
        datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="UTC day. Default: the newest.")
    ] = None,
    iterations: Annotated[int, typer.Option(min=1, help="How often the query is timed.")] = 10,
    slo_p95_ms: Annotated[float, typer.Option(help="Exit code 3 when the 95th percentile is above it.")] = 100.0,
    as_json: options.AsJson = False,
    raw_uri: options.RawUri = None,
    processed_uri: options.ProcessedUri = None,
    mongodb_uri: options.MongodbUri = None,
    mongodb_database: options.MongodbDatabase = None,
    mongodb_collection: options.MongodbCollection = None,
    logs_dir: options.LogsDir = None,
    log_level: options.LogLevel = None,
    log_format: options.LogFormat = None,
) -> None:
    """Time the query of one station's day on the real database.

    Example:

      latency-report --station-id ILAMAD25 --date 2026-02-18 --iterations 10
    """

    def command() -> int:
        settings = make_settings(
            raw_uri, processed_uri, mongodb_uri, mongodb_database, mongodb_collection, logs_dir, log_level, log_format
        )
        asked = None if day is None else day.date()
        report, code = latency_report(settings, station_id, asked, iterations, slo_p95_ms, datetime.now(UTC))
        print_result(report, render_latency(report), as_json=as_json)
        return code

    run_command(command)


@migrate_app.command("migrate")
def migrate_command(
    verify: Annotated[bool, typer.Option("--verify", help="Only compare, and name what differs.")] = False,
    as_json: options.AsJson = False,
    raw_uri: options.RawUri = None,
    processed_uri: options.ProcessedUri = None,
    mongodb_uri: options.MongodbUri = None,
    mongodb_database: options.MongodbDatabase = None,
    mongodb_collection: options.MongodbCollection = None,
    logs_dir: options.LogsDir = None,
    log_level: options.LogLevel = None,
    log_format: options.LogFormat = None,
) -> None:
    """Load the processed zone into MongoDB again (a new database, a restored one), and prove that both hold the same.

    Examples:

      migrate --processed-uri s3://bucket/processed/

      migrate --verify
    """

    def command() -> int:
        settings = make_settings(
            raw_uri, processed_uri, mongodb_uri, mongodb_database, mongodb_collection, logs_dir, log_level, log_format
        )
        store = open_store(settings.require_processed_uri())
        with connect(settings) as collection:
            report, code = migrate(store, collection, verify_only=verify)
        write_timed_report("migration_report", report, logs_dir=settings.logs_dir, now=datetime.now(UTC))
        checked = report["verification"]
        words = (
            f"{report['records_validated']:,} records: {report['inserted']:,} inserted, {report['updated']:,} updated, "
            f"{report['unchanged']:,} unchanged, {report['superseded']:,} superseded\n"
            f"compared {checked['sample_checked']:,} records with {checked['documents_in_database']:,} documents: "
            + (
                "both hold the same"
                if checked["ok"]
                else f"{checked['sample_checked'] - checked['digests_equal']:,} differ"
            )
        )
        print_result(report, Text(words), as_json=as_json)
        return code

    run_command(command)


@crud_app.command("crud-check")
def crud_check_command(
    as_json: options.AsJson = False,
    raw_uri: options.RawUri = None,
    processed_uri: options.ProcessedUri = None,
    mongodb_uri: options.MongodbUri = None,
    mongodb_database: options.MongodbDatabase = None,
    mongodb_collection: options.MongodbCollection = None,
    logs_dir: options.LogsDir = None,
    log_level: options.LogLevel = None,
    log_format: options.LogFormat = None,
) -> None:
    """Create, read, update and delete a scratch document on the real database, reading it back from a majority.

    Example:

      crud-check --mongodb-uri mongodb://localhost/?replicaSet=rs0
    """

    def command() -> int:
        settings = make_settings(
            raw_uri, processed_uri, mongodb_uri, mongodb_database, mongodb_collection, logs_dir, log_level, log_format
        )
        report, code = crud_check(settings, f"{report_time(datetime.now(UTC))}-{secrets.token_hex(3)}")
        print_result(report, render_crud(report), as_json=as_json)
        return code

    run_command(command)


def latency_report_cli() -> None:
    """The `latency-report` command."""
    latency_app()


def migrate_cli() -> None:
    """The `migrate` command."""
    migrate_app()


def crud_check_cli() -> None:
    """The `crud-check` command."""
    crud_app()
