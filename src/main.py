"""The pipeline: extract, transform, validate, save and load, batch by batch; then the reports.

    raw object -> rows as found -> observations -> records -> processed zone -> MongoDB

A raw object is the unit of work. It is staged whole before any of it is published or loaded, so that an object that is
refused at its end leaves nothing behind; and while one is loaded, the next is staged.
"""

from __future__ import annotations

import errno
import logging
import shutil
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import pyarrow as pa
import typer

from forecast.checkpoints import Checkpoints
from forecast.cli import AsJson, command_app, print_result, progress_bar
from forecast.conflicts import Conflicts
from forecast.database import Documents, connect, told_apart
from forecast.demo import demo_settings, what_next
from forecast.errors import ForecastError, ObjectRejectedError, RetryableError, SettingError
from forecast.extract import check_size, extract
from forecast.extract.limits import CHUNK_ROWS
from forecast.extract.listing import is_marker, sync_day
from forecast.foresee import ImaginedVersions, foresee
from forecast.load import load, prepare_collection, station_days
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
from forecast.recall import program_digest, recall
from forecast.report.counts import ObjectCounts, QualityTally, check_counts
from forecast.report.migration import verification
from forecast.report.outcome import RunReports
from forecast.report.quality import quality_report
from forecast.report.summary import render_summary
from forecast.runs import Run, RunOptions, stoppable, work_folder
from forecast.save import ObjectWriter, Source, ZoneFile, publish, read_records
from forecast.settings import Limits, Settings
from forecast.stations import Stations, load_stations
from forecast.stores import Store, digest_of, open_store
from forecast.transform import RECORD_CONTAINERS, RULES_VERSION, ObjectTransformer
from forecast.unjudged import Unjudged
from forecast.validate import validate
from forecast.verdicts import days_held, judge_marked, stored_flags
from forecast.versions import LoadCounts, StoredVersions

LOGGER = logging.getLogger("forecast.main")
_DAY = ["%Y-%m-%d"]
# One object is staged while another is loaded and two wait: staging is faster than loading, and two hostile objects
# staged at once would take twice the memory. Two loaded at once were a tenth faster, but the counts of what is new and
# what is newer would hang on chance where objects overlap.
_STAGED_AT_ONCE = 1
_WAITING_OBJECTS = 2
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
_SAMPLED_ROWS = 20
_MAX_SAMPLED_ROWS = 500


@dataclass(slots=True)
class StagedObject:
    """A raw object that was read to its end, as files for the processed zone.

    `published` has the digests, by key, of files that the zone holds already.
    """

    raw: RawObject
    folder: Path
    counts: ObjectCounts
    tally: QualityTally
    files: list[ZoneFile] = field(default_factory=list)
    published: Mapping[str, str] = field(default_factory=dict)


def extract_data(path: Path, raw: RawObject, limits: Limits) -> Iterator[RawBatch]:
    """Rows as found, in batches."""
    return extract(path, raw, RECORD_CONTAINERS, limits)


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


def load_data(
    records: pd.DataFrame,
    collection: Documents,
    imagined: ImaginedVersions | None,
    unjudged: Unjudged,
    conflicts: Conflicts,
) -> LoadCounts:
    """Records to MongoDB; what became of them, or would have in a dry run."""
    return foresee(records, imagined) if imagined else load(records, collection, unjudged, conflicts)


def generate_quality_report(run: Run, stations: Stations) -> dict[str, Any]:
    """What the run found, from its counts."""
    now = datetime.now(UTC)
    return quality_report(run.facts.run_id, run.tally, run.objects, stations, now, run.findings, run.conflicts)


def list_objects(run: Run, store: Store) -> list[RawObject]:
    """The raw objects of the days that were asked for, in the order of their keys; markers are counted and left out."""
    listed = []
    for raw in store.list():
        run.progress.objects_listed += 1
        if is_marker(raw):
            run.progress.objects_skipped += 1
        elif run.options.takes(sync_day(raw)):
            listed.append(raw)
    return listed


