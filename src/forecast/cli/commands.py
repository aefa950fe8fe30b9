"""The commands other than `run`. Each takes options, calls a plain function and prints its result."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from forecast.cli.app import AsJson, Wait, day_option
from forecast.cli.output import print_metrics, print_result
from forecast.core.errors import ObjectRejectedError
from forecast.core.settings import Settings
from forecast.core.text import counted

if TYPE_CHECKING:
    from msgspec import UnsetType

    from forecast.report.models.migration import DatasetComparison, MigrationReport
    from forecast.run.replay import ReplayCounts


def latency_command(
    settings: Settings,
    station_id: Annotated[str | None, typer.Option(help="Default: the registry's first.")] = None,
    day: Annotated[date | None, day_option("--date", help="UTC day. Default: the newest.")] = None,
    iterations: Annotated[int, typer.Option(min=1, help="How many times the query is timed.")] = 10,
    as_json: AsJson = False,
) -> int:
    """Time the query of one station's day on the real database.

    Example:

      forecast latency --station-id ILAMAD25 --date 2026-02-18 --iterations 10

    Exit codes: 0 the objective of a station's day is met; 3 it is missed, or nothing was found.
    """
    from forecast.report.latency import latency_report, render_latency
    from forecast.report.metrics import slo_metrics
    from forecast.report.write import as_data
    from forecast.run.copies import write_and_copy
    from forecast.run.slo import configured_slos, query_budgets
    from forecast.run.stations import configured_stations

    now = datetime.now(UTC)
    stations = configured_stations(settings)
    slos = configured_slos(settings)
    report, code = latency_report(settings, stations, station_id, day, iterations, slos.queries.station_day, now)
    budgets = query_budgets(settings, slos, now, report)
    write_and_copy(report, settings, now)
    print_metrics(slo_metrics(report.slo.met, budgets), settings.metrics_namespace)
    print_result(as_data(report), render_latency(report), as_json=as_json)
    return code


def migrate_command(
    settings: Settings,
    verify: Annotated[bool, typer.Option("--verify", help="Only compare, and name the differences.")] = False,
    wait: Wait = False,
    as_json: AsJson = False,
) -> int:
    """Load the processed zone into MongoDB, and compare both.

    Use it for a new or a restored database. Differences are named in the log, and the exit code is 3.

    Examples:

      forecast migrate --processed-uri s3://bucket/processed/

      forecast migrate --verify
    """
    from rich.text import Text

    from forecast.core.logs import log_as
    from forecast.mongo.client import connect
    from forecast.mongo.lock import lease
    from forecast.mongo.strangers import strangers_named
    from forecast.report.write import as_data
    from forecast.run.copies import write_and_copy
    from forecast.run.migrate import migrate
    from forecast.run.run import new_run_id
    from forecast.run.stations import configured_stations
    from forecast.storage import open_store

    store = open_store(settings.require_processed_uri())
    stations = configured_stations(settings)
    run_id = new_run_id(datetime.now(UTC))
    log_as(run_id)
    with connect(settings) as collection:
        held = nullcontext() if verify else lease(collection, run_id, wait=wait)
        with strangers_named(collection), held:
            age = settings.max_data_age_hours
            report, code = migrate(store, collection, stations, run_id, verify_only=verify, max_age_hours=age)
    write_and_copy(report, settings, datetime.now(UTC))
    print_result(as_data(report), Text(_migration_message(report)), as_json=as_json)
    return code


def replay_command(
    settings: Settings,
    wait: Wait = False,
    as_json: AsJson = False,
) -> int:
    """Process quarantined rows again.

    Use it after a station was added or a rule was fixed. Rows that pass now are loaded and marked; the others stay.

    Example:

      forecast replay --processed-uri s3://bucket/processed/
    """
    from rich.text import Text

    from forecast import __version__
    from forecast.core.logs import log_as
    from forecast.core.work_folder import work_folder
    from forecast.mongo.client import connect
    from forecast.mongo.lock import lease
    from forecast.mongo.strangers import strangers_named
    from forecast.run.replay import ReplayContext, replay
    from forecast.run.run import new_run_id
    from forecast.run.stations import configured_stations
    from forecast.storage import open_store
    from forecast.zone.writer import RunContext

    store = open_store(settings.require_processed_uri())
    stations = configured_stations(settings)
    now = datetime.now(UTC)
    context = RunContext(new_run_id(now), now, __version__)
    log_as(context.run_id)
    with (
        connect(settings) as collection,
        strangers_named(collection),
        lease(collection, context.run_id, wait=wait),
        work_folder() as folder,
    ):
        counts = replay(ReplayContext(store, collection, stations, context, settings.max_data_age_hours), folder)
    print_result({"run_id": context.run_id, **asdict(counts)}, Text(_replay_message(counts)), as_json=as_json)
    return ObjectRejectedError.exit_code if counts.rows_failed else 0


def quality_command(
    settings: Settings,
    since: Annotated[date, day_option(help="First UTC day.")],
    until: Annotated[date, day_option(help="Last UTC day.")],
    as_json: AsJson = False,
) -> int:
    """Report the quality of some days from the database.

    The checks run again; nothing is changed.

    Example:

      forecast quality --since 2024-10-01 --until 2024-10-07
    """
    from forecast.mongo.client import connect
    from forecast.report.summary import render_quality
    from forecast.report.write import as_data
    from forecast.run.copies import write_and_copy
    from forecast.run.quality_window import quality_of_window
    from forecast.run.stations import configured_stations

    now = datetime.now(UTC)
    stations = configured_stations(settings)
    with connect(settings) as collection:
        report = quality_of_window(collection, stations, since, until, now, settings.max_data_age_hours)
    write_and_copy(report, settings, now)
    print_result(as_data(report), render_quality(report), as_json=as_json)
    return 0


def crud_check_command(settings: Settings, as_json: AsJson = False) -> int:
    """Create, read, update and delete a scratch document.

    It shows that the real database accepts and confirms writes, which are read back from a majority.

    Example:

      forecast crud-check --mongodb-uri mongodb://localhost/?replicaSet=rs0
    """
    from forecast.core.logs import log_as
    from forecast.mongo.probes.crud import crud_check, render_crud
    from forecast.run.run import new_run_id

    run_id = new_run_id(datetime.now(UTC))
    log_as(run_id)
    report, code = crud_check(settings, run_id)
    print_result(report, render_crud(report), as_json=as_json)
    return code


def _migration_message(report: MigrationReport) -> str:
    checked = report.verification
    differing = checked.sample_checked - checked.matching
    return (
        f"{report.records_validated:,} records: {report.inserted:,} inserted, {report.updated:,} updated, "
        f"{report.unchanged:,} unchanged, {report.superseded:,} superseded"
        f"{_removed_message(report.values_removed.total)}\n"
        f"compared {checked.sample_checked:,} records with {checked.documents_in_database:,} documents: "
        + (
            "both hold the same"
            if not (differing or checked.orphaned or checked.outdated_flags or checked.outdated_days)
            else f"{differing:,} differ, {checked.orphaned:,} documents are orphaned, "
            f"{checked.outdated_flags:,} have outdated flags, {checked.outdated_days:,} daily aggregates are outdated"
        )
        + f"\n{_dataset_message(checked.dataset)}"
    )


def _dataset_message(compared: DatasetComparison | UnsetType) -> str:
    if not compared or not compared.is_of_database:
        return "the zone has no dataset of this collection; the next run will write it"
    later = f", {compared.pending_days:,} station-days wait for the next run" if compared.pending_days else ""
    wrong = compared.differing or compared.hours_differing
    fix = "; to have it written completely, remove current/_dataset.json and run again" if wrong else ""
    return (
        f"compared the dataset: {compared.checked:,} observations, {compared.differing:,} differ, "
        f"{compared.hours_checked:,} hours, {compared.hours_differing:,} differ{later}{fix}"
    )


def _replay_message(counts: ReplayCounts) -> str:
    return (
        f"{counted(counts.rows, 'quarantined row')} in {counted(counts.files, 'file')}: {counts.replayed:,} pass now, "
        f"{counts.replayed_before:,} passed before, {counts.still_quarantined:,} stay in quarantine"
        f"{_failed_message(counts)}\n"
        f"records of {counted(counts.files_changed, 'changed file')}: {counts.inserted:,} inserted, "
        f"{counts.updated:,} updated, "
        f"{counts.unchanged:,} unchanged, {counts.superseded:,} superseded{_removed_message(counts.values_removed)}"
    )


def _removed_message(number: int) -> str:
    return f"; {number:,} stored values were replaced by records that lack them" if number else ""


def _failed_message(counts: ReplayCounts) -> str:
    return f", {counts.rows_failed:,} of them by an internal error (see the log)" if counts.rows_failed else ""
