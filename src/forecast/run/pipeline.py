"""One run over the raw zone: objects are staged ahead and loaded one after another; then they are evaluated.

A raw object is the unit of work: while one is loaded, the next is staged.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa

from forecast.core.counts import ObjectCounts
from forecast.core.logs import progress_bar
from forecast.core.memory import trim_heap
from forecast.core.raw_objects import RawObject
from forecast.core.removals import removals_message
from forecast.core.schemas import RECORD_SCHEMA, concat, to_frame, to_table
from forecast.core.stations import Stations
from forecast.extract.limits import CHUNK_ROWS
from forecast.mongo.client import ObservationCollection, mongo_errors
from forecast.mongo.dataset_state import DatasetState, is_empty
from forecast.mongo.dry_run import DryRunOverlay, plan_load
from forecast.mongo.format import check_format
from forecast.mongo.loader import prepare_collection, station_days
from forecast.mongo.presence import days_until, presence_of
from forecast.mongo.qc_queue import PendingQc
from forecast.mongo.qc_update import enqueue_everything, evaluate_pending, stored_flags
from forecast.mongo.state import Begun, Checkpoints
from forecast.mongo.station_states import StationStates
from forecast.mongo.stored_versions import StoredVersions
from forecast.mongo.strangers import strangers_named
from forecast.mongo.versions import LoadCounts
from forecast.report.advice import warnings
from forecast.report.migration import verification
from forecast.report.models.migration import Verification
from forecast.report.silence import silence_warnings, silent_stations, stations_seen
from forecast.run import steps
from forecast.run.cache import program_digest
from forecast.run.dataset import DatasetWriter
from forecast.run.dataset_feed import DatasetFeed
from forecast.run.disk_budget import DiskBudget
from forecast.run.run import Run
from forecast.run.selection import Selection
from forecast.run.staging import StagedObject, Stager
from forecast.storage import Store, digest_of
from forecast.transform import RULES_VERSION
from forecast.zone.dataset import CURRENT
from forecast.zone.withdrawal import Withdrawal, withdrawal
from forecast.zone.writer import publish, read_records, remove

LOGGER = logging.getLogger("forecast.run.pipeline")
# One object is staged while another is loaded and two wait: staging is faster than loading, and two hostile objects
# staged at once would take twice the memory. Two loaded at once were a tenth faster, but the counts of what is new and
# what is newer would depend on chance where objects overlap.
_STAGED_AT_ONCE = 1
_WAITING_OBJECTS = 2
_SAMPLED_ROWS = 20
_MAX_SAMPLED_ROWS = 500


class Pipeline:
    """One run over the raw zone."""

    def __init__(
        self,
        run: Run,
        stations: Stations,
        raw: Store,
        processed: Store,
        collection: ObservationCollection,
        folder: Path,
    ) -> None:
        self._run = run
        self._stations = stations
        self._processed = processed
        self._collection = collection
        self._folder = folder
        self._overlay = DryRunOverlay(collection, folder / "overlay") if run.options.dry_run else None
        self._pending_qc = PendingQc.for_collection(collection, run.context.run_id)
        self._load_failed = threading.Event()
        self._checkpoints = Checkpoints.for_collection(
            collection, RULES_VERSION, program_digest(stations), processed.place
        )
        self._space = DiskBudget(run.settings.limits.temporary_bytes, run.check_stop)
        run_id, check_stop = run.context.run_id, run.check_stop
        self._dataset = DatasetWriter(processed, collection, stations, run_id, folder, check_stop)
        self._stager = Stager(run, stations, raw, processed, self._checkpoints, self._space)

    def close(self) -> None:
        """Close what a dry run imagines."""
        if self._overlay is not None:
            self._overlay.close()

    def selection(self) -> Selection:
        """What chooses the objects to be processed among those that are there."""
        return Selection(self._run, self._stations, self._collection, self._checkpoints)

    def execute(self, objects: list[RawObject]) -> None:
        """Process these raw objects."""
        if self._run.options.dry_run:
            check_format(self._collection)
        else:
            prepare_collection(self._collection)
            if is_empty(self._collection):
                # Somebody may have emptied it: what the dataset has beside what comes now would stay.
                DatasetState.for_collection(self._collection).forget()
                self._dataset.began_empty = True
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
                    staging.append(stagers.submit(self._stager.stage, raw, self._folder / str(number)))
                    while len(staging) > _STAGED_AT_ONCE:
                        self._pass_on(staging, loading, loader, advance)
                while staging or loading:
                    self._pass_on(staging, loading, loader, advance)
            finally:
                self._space.close()
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

    def publish_and_load(self, staged: StagedObject) -> None:
        """Make a staged object visible: processed zone, database, checkpoint, in this order.

        After one that failed nothing more is loaded: where the database is lost, the next would wait for it again.
        """
        try:
            if not self._load_failed.is_set():
                self._publish_and_load(staged)
        except BaseException:
            self._load_failed.set()
            raise
        finally:
            # Also of those that are not loaded: the next may wait for their room.
            self._stager.remove(staged.folder)

    def _publish_and_load(self, staged: StagedObject) -> None:
        run, counts = self._run, staged.counts
        run.objects.append(counts)
        dry_run = run.options.dry_run
        keys = [file.key for file in staged.files]
        if dry_run:
            begun = Begun(broken_off=False, outdated=self._checkpoints.outdated(staged.raw.uri, keys))
        else:
            begun = self._checkpoints.begin(staged.raw.uri, run.context.run_id, keys)
            if not staged.published:
                with run.timed("save"):
                    publish(staged.files, self._processed)
                run.progress.records_published += counts.records_validated
        days: set[tuple[str, int]] = set()
        for records in read_records(staged.files, CHUNK_ROWS):
            run.check_stop()
            with run.timed("report"):
                of_chunk = station_days(to_table(records[["station_id", "timestamp"]]))
                days |= of_chunk
                run.loaded_station_days |= of_chunk
            if begun.broken_off:
                # What the run before it wrote is unchanged now, and its marks may be gone.
                self._pending_qc.enqueue(of_chunk)
            with run.timed("load"), strangers_named(self._collection):
                loaded = steps.load_data(records, self._collection, self._overlay, self._pending_qc, run.conflicts)
                loaded.add_to(counts)
            if staged.published:
                staged.tally.add_validated(records, self._stations)
            self._sample(records)
        with run.timed("save"):
            earlier = withdrawal(begun.outdated, staged.files, self._processed, staged.folder)
        _tell_withdrawn(counts, earlier, dry_run=dry_run)
        if not dry_run:
            # A concurrent run that took this run's lease may have evaluated these days before they were all written.
            self._pending_qc.requeue(days)
            # When their records are loaded, and before the entry that knows of them is written anew.
            with run.timed("save"):
                remove(earlier.removed, self._processed)
            files = staged.published or {file.key: digest_of(file.path, file.key) for file in staged.files}
            now = datetime.now(UTC)
            self._checkpoints.write(staged.raw, run.context.run_id, now, files, counts, staged.again_at, earlier.kept)
        if counts.values_removed:
            words = removals_message(run.conflicts.removed_by(staged.raw.uri))
            LOGGER.warning(
                "%s: %d stored values %s replaced by records of this object that lack them: %s",
                staged.raw.key,
                counts.values_removed,
                "would be" if dry_run else "were",
                words,
                extra={"facts": {"object": staged.raw.key, "values_removed": counts.values_removed}},
            )
        counts.outcome = "loaded"
        run.tally.merge(staged.tally)
        trim_heap()
        done = "would load" if dry_run else "loaded"
        facts = {"object": counts.key, **asdict(counts)}
        LOGGER.info("%s %s: %d records", done, staged.raw.key, counts.records_validated, extra={"facts": facts})

    def evaluate(self) -> None:
        """Bring the flags up to date: those on what this run has loaded, on what a run before left, and around both.

        With --rerun-qc those on everything.
        """
        run = self._run
        if run.options.dry_run:
            return
        # What loading has left is in blocks of another size than what the checks want.
        trim_heap(above=0)
        with run.timed("qc"), strangers_named(self._collection):
            if run.options.rerun_qc:
                enqueue_everything(self._pending_qc, self._collection)
            with DatasetFeed(self._dataset, lambda: run.timed("dataset")) as feed:
                of = (self._pending_qc, self._collection, self._stations)
                run.progress.evaluated.add(evaluate_pending(*of, run.findings, run.check_stop, feed))
        for words, facts in warnings(run.findings):
            LOGGER.warning(words, extra={"facts": facts})
        with run.timed("report"), strangers_named(self._collection):
            for station, flags, number in stored_flags(
                run.loaded_station_days - run.findings.evaluated_days, self._collection
            ):
                run.findings.add_stored(station, flags, number)

    def write_dataset(self) -> None:
        """Bring the dataset up to date: what this run has loaded or flagged anew, and what a run before left."""
        run = self._run
        if run.options.dry_run:
            return
        with run.timed("dataset"), strangers_named(self._collection):
            counts = self._dataset.write()
        if counts.rows:
            run.progress.add_written("dataset", f"{self._processed.uri.rstrip('/')}/{CURRENT}", counts.rows)

    def note_stations(self) -> None:
        """Note when each station was last heard, and what there is of the days that this run has touched.

        A dry run has written nothing: what it has read is what was received.
        """
        run, now = self._run, datetime.now(UTC)
        days = {day for _, day in run.loaded_station_days} or days_until(now)
        max_age_hours = run.settings.max_data_age_hours
        with strangers_named(self._collection):
            found = presence_of(self._collection, self._stations, days, max_age_hours)
        if run.options.dry_run:
            found = replace(found, received={name: one.observations for name, one in run.tally.stations.items()})
        else:
            StationStates.for_collection(self._collection).note(self._stations, found, now)
        run.presence = found
        run.progress.seen = stations_seen(found, self._stations, now)
        if max_age_hours is not None:
            run.progress.stations_silent = len(silent_stations(run.progress.seen))
        for words, facts in silence_warnings(run.progress.seen, max_age_hours):
            LOGGER.warning(words, extra={"facts": facts})

    def verify(self) -> Verification:
        """Read a sample of this run's records back from a majority: each is there, or a newer version of it is."""
        found = LoadCounts()
        if self._run.samples:
            found = plan_load(concat(self._run.samples, RECORD_SCHEMA), StoredVersions(self._collection))
        with mongo_errors("counting the documents"):
            total = self._collection.estimated_document_count()
        return verification(self._run.objects, asdict(found), total)

    def _sample(self, records: pd.DataFrame) -> None:
        if sum(map(len, self._run.samples)) < _MAX_SAMPLED_ROWS:
            table = to_table(records, RECORD_SCHEMA)
            rows = range(0, len(records), max(1, len(records) // _SAMPLED_ROWS))
            # To take rows of a table in chunks, Arrow copies it whole; and slices alone would keep it.
            self._run.samples.append(to_frame(pa.concat_tables(table.slice(row, 1) for row in rows).combine_chunks()))


def _tell_withdrawn(counts: ObjectCounts, earlier: Withdrawal, *, dry_run: bool) -> None:
    """Count and name what a new version of an object takes out of the zone, or that it has nothing to put there."""
    counts.records_withdrawn = earlier.records
    facts = {"object": counts.key, "records_withdrawn": earlier.records}
    if earlier.kept:
        words = "%s: no record of this version has a value: the records of an earlier one stay in the processed zone"
        LOGGER.warning(words, counts.key, extra={"facts": facts})
    if earlier.records:
        LOGGER.warning(
            "%s: %d observations that an earlier version of this object gave are not in this one: they %s no longer "
            "in the processed zone, but stay in the database",
            counts.key,
            earlier.records,
            "would be" if dry_run else "are",
            extra={"facts": facts},
        )
