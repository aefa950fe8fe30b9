"""The pipeline: extract, transform, validate, save and load, batch by batch; then the reports.

    raw object -> rows as found -> observations -> records -> processed zone -> MongoDB

The steps are in forecast.run.steps; forecast.run.staging and forecast.run.pipeline run them on the objects.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from forecast.core.counts import check_counts
from forecast.core.errors import ForecastError, RetryableError
from forecast.core.logs import log_as
from forecast.core.memory import configure_allocators
from forecast.core.processes import stoppable
from forecast.core.raw_objects import RawObject
from forecast.core.settings import Settings
from forecast.core.stations import Stations
from forecast.core.work_folder import work_folder
from forecast.extract.listing import is_marker, sync_day
from forecast.mongo.client import ObservationCollection, connect, running_server
from forecast.mongo.listing_state import ListedRange
from forecast.mongo.strangers import strangers_named
from forecast.report.migration import verification
from forecast.report.models.quality import QualityReport
from forecast.report.models.status import PipelineStatus
from forecast.report.quality import quality_report
from forecast.run.cluster import check_cluster, dask_executor
from forecast.run.dashboard import write_dashboard_or_warn
from forecast.run.listing import PAGE
from forecast.run.pipeline import Pipeline
from forecast.run.places import check_apart, no_such_day, nothing_there
from forecast.run.retention import remove_old
from forecast.run.run import Run, RunOptions
from forecast.run.run_reports import RunReports
from forecast.run.selection import Chooser, Everything
from forecast.run.steps import extract_data, load_data, save_validated_to_s3, transform_data, validate_data
from forecast.storage import Store, open_store

__all__ = [
    "extract_data",
    "generate_quality_report",
    "load_data",
    "run_pipeline",
    "save_validated_to_s3",
    "transform_data",
    "validate_data",
]

if TYPE_CHECKING:
    from forecast.run.cluster.executor import DaskExecutor

LOGGER = logging.getLogger("forecast.main")


def generate_quality_report(run: Run, stations: Stations) -> QualityReport:
    """The quality report of a run, from its counts."""
    now = datetime.now(UTC)
    return quality_report(
        run.context.run_id,
        run.tally,
        run.objects,
        stations,
        now,
        run.findings,
        run.conflicts,
        run.presence,
    )


def list_objects(run: Run, store: Store, selection: Chooser | None = None) -> list[RawObject]:
    """The raw objects of the requested days, in the order of their keys; markers are counted and left out.

    With a selection, only those that it chooses, so that a million processed objects are never in memory at once.
    Raises SettingError if there is no object at all, or none of those days.
    """
    selection = selection or Everything()
    part: list[RawObject] = []
    chosen: list[RawObject] = []
    others: Counter[date] = Counter()
    found = False
    for one in _data(run, store, selection):
        if isinstance(one, RawObject) and not run.options.takes(day := sync_day(one)):
            others[day] += 1
            continue
        found = True
        if isinstance(one, RawObject):
            part.append(one)
            if len(part) < PAGE:
                continue
        run.check_stop()
        chosen += selection.choose(part)
        part = []
        if not isinstance(one, RawObject):
            selection.pass_over(one)
    if not found and others:
        raise no_such_day(run.options.since, run.options.until, others)
    if not found:
        raise nothing_there(store, run.progress.objects_skipped)
    return chosen + selection.choose(part)


def _data(run: Run, store: Store, selection: Chooser) -> Iterator[RawObject | ListedRange]:
    """The objects that the selection lists, counted, without markers."""
    progress = run.progress
    for one in selection.objects(store):
        if isinstance(one, RawObject):
            progress.objects_listed += 1
            if is_marker(one):
                progress.objects_skipped += 1
                selection.see_marker(one)
                continue
        newest = one.last_modified if isinstance(one, RawObject) else one.newest
        progress.newest_raw_object = max(progress.newest_raw_object or newest, newest)
        yield one


def run_pipeline(
    settings: Settings, run_options: RunOptions, stations: Stations
) -> tuple[PipelineStatus, QualityReport]:
    """Run the pipeline once; return its status report (with the exit code) and its quality report.

    Raises ForecastError only for faults before the run begins.
    """
    check_apart(settings)
    check_cluster(run_options, settings)
    raw, processed = open_store(settings.require_raw_uri(), "RAW_URI"), open_store(settings.require_processed_uri())
    configure_allocators()
    run = Run.begin(settings, run_options)
    log_as(run.context.run_id)
    begun = {"event": "run_started", "pipeline_version": run.context.pipeline_version, **run.info.arguments}
    LOGGER.info("run started: %s to %s", raw.uri, processed.uri, extra={"facts": begun})
    reports = RunReports(run, processed)
    with stoppable(run.stop):
        status = _run(run, reports, raw, processed, stations)
        return status, run.quality or generate_quality_report(run, stations)


def _run(run: Run, reports: RunReports, raw: Store, processed: Store, stations: Stations) -> PipelineStatus:
    """Run all stages; return the final status."""
    try:
        reports.start()
        with (
            running_server(run.settings) as uri,
            connect(replace(run.settings, mongodb_uri=uri)) as collection,
            strangers_named(collection),
            run.writing(collection),
            work_folder() as folder,
        ):
            reports.begin(collection)
            try:
                with (
                    _cluster(run, stations, raw, processed, collection, uri, folder) as cluster,
                    closing(Pipeline(run, stations, raw, processed, collection, folder, cluster)) as pipeline,
                ):
                    fault = _list_and_work(run, reports, pipeline, stations, raw)
            except ForecastError as error:
                fault = error
            if fault is None and not run.options.dry_run:
                remove_old(run.settings, processed, collection, run.context.started_at)
            # While the database is connected: the history is written to it, and the dashboard queries it.
            return _end(run, reports, stations, fault, collection)
    except ForecastError as error:
        return _end(run, reports, stations, error)
    except BaseException as error:
        # An internal error, or a second Ctrl-C: the status must not stay "running".
        run.progress.add_error(type(error).__name__, "the run ended unexpectedly")
        reports.status("failed", 1)
        raise


def _cluster(
    run: Run,
    stations: Stations,
    raw: Store,
    processed: Store,
    collection: ObservationCollection,
    uri: str,
    folder: Path,
) -> AbstractContextManager[DaskExecutor | None]:
    """The Dask cluster that the run's options ask for. Dask is only imported if they do."""
    if not run.options.on_cluster:
        return nullcontext()
    return dask_executor(run, stations, raw, processed, collection, uri, folder)


