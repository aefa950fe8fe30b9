"""Publishes staged objects: to the processed zone, then to the database, then their checkpoints."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

import pandas as pd
import pyarrow as pa

from forecast.core.counts import ObjectCounts
from forecast.core.memory import trim_heap
from forecast.core.removals import removals_message
from forecast.core.schemas import RECORD_SCHEMA, to_frame, to_table
from forecast.core.stations import Stations
from forecast.core.text import counted
from forecast.extract.limits import CHUNK_ROWS
from forecast.mongo.client import ObservationCollection
from forecast.mongo.dry_run import DryRunOverlay
from forecast.mongo.loader import station_days
from forecast.mongo.qc_queue import PendingQc
from forecast.mongo.state import Begun, Checkpoints, Loaded
from forecast.mongo.strangers import strangers_named
from forecast.mongo.unfinished import written_by
from forecast.run import steps
from forecast.run.run import Run
from forecast.run.staged import StagedObject
from forecast.storage import Store, digest_of
from forecast.zone.withdrawal import Withdrawal, withdrawal
from forecast.zone.writer import publish, read_records, remove

LOGGER = logging.getLogger("forecast.run.loading")
_SAMPLED_ROWS = 20
_MAX_SAMPLED_ROWS = 500


@dataclass(frozen=True, slots=True)
class Loader:
    """Loads the staged objects of one run; in a dry run, `overlay` records what would be written."""

    run: Run
    stations: Stations
    processed: Store
    collection: ObservationCollection
    checkpoints: Checkpoints
    pending_qc: PendingQc
    overlay: DryRunOverlay | None = None
    counting: threading.Lock = field(default_factory=threading.Lock)

    def publish_and_load(self, bundle: Sequence[StagedObject]) -> None:
        """Publish staged objects to the processed zone, the database and the checkpoints, in this order.

        No two of them may hold the same observation (see `Bundle`).
        """
        begun = self.publish(bundle)
        self.end(bundle, begun, self.load(bundle, begun))

    def publish(self, bundle: Sequence[StagedObject]) -> dict[str, Begun]:
        """Publish staged objects to the processed zone; return what was known of each before, by URI."""
        run = self.run
        run.objects += [staged.counts for staged in bundle]
        begun = self._begin(bundle)
        if not run.options.dry_run:
            run.check_lease()
            self._publish(bundle)
        return begun

    def end(self, bundle: Sequence[StagedObject], begun: Mapping[str, Begun], days: set[tuple[str, int]]) -> None:
        """Write the checkpoints of loaded objects, and count them; `days` are their station-days."""
        run = self.run
        ended = [self._loaded(staged, begun[staged.raw.uri]) for staged in bundle]
        if not run.options.dry_run:
            # A concurrent run that took over the lease may have evaluated these days before they were all written.
            self.pending_qc.requeue(days)
            run.check_lease()
            # After their records are loaded, and before the entry that lists them is rewritten.
            with run.timed("save"):
                for _, earlier in ended:
                    remove(earlier.removed, self.processed)
            self.checkpoints.write(run.context.run_id, datetime.now(UTC), [loaded for loaded, _ in ended])
        for staged in bundle:
            self._count(staged)
        trim_heap()

    def _begin(self, bundle: Sequence[StagedObject]) -> dict[str, Begun]:
        keys = {staged.raw.uri: [file.key for file in staged.files] for staged in bundle}
        if not self.run.options.dry_run:
            return self.checkpoints.begin(self.run.context.run_id, keys)
        outdated = {uri: self.checkpoints.outdated(uri, of_object) for uri, of_object in keys.items()}
        return {uri: Begun(left_by=None, outdated=files) for uri, files in outdated.items()}

    def _publish(self, bundle: Sequence[StagedObject]) -> None:
        for staged in bundle:
            if not staged.published:
                with self.run.timed("save"):
                    publish(staged.files, self.processed)
                with self.counting:
                    self.run.progress.records_published += staged.counts.records_validated

    def load(self, bundle: Sequence[StagedObject], begun: Mapping[str, Begun]) -> set[tuple[str, int]]:
        """Load the records of published objects (`publish`) into the database; return their station-days."""
        run, by_uri = self.run, {staged.raw.uri: staged for staged in bundle}
        days: set[tuple[str, int]] = set()
        for records in read_records((file for staged in bundle for file in staged.files), CHUNK_ROWS):
            run.check_stop()
            with run.timed("report"):
                of_chunk = station_days(to_table(records[["station_id", "timestamp"]]))
                days |= of_chunk
                run.loaded_station_days |= of_chunk
            if any(one.left_by is not None for one in begun.values()):
                # What the previous run wrote is now unchanged, and its queue entries may be gone.
                self.pending_qc.enqueue(of_chunk)
            for uri in records["source_uri"].unique():
                # Before the load: it names this object as the source of what equal records of others have written.
                if (left_by := begun[uri].left_by) is not None:
                    by_uri[uri].counts.written_by_interrupted += written_by(left_by, uri, records, self.collection)
            with run.timed("load"), strangers_named(self.collection):
                loaded = steps.load_data(records, self.collection, self.overlay, self.pending_qc, run.conflicts)
            for uri, counts in loaded.items():
                counts.add_to(by_uri[uri].counts)
            for staged in bundle:
                if staged.published:
                    own = records[records["source_uri"] == staged.raw.uri]
                    staged.tally.add_validated(to_table(own), self.stations)
            if _takes_samples(run):
                run.samples.append(_sample(records))
        return days

    def _loaded(self, staged: StagedObject, begun: Begun) -> tuple[Loaded, Withdrawal]:
        """The checkpoint of a loaded object, and what becomes of the files of an earlier version."""
        with self.run.timed("save"):
            earlier = withdrawal(begun.outdated, staged.files, self.processed, staged.folder)
        _report_withdrawn(staged.counts, earlier, dry_run=self.run.options.dry_run)
        files = staged.published or {file.key: digest_of(file.path, file.key) for file in staged.files}
        return Loaded(staged.raw, files, staged.counts, staged.again_at, earlier.kept), earlier

    def _count(self, staged: StagedObject) -> None:
        """Count an object as loaded, and log it."""
        run, counts, dry_run = self.run, staged.counts, self.run.options.dry_run
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
        done = "would load" if dry_run else "loaded"
        facts = {"object": counts.key, **asdict(counts)}
        LOGGER.info(
            "%s %s: %s", done, staged.raw.key, counted(counts.records_validated, "record"), extra={"facts": facts}
        )


def add_samples(run: Run, samples: Iterable[pd.DataFrame]) -> None:
    """Keep a sample of a run's records (RECORD_SCHEMA), which is read back at the end of the run."""
    for sample in samples:
        if _takes_samples(run):
            run.samples.append(sample)


