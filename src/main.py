"""The pipeline: extract, transform, validate, save and load, batch by batch; then the reports.

    raw object -> rows as found -> observations -> records -> processed zone -> MongoDB

A raw object is the unit of work. It is staged whole before any of it is published or loaded, so that an object that is
refused at its end leaves nothing behind; and while one is loaded, the next is staged.
"""

from __future__ import annotations

import logging
import shutil
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import pyarrow as pa
import typer

from forecast.checkpoints import Checkpoints
from forecast.cli import AsJson, new_app, print_result, progress_bar, with_settings
from forecast.database import Documents, connect, told_apart
from forecast.demo import demo_settings, what_next
from forecast.errors import ForecastError, InterruptedRunError, ObjectRejectedError, RetryableError, SettingError
from forecast.extract import extract
from forecast.extract.limits import CHUNK_ROWS
from forecast.extract.listing import is_marker, sync_day
from forecast.load import LoadCounts, load, prepare_collection
from forecast.memory import keep_memory_small
from forecast.observations import (
    OBSERVATION_SCHEMA,
    RECORD_SCHEMA,
    RawBatch,
    RawObject,
    Transformed,
    Validated,
    concat,
    to_frame,
    to_table,
)
from forecast.report.counts import ObjectCounts, QualityTally, check_counts, totals
from forecast.report.migration import migration_report
from forecast.report.quality import quality_report
from forecast.report.status import REPORT_NAME, status_report
from forecast.report.summary import render_summary
from forecast.report.write import write_report, write_timed_report
from forecast.runs import Run, RunOptions, stoppable, work_folder
from forecast.save import ObjectWriter
from forecast.settings import Settings
from forecast.stations import Stations, load_stations
from forecast.stores import S3Store, open_store
from forecast.transform import RECORD_CONTAINERS, RULES_VERSION, ObjectTransformer
from forecast.validate import validate

LOGGER = logging.getLogger("forecast.main")
_DAY = ["%Y-%m-%d"]
# Most of staging runs outside Python's lock, so two objects are staged at once while one is loaded and one waits.
_STAGED_AT_ONCE = 2
_WAITING_OBJECTS = 2
_SAMPLED_ROWS = 20
_MAX_SAMPLED_ROWS = 500


@dataclass(slots=True)
class StagedObject:
    """A raw object that was read to its end."""

    raw: RawObject
    digest: str
    folder: Path
    writer: ObjectWriter
    counts: ObjectCounts
    tally: QualityTally


def extract_data(path: Path, raw: RawObject) -> Iterator[RawBatch]:
    """Rows as found, in batches."""
    return extract(path, raw, RECORD_CONTAINERS)


def transform_data(transformer: ObjectTransformer, batch: RawBatch) -> Transformed:
    """Rows as found to observations."""
    return transformer.transform(batch)


def validate_data(observations: pd.DataFrame, stations: Stations, now: datetime) -> Validated:
    """Observations to records that may enter."""
    return validate(observations, stations, now)


def save_validated_to_s3(writer: ObjectWriter, validated: Validated) -> None:
    """Stage records and refused rows for the processed zone."""
    writer.add(validated.observations)
    writer.add_refused(validated.refused)


def load_data(records: pd.DataFrame, collection: Documents, *, dry_run: bool) -> dict[str, int]:
    """Records to MongoDB; what became of them."""
    return asdict(load(records, collection, dry_run=dry_run))


def generate_quality_report(run: Run, stations: Stations) -> dict[str, Any]:
    """What the run found, from its counts."""
    return quality_report(run.facts.run_id, run.tally, run.objects, stations, datetime.now(UTC))