class Pipeline:
    """One run over the raw zone."""

    def __init__(
        self, run: Run, stations: Stations, raw: Store, processed: Store, collection: Documents, folder: Path
    ) -> None:
        self._run = run
        self._stations = stations
        self._collection = collection
        self._folder = folder
        self._imagined = ImaginedVersions(collection, folder / "imagined") if run.options.dry_run else None
        self._unjudged = Unjudged.beside(collection, run.facts.run_id)
        self._load_failed = threading.Event()
        self._raw = raw
        self._processed = processed
        self._checkpoints = Checkpoints.beside(collection, RULES_VERSION, program_digest(stations))

    def execute(self, listed: list[RawObject]) -> None:
        """Process every raw object of these that is to be processed."""
        if not self._run.options.dry_run:
            prepare_collection(self._collection)
        objects = self.select(listed)
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

    def select(self, listed: list[RawObject]) -> list[RawObject]:
        """Those of the listed objects that are not processed yet; all of them to reprocess."""
        if self._run.options.reprocess:
            return listed
        processed = self._checkpoints.processed()
        chosen = [raw for raw in listed if processed.get(raw.uri) != raw.etag]
        self._run.progress.objects_already_processed = len(listed) - len(chosen)
        return chosen

    def stage(self, raw: RawObject, folder: Path) -> StagedObject | None:
        """Read one object to its end, or say why not and leave it out."""
        folder.mkdir()
        try:
            return self._recalled(raw, folder) or self._stage(raw, folder)
        except ObjectRejectedError as error:
            self._leave_out(raw, "rejected", error.code, error.message)
        except RetryableError as error:
            self._leave_out(raw, "failed", "unreadable", error.message)
        except OSError as error:
            if error.errno not in _DISK_FULL:
                raise
            raise RetryableError(f"no space is left for temporary files in {folder.parent} (TMPDIR)") from error
        shutil.rmtree(folder)
        return None

    def publish_and_load(self, staged: StagedObject) -> None:
        """Make a staged object visible: processed zone, database, checkpoint, in this order.

        After one that failed nothing more is loaded: where the database is lost, the next would wait for it again.
        """
        if self._load_failed.is_set():
            return
        try:
            self._publish_and_load(staged)
        except BaseException:
            self._load_failed.set()
            raise

    def _publish_and_load(self, staged: StagedObject) -> None:
        run, counts = self._run, staged.counts
        run.objects.append(counts)
        dry_run = run.options.dry_run
        if not dry_run and not staged.published:
            with run.timed("save"):
                publish(staged.files, self._processed)
        for records in read_records(staged.files, CHUNK_ROWS):
            run.check_stop()
            with run.timed("load"):
                loaded = load_data(records, self._collection, self._imagined, self._unjudged, run.conflicts)
                loaded.add_to(counts)
            with run.timed("report"):
                run.touched |= station_days(to_table(records))
            if staged.published:
                staged.tally.add_validated(records, self._stations)
            self._sample(records)
        if not dry_run:
            files = staged.published or {file.key: digest_of(file.path, file.key) for file in staged.files}
            self._checkpoints.write(staged.raw, run.facts.run_id, datetime.now(UTC), files, counts)
        counts.outcome = "loaded"
        run.tally.merge(staged.tally)
        shutil.rmtree(staged.folder)
        LOGGER.info("loaded %s: %d records", staged.raw.key, counts.records_validated, extra={"facts": asdict(counts)})

    def judge(self) -> None:
        """Bring the verdicts up to date: those on what this run has loaded, on what a run before left, and around both.

        With --recheck those on everything.
        """
        run = self._run
        if run.options.dry_run:
            return
        if run.options.recheck:
            everything = days_held(self._collection, {})
            self._unjudged.mark((station, day) for station, days in everything.items() for day in days)
        with run.timed("validate"):
            counts = judge_marked(self._unjudged, self._collection, self._stations, run.findings, run.check_stop)
            run.progress.judged.add(counts)
        for words, facts in run.findings.warnings():
            LOGGER.warning(words, extra={"facts": facts})
        with run.timed("report"):
            for station, flags, number in stored_flags(run.touched - run.findings.judged_days, self._collection):
                run.findings.add_stored(station, flags, number)

    def verify(self) -> dict[str, Any]:
        """Read a sample of this run's records back from a majority: each is there, or a newer version of it is."""
        found = LoadCounts()
        if self._run.samples:
            found = foresee(concat(self._run.samples, RECORD_SCHEMA), StoredVersions(self._collection))
        with told_apart("counting the documents"):
            total = self._collection.estimated_document_count()
        return verification(self._run.objects, asdict(found), total)

    def _recalled(self, raw: RawObject, folder: Path) -> StagedObject | None:
        """What this program made of this object before, where it would make the same again."""
        run = self._run
        checkpoint = self._checkpoints.of_this_program(raw) if run.options.reprocess else None
        if checkpoint is None:
            return None
        with run.timed("extract"):
            files = recall(checkpoint, self._processed, folder)
        if files is None:
            return None
        made = {name: checkpoint.counts[name] for name in ("rows_read", "rows_empty", "records_validated")}
        counts = ObjectCounts(raw.key, raw.uri, "unfinished", **made)
        return StagedObject(raw, folder, counts, QualityTally(), files, checkpoint.files)

    def _stage(self, raw: RawObject, folder: Path) -> StagedObject:
        run = self._run
        check_size(raw.size, run.settings.limits)
        copy = folder / "raw" / "object"
        copy.parent.mkdir()
        with run.timed("extract"):
            digest = self._raw.fetch(raw, copy)
        writer = ObjectWriter(folder, Source(raw.key, raw.uri, digest, sync_day(raw)), run.facts, self._stations)
        staged = StagedObject(raw, folder, ObjectCounts(raw.key, raw.uri, "unfinished"), QualityTally())
        waiting: list[pd.DataFrame] = []
        for transformed in self._transformed(raw, copy):
            staged.counts.rows_read += transformed.rows_read
            staged.counts.rows_empty += transformed.rows_empty
            self._keep_refused(staged, writer, transformed.refused)
            waiting.append(transformed.observations)
            if sum(map(len, waiting)) >= CHUNK_ROWS:
                self._validate_and_save(staged, writer, waiting)
                waiting = []
        self._validate_and_save(staged, writer, waiting)
        # With what was unpacked beside it.
        shutil.rmtree(copy.parent)
        staged.files = writer.files
        return staged

    def _transformed(self, raw: RawObject, path: Path) -> Iterator[Transformed]:
        transformer = ObjectTransformer(raw.key, self._stations, self._run.facts.started_at)
        batches = extract_data(path, raw, self._run.settings.limits)
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

    def _validate_and_save(self, staged: StagedObject, writer: ObjectWriter, frames: list[pd.DataFrame]) -> None:
        observations = concat(frames, OBSERVATION_SCHEMA)
        if observations.empty:
            return
        with self._run.timed("validate"):
            validated = validate_data(observations, self._stations, self._run.facts.started_at)
        with self._run.timed("save"):
            save_validated_to_s3(writer, validated)
        with self._run.timed("report"):
            staged.counts.records_validated += len(validated.observations)
            staged.counts.records_rejected += len(validated.refused)
            staged.tally.add_validated(validated.observations, self._stations)
            staged.tally.add_refused(validated.refused)

    def _keep_refused(self, staged: StagedObject, writer: ObjectWriter, refused: pd.DataFrame) -> None:
        if len(refused):
            staged.counts.records_rejected += len(refused)
            writer.add_refused(refused)
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
    raw, processed = open_store(settings.require_raw_uri()), open_store(settings.require_processed_uri())
    keep_memory_small()
    run = Run.begin(settings, run_options)
    reports = RunReports(run, processed)
    with stoppable(run):
        reports.status("running")
        fault = _run(run, reports, raw, processed, stations)
        if fault is not None:
            run.progress.add_error(type(fault).__name__, fault.message)
            LOGGER.error(fault.message)
        return reports.status(*run.verdict(fault)), generate_quality_report(run, stations)


