"""The processed zone into MongoDB again, and the proof that both hold the same."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from forecast.comparison import differing_records, documents_beyond, read_zone_file
from forecast.database import Documents, told_apart
from forecast.errors import SettingError
from forecast.load import load, prepare_collection
from forecast.observations import RawObject, to_frame
from forecast.report.counts import ObjectCounts
from forecast.report.migration import migration_report
from forecast.runs import work_folder
from forecast.save import OBSERVATIONS
from forecast.stores import Store

EXIT_DONE, EXIT_DIFFERS = 0, 3


def migrate(
    store: Store, collection: Documents, run_id: str, *, verify_only: bool = False
) -> tuple[dict[str, Any], int]:
    """Load every record file of the zone, then compare both; the report and the exit code.

    The proof: a second pass finds every record in the database, with the digest and the content of its newest version,
    and no document beside them. Raises SettingError where the zone holds no records or a file is none of ours.
    """
    files = [file for file in store.list(OBSERVATIONS) if file.key.endswith(".parquet")]
    if not files:
        raise SettingError(f"{store.uri} holds no records (observations/…parquet); is PROCESSED_URI right?")
    if not verify_only:
        prepare_collection(collection)
    with work_folder() as folder:
        objects = [] if verify_only else [_loaded(file, store, collection, folder) for file in files]
        checked = differing = 0
        for file in files:
            records = to_frame(read_zone_file(file, store, folder))
            checked += len(records)
            differing += differing_records(file, records, collection)
        beyond = documents_beyond(files, store, collection, folder)
    with told_apart("counting the documents"):
        documents = collection.count_documents({})
    verification = {
        "documents_expected_at_least": sum(counts.inserted for counts in objects),
        "documents_in_database": documents,
        "sample_checked": checked,
        "digests_equal": checked - differing,
        "documents_beyond": beyond,
        "read_concern": "majority",
        "ok": not differing and not beyond,
    }
    report = migration_report(run_id, objects, verification, datetime.now(UTC))
    return report, EXIT_DONE if verification["ok"] else EXIT_DIFFERS


def _loaded(file: RawObject, store: Store, collection: Documents, folder: Path) -> ObjectCounts:
    frame = to_frame(read_zone_file(file, store, folder))
    counts = ObjectCounts(file.key, file.uri, "loaded", rows_read=len(frame), records_validated=len(frame))
    load(frame, collection).add_to(counts)
    return counts
