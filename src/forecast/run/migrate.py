"""Loads the processed zone into MongoDB again, and verifies that both are the same."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path

from forecast.core.counts import ObjectCounts
from forecast.core.errors import SettingError
from forecast.core.raw_objects import RawObject
from forecast.core.removals import removals_message
from forecast.core.schemas import to_frame
from forecast.core.stations import Stations
from forecast.core.work_folder import work_folder
from forecast.mongo.client import ObservationCollection, mongo_errors
from forecast.mongo.conflicts import Conflicts
from forecast.mongo.days_check import outdated_days
from forecast.mongo.loader import check_collection, load, prepare_collection
from forecast.mongo.qc_evaluation import days_held, outdated_flags
from forecast.mongo.qc_queue import PendingQc
from forecast.mongo.qc_update import enqueue_everything, evaluate_pending
from forecast.mongo.station_states import note_stations
from forecast.mongo.strangers import strangers_named
from forecast.mongo.verify import differing_records, orphaned_documents, read_zone_file
from forecast.report.migration import migration_report
from forecast.report.models.migration import MigrationReport, Verification
from forecast.run.dataset_check import compare_dataset
from forecast.storage import Store
from forecast.zone.writer import OBSERVATIONS

LOGGER = logging.getLogger("forecast.run.migrate")
EXIT_DONE, EXIT_DIFFERS = 0, 3


def migrate(
    store: Store,
    collection: ObservationCollection,
    stations: Stations,
    run_id: str,
    *,
    verify_only: bool = False,
    max_age_hours: float | None = None,
) -> tuple[MigrationReport, int]:
    """Load every record file of the zone, run QC, then compare both; return the report and the exit code.

    Daily aggregates and the stations' states are rebuilt. A station is silent after `max_age_hours`.

    Verification: a second pass finds every record in the database, with digest and content of its newest version,
    and no other document; every flag equals the current result of the checks; and the dataset, if
    it is this collection's, matches the database. Raises SettingError if the zone has no records, or if a
    file was not written by this program.
    """
    files = [file for file in store.list(OBSERVATIONS) if file.key.endswith(".parquet")]
    if not files:
        raise SettingError(f"{store.uri} has no records (observations/…parquet); is PROCESSED_URI right?")
    if verify_only:
        check_collection(collection)
    else:
        prepare_collection(collection)
    with work_folder() as folder, strangers_named(collection):
        pending_qc = PendingQc.for_collection(collection, run_id)
        conflicts = Conflicts()
        objects = (
            [] if verify_only else [_loaded(file, store, collection, folder, pending_qc, conflicts) for file in files]
        )
        if conflicts.removed:
            words = removals_message(conflicts.removed)
            LOGGER.warning(
                "%d stored values were replaced by records of the zone that lack them: %s",
                conflicts.removed.total(),
                words,
            )
        if not verify_only:
            # Even if no document is new, the daily aggregates are rebuilt from what is stored.
            enqueue_everything(pending_qc, collection)
            evaluate_pending(pending_qc, collection, stations)
            note_stations(collection, stations, datetime.now(UTC), max_age_hours)
        checked = differing = 0
        for file in files:
            records = to_frame(read_zone_file(file, store, folder))
            checked += len(records)
            differing += differing_records(file, records, collection)
        beyond = orphaned_documents(files, store, collection, folder)
        outdated = _outdated_flags(collection, stations)
        days = _outdated_days(collection, stations)
        dataset = compare_dataset(store, collection, stations, folder)
    with mongo_errors("counting the documents"):
        documents = collection.count_documents({})
    verification = Verification(
        documents_expected_at_least=sum(counts.inserted for counts in objects),
        documents_in_database=documents,
        sample_checked=checked,
        matching=checked - differing,
        orphaned=beyond,
        outdated_flags=outdated,
        outdated_days=days,
        dataset=dataset,
        read_concern="majority",
        ok=not any((differing, beyond, outdated, days, dataset.differing, dataset.hours_differing)),
    )
    report = migration_report(run_id, objects, verification, datetime.now(UTC), conflicts.removed)
    return report, EXIT_DONE if verification.ok else EXIT_DIFFERS


def _outdated_flags(collection: ObservationCollection, stations: Stations) -> int:
    """How many documents have outdated flags; each is logged."""
    number = 0
    for name in outdated_flags(days_held(collection, {}), collection, stations):
        LOGGER.error("document %s has outdated flags; run pipeline --rerun-qc", name)
        number += 1
    return number


def _outdated_days(collection: ObservationCollection, stations: Stations) -> int:
    """How many daily aggregates do not match the observations; each is logged."""
    number = 0
    for name in outdated_days(days_held(collection, {}), collection, stations):
        LOGGER.error("daily aggregate %s does not match the observations; run pipeline --rerun-qc", name)
        number += 1
    return number


def _loaded(
    file: RawObject,
    store: Store,
    collection: ObservationCollection,
    folder: Path,
    pending_qc: PendingQc,
    conflicts: Conflicts,
) -> ObjectCounts:
    frame = to_frame(read_zone_file(file, store, folder))
    counts = ObjectCounts(file.key, file.uri, "loaded", rows_read=len(frame), records_validated=len(frame))
    load(frame, collection, pending_qc, conflicts).add_to(counts)
    return counts