class Pipeline:
    """One run over the raw zone."""

    def __init__(self, run: Run, stations: Stations, collection: Documents, folder: Path) -> None:
        self._run = run
        self._stations = stations
        self._collection = collection
        self._folder = folder
        self._raw = open_store(run.settings.require_raw_uri())
        self._processed = open_store(run.settings.require_processed_uri())
        self._checkpoints = Checkpoints.beside(collection, RULES_VERSION)

    def execute(self) -> None:
        """Process every raw object that is to be processed."""
        if not self._run.options.dry_run:
            prepare_collection(self._collection)
        objects = self.select()
        staging: deque[Future[StagedObject | None]] = deque()
        loading: deque[Future[None]] = deque()
        with (
            ThreadPoolExecutor(1, thread_name_prefix="load") as loader,
            ThreadPoolExecutor(_STAGED_AT_ONCE, thread_name_prefix="stage") as stagers,
            progress_bar(len(objects)) as advance,
        ):
            try:
                for number, raw in enumerate(objects):
                    self._run.check_stop()
                    staging.append(stagers.submit(self.stage, raw, self._folder / str(number)))
                    while len(staging) > _STAGED_AT_ONCE:
                        self._pass_on(staging, loading, loader, advance)
                while staging or loading:
                    self._pass_on(staging, loading, loader, advance)
            finally:
                loader.shutdown(wait=False, cancel_futures=True)
                stagers.shutdown(wait=False, cancel_futures=True)

    def _pass_on(
        self,
        staging: deque[Future[StagedObject | None]],
        loading: deque[Future[None]],
        loader: ThreadPoolExecutor,
        advance: Callable[[], None],
    ) -> None:
        """Hand the next staged object to the loader, and wait where the loader is behind."""
        if staging:
            staged = staging.popleft().result()
            if staged is None:
                advance()
            else:
                loading.append(loader.submit(self.publish_and_load, staged))
        while loading and (not staging or len(loading) > _WAITING_OBJECTS):
            loading.popleft().result()
            advance()

    def select(self) -> list[RawObject]:
        """The objects of this run, in the order of their keys."""
        run = self._run
        processed = {} if run.options.reprocess else self._checkpoints.processed()
        chosen = []
        for raw in self._raw.list():
            run.progress.objects_listed += 1
            if is_marker(raw):
                run.progress.objects_skipped += 1
            elif run.options.takes(sync_day(raw)):
                if processed.get(raw.uri) == raw.etag:
                    run.progress.objects_already_processed += 1
                else:
                    chosen.append(raw)
        return chosen

    def stage(self, raw: RawObject, folder: Path) -> StagedObject | None:
        """Read one object to its end, or say why not and leave it out."""
        folder.mkdir()
        counts = ObjectCounts(raw.key, raw.uri, "unfinished")
        try:
            return self._stage(raw, folder, counts)
        except ObjectRejectedError as error:
            self._leave_out(raw, "rejected", error.code, error.message)
        except RetryableError as error:
            self._leave_out(raw, "failed", "unreadable", error.message)
        shutil.rmtree(folder)
        return None

    def publish_and_load(self, staged: StagedObject) -> None:
        """Make a staged object visible: processed zone, database, checkpoint, in this order."""
        run, counts = self._run, staged.counts
        run.objects.append(counts)
        dry_run = run.options.dry_run
        if not dry_run:
            with run.timed("save"):
                staged.writer.publish(self._processed)
        for records in staged.writer.staged_records(CHUNK_ROWS):
            run.check_stop()
            with run.timed("load"):
                for name, count in load_data(records, self._collection, dry_run=dry_run).items():
                    setattr(counts, name, getattr(counts, name) + count)
            self._sample(records)
        counts.outcome = "loaded"
        if not dry_run:
            self._checkpoints.write(staged.raw, staged.digest, run.facts.run_id, datetime.now(UTC), asdict(counts))
        run.tally.merge(staged.tally)
        shutil.rmtree(staged.folder)
        LOGGER.info("loaded %s: %d records", staged.raw.key, counts.records_validated, extra={"facts": asdict(counts)})

    def verify(self) -> dict[str, Any]:
        """Read a sample of this run's records back from a majority: each is there, or a newer version of it is."""
        found = LoadCounts()
        if self._run.samples:
            found = load(concat(self._run.samples, RECORD_SCHEMA), self._collection, dry_run=True)
        with told_apart("counting the documents"):
            total = self._collection.estimated_document_count()
        inserted = sum(counts.inserted for counts in self._run.objects)
        missing = found.inserted + found.updated
        return {
            "documents_expected_at_least": inserted,
            "documents_in_database": total,
            "sample_checked": sum(asdict(found).values()),
            "digests_equal": found.unchanged,
            "read_concern": "majority",
            "ok": missing == 0 and total >= inserted,
        }

    def copy_report(self, path: Path) -> None:
        """A copy of a report in the processed zone, where that is on S3."""
        if isinstance(self._processed, S3Store):
            self._processed.publish(path, f"logs/{path.name}")

    def _stage(self, raw: RawObject, folder: Path, counts: ObjectCounts) -> StagedObject:
        run = self._run
        with run.timed("extract"):
            digest = self._raw.fetch(raw, folder / "object")
        writer = ObjectWriter(folder, digest, raw.uri, sync_day(raw), run.facts, self._stations)
        staged = StagedObject(raw, digest, folder, writer, counts, QualityTally())
        waiting: list[pd.DataFrame] = []
        for transformed in self._transformed(raw, folder / "object"):
            counts.rows_read += transformed.rows_read
            counts.rows_empty += transformed.rows_empty
            self._keep_refused(staged, transformed.refused)
            waiting.append(transformed.observations)
            if sum(map(len, waiting)) >= CHUNK_ROWS:
                self._validate_and_save(staged, waiting)
                waiting = []
        self._validate_and_save(staged, waiting)
        (folder / "object").unlink()
        return staged

    def _transformed(self, raw: RawObject, path: Path) -> Iterator[Transformed]:
        transformer = ObjectTransformer(raw.key, self._stations)
        batches = extract_data(path, raw)
        while True:
            self._run.check_stop()
            with self._run.timed("extract"):
                batch = next(batches, None)
            if batch is None:
                break
            with self._run.timed("transform"):
                transformed = transform_data(transformer, batch)
            yield transformed
        yield from transformer.finish()

    def _validate_and_save(self, staged: StagedObject, frames: list[pd.DataFrame]) -> None:
        observations = concat(frames, OBSERVATION_SCHEMA)
        if observations.empty:
            return
        with self._run.timed("validate"):
            validated = validate_data(observations, self._stations, self._run.facts.started_at)
        with self._run.timed("save"):
            save_validated_to_s3(staged.writer, validated)
        with self._run.timed("report"):
            staged.counts.records_validated += len(validated.observations)
            staged.counts.records_rejected += len(validated.refused)
            staged.tally.add_validated(validated.observations, self._stations)
            staged.tally.add_refused(validated.refused)

    def _keep_refused(self, staged: StagedObject, refused: pd.DataFrame) -> None:
        if len(refused):
            staged.counts.records_rejected += len(refused)
            staged.writer.add_refused(refused)
            staged.tally.add_refused(refused)

    def _sample(self, records: pd.DataFrame) -> None:
        if sum(map(len, self._run.samples)) < _MAX_SAMPLED_ROWS:
            rows = pa.array(range(0, len(records), max(1, len(records) // _SAMPLED_ROWS)))
            # Taken, not sliced: a slice would keep the whole frame.
            self._run.samples.append(to_frame(to_table(records, RECORD_SCHEMA).take(rows)))

    def _leave_out(self, raw: RawObject, outcome: str, code: str, message: str) -> None:
        self._run.objects.append(ObjectCounts(raw.key, raw.uri, outcome, error_code=code, error=message))
        LOGGER.error("%s %s: %s", outcome, raw.key, message, extra={"facts": {"object": raw.key, "code": code}})


def run_pipeline(
    settings: Settings, run_options: RunOptions, stations: Stations
) -> tuple[dict[str, Any], dict[str, Any]]:
    """One run; its status report (with the exit code) and its quality report.

    Raises ForecastError only for what fails before the run begins.
    """
    settings.require_raw_uri()
    settings.require_processed_uri()
    keep_memory_small()
    run = Run.begin(settings, run_options)
    fault: ForecastError | None = None
    reports: list[Path] = []
    _write_status(run, "running")
    with stoppable(run), work_folder() as folder:
        try:
            with connect(settings) as collection:
                pipeline = Pipeline(run, stations, collection, folder)
                try:
                    pipeline.execute()
                finally:
                    reports = _write_reports(run, pipeline, stations)
        except ForecastError as error:
            fault = error
            run.progress.add_error(type(error).__name__, error.message)
            LOGGER.error(error.message)  # noqa: TRY400  a sentence for a person, not a trace
        except BaseException as error:
            # A fault of the program, or a second Ctrl-C: the status must not say "running" for ever.
            run.progress.add_error(type(error).__name__, "the run ended unforeseen")
            _write_status(run, "failed", 1)
            raise
    status, exit_code = run.verdict() if fault is None else ("failed", fault.exit_code)
    if isinstance(fault, InterruptedRunError):
        status = "interrupted"
    if not run.options.dry_run:
        _note_what_was_written(run, reports)
    report = _write_status(run, status, exit_code)
    _copy_status(run)
    return report, generate_quality_report(run, stations)


def _note_what_was_written(run: Run, reports: list[Path]) -> None:
    sums = totals(run.objects)
    zone = f"{run.settings.require_processed_uri().rstrip('/')}/observations/"
    run.progress.add_written("records", zone, sums["records_validated"])
    place = f"{run.settings.mongodb_database}.{run.settings.mongodb_collection}"
    run.progress.add_written("documents", place, sums["inserted"] + sums["updated"])
    for path in reports:
        run.progress.add_written("report", str(path), 1)


def _write_reports(run: Run, pipeline: Pipeline, stations: Stations) -> list[Path]:
    """Quality and migration reports of what was done, also of a run that failed."""
    run.objects.sort(key=lambda counts: counts.key)
    check_counts(run.objects)
    if run.options.dry_run:
        return []
    with run.timed("report"):
        now = datetime.now(UTC)
        logs_dir = run.settings.logs_dir
        paths = [
            write_timed_report("quality_report", generate_quality_report(run, stations), logs_dir=logs_dir, now=now),
            write_timed_report(
                "migration_report",
                migration_report(run.facts.run_id, run.objects, pipeline.verify(), now),
                logs_dir=logs_dir,
                now=now,
            ),
        ]
        for path in paths:
            pipeline.copy_report(path)
    return paths


def _write_status(run: Run, status: str, exit_code: int | None = None) -> dict[str, Any]:
    finished = None if exit_code is None else datetime.now(UTC)
    report = status_report(
        run.info, run.progress, run.objects, status=status, exit_code=exit_code, finished_at=finished
    )
    if not run.options.dry_run:
        write_report(REPORT_NAME, report, logs_dir=run.settings.logs_dir, schema="pipeline_status")
    return report


def _copy_status(run: Run) -> None:
    """Copy the last report. Where the zone is out of reach, that has been told already, and the run ends as it did."""
    processed = open_store(run.settings.require_processed_uri())
    if run.options.dry_run or not isinstance(processed, S3Store):
        return
    try:
        processed.publish(run.settings.logs_dir / REPORT_NAME, f"logs/{REPORT_NAME}")
    except ForecastError as error:
        LOGGER.warning("no copy of %s: %s", REPORT_NAME, error.message)


def pipeline_command(
    settings: Settings,
    day: Annotated[
        datetime | None, typer.Option("--date", formats=_DAY, help="Only objects synced on this UTC day.")
    ] = None,
    since: Annotated[datetime | None, typer.Option(formats=_DAY, help="Only objects synced then or later.")] = None,
    until: Annotated[datetime | None, typer.Option(formats=_DAY, help="Only objects synced then or earlier.")] = None,
    reprocess: Annotated[bool, typer.Option("--reprocess", help="Also objects that were processed already.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Everything but the writing.")] = False,
    demo: Annotated[
        bool, typer.Option("--demo", help="Make synthetic raw data and run on it with the embedded MongoDB.")
    ] = False,
    max_rejection_rate: Annotated[float, typer.Option(help="Exit code 3 above this share of rejected records.")] = 0.05,
    as_json: AsJson = False,
) -> int:
    """Bring new weather observations from the raw zone into the processed zone and MongoDB, and report.

    Examples:

      pipeline --demo

      pipeline --raw-uri s3://bucket/airbyte-sync/ --processed-uri s3://bucket/processed/

      pipeline --since 2026-02-01 --until 2026-02-28 --reprocess --dry-run

    Exit codes: 0 done; 1 failed, run again; 2 change something first; 3 finished, but data was refused.
    """
    if day and (since or until):
        raise SettingError("--date goes without --since and --until")
    run_options = RunOptions(_day(day or since), _day(day or until), reprocess, dry_run, max_rejection_rate)
    if demo:
        settings = demo_settings(settings)
    status, quality = run_pipeline(settings, run_options, load_stations())
    print_result({"status": status, "quality": quality}, render_summary(status, quality), as_json=as_json)
    if demo and not as_json:
        print(what_next())  # noqa: T201
    return int(status["exit_code"])


def _day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()


app = new_app()
app.command("pipeline")(with_settings(pipeline_command))


def cli() -> None:
    """The `pipeline` command."""
    app()


if __name__ == "__main__":
    cli()