def _takes_samples(run: Run) -> bool:
    return sum(map(len, run.samples)) < _MAX_SAMPLED_ROWS


def _sample(records: pd.DataFrame) -> pd.DataFrame:
    table = to_table(records, RECORD_SCHEMA)
    rows = range(0, len(records), max(1, len(records) // _SAMPLED_ROWS))
    # Taking rows from a chunked table makes Arrow copy all of it, and plain slices would keep it in memory.
    return to_frame(pa.concat_tables(table.slice(row, 1) for row in rows).combine_chunks())


def _report_withdrawn(counts: ObjectCounts, earlier: Withdrawal, *, dry_run: bool) -> None:
    """Count and log what a new version of an object removes from the zone, or that it has nothing to add."""
    counts.records_withdrawn = earlier.records
    facts = {"object": counts.key, "records_withdrawn": earlier.records}
    if earlier.kept:
        words = "%s: no record of this version has a value; those of an earlier version stay in the processed zone"
        LOGGER.warning(words, counts.key, extra={"facts": facts})
    if earlier.records:
        LOGGER.warning(
            "%s: %d observations of an earlier version of this object are missing from this one; they %s no longer "
            "in the processed zone, but stay in the database",
            counts.key,
            earlier.records,
            "would be" if dry_run else "are",
            extra={"facts": facts},
        )