def _run(run: Run, reports: RunReports, raw: Store, processed: Store, stations: Stations) -> ForecastError | None:
    """All stages but the last status; the fault that ended the run, if one did."""
    fault: ForecastError | None = None
    try:
        with work_folder() as folder:
            objects = list_objects(run, raw)
            with connect(run.settings) as collection, run.writing(collection):
                pipeline = Pipeline(run, stations, raw, processed, collection, folder)
                try:
                    pipeline.execute(objects)
                    pipeline.judge()
                except ForecastError as error:
                    fault = error
                fault = _report_findings(run, reports, pipeline, stations, fault)
    except ForecastError as error:
        fault = fault or error
    except BaseException as error:
        # A fault of the program, or a second Ctrl-C: the status must not say "running" for ever.
        run.progress.add_error(type(error).__name__, "the run ended unforeseen")
        reports.status("failed", 1)
        raise
    return fault


def _report_findings(
    run: Run, reports: RunReports, pipeline: Pipeline, stations: Stations, fault: ForecastError | None
) -> ForecastError | None:
    """Quality and migration reports of what was done, also of a run that failed; the fault that ends the run.

    What was loaded is read back, unless the run failed for want of the database: it does not wait for that again.
    """
    run.objects.sort(key=lambda counts: counts.key)
    check_counts(run.objects)
    if run.options.dry_run:
        return fault
    found = verification(run.objects)
    with run.timed("report"):
        if not isinstance(fault, RetryableError):
            try:
                found = pipeline.verify()
            except ForecastError as error:
                # Where one fault brings another, the first is the one to mend.
                fault = fault or error
        reports.findings(generate_quality_report(run, stations), found)
    if fault is None and not found["ok"]:
        return RetryableError(
            "records that were loaded are not in the database any more; was it restored or changed meanwhile? "
            "Run again with --reprocess"
        )
    return fault


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
    recheck: Annotated[
        bool, typer.Option("--recheck", help="Bring old verdicts up to date, after a change of the checks' rules.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for another run to end.")] = False,
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
    run_options = RunOptions(
        _day(day or since), _day(day or until), reprocess, dry_run, max_rejection_rate, wait, recheck
    )
    if demo:
        settings = demo_settings(settings)
    status, quality = run_pipeline(settings, run_options, load_stations())
    print_result({"status": status, "quality": quality}, render_summary(status, quality), as_json=as_json)
    if demo and not as_json:
        print(what_next())  # noqa: T201
    return int(status["exit_code"])


def _day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()


app = command_app("pipeline", pipeline_command)


def cli() -> None:
    """The `pipeline` command."""
    app()


if __name__ == "__main__":
    cli()