def _end(
    run: Run,
    reports: RunReports,
    stations: Stations,
    fault: ForecastError | None,
    collection: ObservationCollection | None = None,
) -> PipelineStatus:
    """Write the final status, then the dashboard, which shows it."""
    status = reports.end(fault)
    if not run.options.dry_run and not run.turned_away:
        write_dashboard_or_warn(run.settings, stations, fault, collection)
    return status


def _list_and_work(
    run: Run, reports: RunReports, pipeline: Pipeline, stations: Stations, raw: Store
) -> ForecastError | None:
    """List the objects and process them; return the fault that ended the run, if any."""
    try:
        selection = pipeline.selection()
        objects = list_objects(run, raw, selection)
        selection.end()
    except ForecastError as error:
        # A run with nothing to read still reports silent stations. The first fault is the one to fix.
        with suppress(ForecastError):
            pipeline.note_stations()
        return error
    return _work(run, reports, pipeline, stations, objects)


def _work(
    run: Run, reports: RunReports, pipeline: Pipeline, stations: Stations, objects: list[RawObject]
) -> ForecastError | None:
    """Process the objects, run QC and report; return the fault that ended the run, if any."""
    fault: ForecastError | None = None
    try:
        pipeline.execute(objects)
        pipeline.evaluate()
        pipeline.write_dataset()
    except ForecastError as error:
        fault = error
    return _report_findings(run, reports, pipeline, stations, fault)


def _report_findings(
    run: Run, reports: RunReports, pipeline: Pipeline, stations: Stations, fault: ForecastError | None
) -> ForecastError | None:
    """Write quality and migration reports, even if the run failed; return the fault that ends the run, if any.

    What was loaded is read back, unless the run failed because the database was lost: it does not wait for it again.
    """
    run.objects.sort(key=lambda counts: counts.key)
    check_counts(run.objects)
    if not isinstance(fault, RetryableError):
        try:
            with run.timed("report"):
                pipeline.note_stations()
        except ForecastError as error:
            fault = fault or error
    if run.options.dry_run:
        return fault
    found = verification(run.objects)
    with run.timed("report"):
        if not isinstance(fault, RetryableError):
            try:
                found = pipeline.verify()
            except ForecastError as error:
                # If one fault causes another, the first is the one to fix.
                fault = fault or error
        run.quality = generate_quality_report(run, stations)
        reports.findings(run.quality, found)
    if fault is None and not found.ok:
        return RetryableError(
            "records that were loaded are no longer in the database; was it restored or changed in the meantime? "
            "Run again with --reprocess"
        )
    return fault


def cli() -> None:
    """The `pipeline` command. Its script starts in forecast.cli, which imports this module when the command runs."""
    from forecast.cli.program import pipeline  # noqa: PLC0415  a floor above

    pipeline()


if __name__ == "__main__":
    cli()
