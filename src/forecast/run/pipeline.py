"""One run over the raw zone: an executor processes the objects, then QC is updated."""

from __future__ import annotations

import logging
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from forecast.core.logs import progress_bar
from forecast.core.memory import trim_heap
from forecast.core.presence import Presence
from forecast.core.raw_objects import RawObject
from forecast.core.schemas import RECORD_SCHEMA, concat
from forecast.core.stations import Stations
from forecast.mongo.client import ObservationCollection, mongo_errors
from forecast.mongo.dataset_state import DatasetState, is_empty
from forecast.mongo.dry_run import DryRunOverlay, plan_load
from forecast.mongo.format import check_format
from forecast.mongo.loaded_rows import LoadedRows
from forecast.mongo.loader import prepare_collection
from forecast.mongo.presence import days_until, presence_of
from forecast.mongo.qc_queue import PendingQc
from forecast.mongo.qc_update import enqueue_everything, evaluate_pending
from forecast.mongo.state import Checkpoints
from forecast.mongo.station_states import StationStates
from forecast.mongo.stored_flags import stored_flags
from forecast.mongo.stored_versions import StoredVersions
from forecast.mongo.strangers import strangers_named
from forecast.mongo.versions import LoadCounts
from forecast.report.advice import warnings
from forecast.report.migration import verification
from forecast.report.models.migration import Verification
from forecast.report.silence import silence_warnings, silent_stations, stations_seen
from forecast.run.cache import program_digest
from forecast.run.dataset import DatasetWriter
from forecast.run.dataset_feed import DatasetFeed
from forecast.run.disk_budget import DiskBudget
from forecast.run.executor import Executor, ThreadExecutor
from forecast.run.loading import Loader
from forecast.run.run import Run
from forecast.run.selection import Selection
from forecast.run.staging import Stager
from forecast.storage import Store
from forecast.transform import RULES_VERSION
from forecast.zone.dataset import CURRENT

if TYPE_CHECKING:
    from forecast.run.cluster.executor import DaskExecutor

LOGGER = logging.getLogger("forecast.run.pipeline")


class Pipeline:
    """One run over the raw zone, with the threads of this process or a cluster."""

    def __init__(
        self,
        run: Run,
        stations: Stations,
        raw: Store,
        processed: Store,
        collection: ObservationCollection,
        folder: Path,
        cluster: DaskExecutor | None = None,
    ) -> None:
        self._run = run
        self._stations = stations
        self._processed = processed
        self._collection = collection
        self._folder = folder
        self._overlay = DryRunOverlay(collection, folder / "overlay") if run.options.dry_run else None
        self._pending_qc = PendingQc.for_collection(collection, run.context.run_id, LoadedRows())
        self._checkpoints = checkpoints = Checkpoints.for_collection(
            collection, RULES_VERSION, program_digest(stations), processed.place
        )
        space = DiskBudget(run.settings.limits.temporary_bytes, run.check_stop)
        run_id, check_stop = run.context.run_id, run.check_stop
        self._dataset = DatasetWriter(processed, collection, stations, run_id, folder, check_stop)
        stager = Stager(run, stations, raw, processed, checkpoints, space)
        loader = Loader(run, stations, processed, collection, checkpoints, self._pending_qc, self._overlay)
        self._presence: Future[Presence] | None = None
        self._cluster = cluster
        self._executor: Executor = cluster or ThreadExecutor(run, stager, loader, folder)

    def close(self) -> None:
        """Close the overlay of a dry run."""
        if self._overlay is not None:
            self._overlay.close()

    def selection(self) -> Selection:
        """The selection of the objects to process."""
        return Selection(self._run, self._stations, self._collection, self._checkpoints)

    def execute(self, objects: list[RawObject]) -> None:
        """Process these raw objects."""
        if self._run.options.dry_run:
            check_format(self._collection)
        else:
            prepare_collection(self._collection)
            self._checkpoints.prepare()
            if is_empty(self._collection):
                # Somebody may have emptied the collection; the dataset would otherwise keep its old content.
                DatasetState.for_collection(self._collection).forget()
                self._dataset.began_empty = True
        with strangers_named(self._collection), progress_bar(len(objects)) as advance:
            self._executor.process(objects, advance)

    def evaluate(self) -> None:
        """Update the flags of what this run loaded, of what earlier runs left pending, and of what depends on these.

        With --rerun-qc, update all flags.
        """
        run = self._run
        if run.options.dry_run:
            return
        # Freed blocks from loading have other sizes than those that the checks need.
        trim_heap(above=0)
        with (
            run.timed("qc"),
            strangers_named(self._collection),
            ThreadPoolExecutor(1, thread_name_prefix="presence") as beside,
        ):
            # The checks change neither stations nor times, and leave the server idle.
            self._presence = beside.submit(self._read_presence)
            if run.options.rerun_qc:
                enqueue_everything(self._pending_qc, self._collection)
            with DatasetFeed(self._dataset, lambda: run.timed("dataset")) as feed:
                of = (self._pending_qc, self._collection, self._stations)
                elsewhere = None if self._cluster is None else self._cluster.evaluate
                counts = evaluate_pending(*of, run.findings, run.check_stop, feed, elsewhere)
                run.progress.evaluated.add(counts)
        for words, facts in warnings(run.findings):
            LOGGER.warning(words, extra={"facts": facts})
        with run.timed("report"), strangers_named(self._collection):
            for stored in stored_flags(run.loaded_station_days - run.findings.evaluated_days, self._collection):
                run.findings.add_stored(*stored)

    def write_dataset(self) -> None:
        """Update the dataset with what this run loaded or reflagged, and what earlier runs left pending."""
        run = self._run
        if run.options.dry_run:
            return
        with run.timed("dataset"), strangers_named(self._collection):
            counts = self._dataset.write()
        if counts.rows:
            run.progress.add_written("dataset", f"{self._processed.uri.rstrip('/')}/{CURRENT}", counts.rows)

    def note_stations(self) -> None:
        """Record the newest observation of each station, and what there is on the days that this run changed.

        A dry run has written nothing, so what it read counts as received.
        """
        run, now = self._run, datetime.now(UTC)
        max_age_hours = run.settings.max_data_age_hours
        found = self._read_presence() if self._presence is None else self._presence.result()
        newly_silent = None
        if run.options.dry_run:
            found = replace(found, received={name: one.observations for name, one in run.tally.stations.items()})
        else:
            newly_silent = StationStates.for_collection(self._collection).note(self._stations, found, now)
        run.presence = found
        run.progress.seen = stations_seen(found, self._stations, now)
        if max_age_hours is not None:
            run.progress.stations_silent = len(silent_stations(run.progress.seen))
            run.progress.stations_newly_silent = None if newly_silent is None else len(newly_silent)
        for words, facts in silence_warnings(run.progress.seen, max_age_hours):
            LOGGER.warning(words, extra={"facts": facts})

    def _read_presence(self) -> Presence:
        run = self._run
        days = {day for _, day in run.loaded_station_days} or days_until(datetime.now(UTC))
        with strangers_named(self._collection):
            return presence_of(self._collection, self._stations, days, run.settings.max_data_age_hours)

    def verify(self) -> Verification:
        """Read a sample of this run's records back from a majority; each must be stored, or a newer version of it."""
        found = LoadCounts()
        if self._run.samples:
            found = plan_load(concat(self._run.samples, RECORD_SCHEMA), StoredVersions(self._collection))
        with mongo_errors("counting the documents"):
            total = self._collection.estimated_document_count()
        return verification(self._run.objects, asdict(found), total)
