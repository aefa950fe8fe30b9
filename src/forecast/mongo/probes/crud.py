"""`forecast crud-check`: create, read, update and delete one document on the real collection."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from bson.int64 import Int64
from pymongo import ReadPreference
from pymongo.errors import PyMongoError, WriteError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern
from rich.text import Text

from forecast.core.errors import SettingError
from forecast.core.format_version import FORMAT_KEY, FORMAT_VERSION
from forecast.core.settings import Settings
from forecast.mongo.client import ObservationCollection, connect, mongo_errors, validation_failed

EXIT_DONE, EXIT_FAILED = 0, 1
MAJORITY_TIMEOUT_MS = 10_000
# Before every observation: nobody who asks for real data gets this.
SCRATCH_TIME = datetime(1970, 1, 1, tzinfo=UTC)
SCRATCH_PARAMETER = "measurements.air_temperature"


def crud_check(settings: Settings, run_id: str) -> tuple[dict[str, Any], int]:
    """Try the four operations with write and read concern majority; give the report and the exit code.

    The document lives in the real collection, under the real validator, and is deleted whatever happens.
    Raises SettingError where the server refuses it, RetryableError where the server is unreachable.
    """
    with connect(settings) as connected, mongo_errors("checking create, read, update and delete"):
        collection = connected.with_options(
            write_concern=WriteConcern("majority", wtimeout=MAJORITY_TIMEOUT_MS),
            read_concern=ReadConcern("majority"),
            read_preference=ReadPreference.PRIMARY,
        )
        document = scratch_document(run_id)
        try:
            steps = _steps(collection, document)
        except WriteError as error:
            if validation_failed(dict(error.details or {})):
                raise SettingError(
                    f"the validator of {collection.full_name} refuses a document of this version; "
                    "a run of pipeline brings the validator up to date"
                ) from error
            raise
        finally:
            # After a lost connection this fails too, and the first fault is the one to report.
            with suppress(PyMongoError):
                collection.delete_one({"_id": document["_id"]})
    passed = all(step["ok"] for step in steps)
    report = {
        "collection": collection.full_name,
        "document_id": document["_id"],
        "write_concern": "majority",
        "read_concern": "majority",
        "steps": steps,
        "ok": passed,
    }
    return report, EXIT_DONE if passed else EXIT_FAILED


def render_crud(report: dict[str, Any]) -> Text:
    """One line per step, with its time in ms."""
    lines = [f"{report['collection']} (majority write and read)", f"document {report['document_id']}"]
    lines += [
        f"{step['step']:<7}{'ok' if step['ok'] else 'FAILED':<7}{step['ms']:>9.2f} ms  {step['detail']}"
        for step in report["steps"]
    ]
    return Text("\n".join(lines))


def scratch_document(run_id: str) -> dict[str, Any]:
    """Give a document as docs/using-the-data.md shows it, of a station that does not exist."""
    # The end of a run id distinguishes two runs of the same second.
    station_id = "crud-check-" + re.sub(r"[^A-Za-z0-9_-]", "-", run_id)[-29:]
    return {
        "_id": f"{station_id}@1970-01-01T00:00:00Z",
        "station": {
            "id": station_id,
            "name": "Scratch document of crud-check",
            "network": "crud-check",
            "network_id": station_id,
            "type": "static",
            "location": {"type": "Point", "coordinates": [0.0, 0.0]},
            "elevation": 0.0,
            "city": "none",
            "country": "FR",
            "region": "none",
            "licence": {"name": "none", "url": "https://example.org/none", "source": "crud-check"},
        },
        "timestamp": SCRATCH_TIME,
        "measurements": {"air_temperature": 1.5},
        "data_quality": {
            "completeness_score": 1.0,
            "flag": 1,
            "flags": {},
            "anomalies_detected": 0,
            "parse_issues": [],
            "qc_version": 1,
        },
        "metadata": {
            "source_uri": "crud-check",
            "source_row": "1",
            "extracted_at": SCRATCH_TIME,
            "generation_id": Int64(0),
            "sync_id": Int64(0),
            "source_modified_at": SCRATCH_TIME,
            "run_id": run_id,
            "ingested_at": SCRATCH_TIME,
            "pipeline_version": "crud-check",
            "digest": "0" * 32,
            FORMAT_KEY: FORMAT_VERSION,
        },
    }


def _steps(collection: ObservationCollection, document: dict[str, Any]) -> list[dict[str, Any]]:
    only = {"_id": document["_id"]}
    operations: tuple[tuple[str, Callable[[], bool], str], ...] = (
        ("create", lambda: collection.insert_one(document).acknowledged, "inserted"),
        ("read", lambda: collection.find_one(only) == document, "read back from a majority, equal"),
        ("update", lambda: _update(collection, only), "one value changed and read back from a majority"),
        ("delete", lambda: _delete(collection, only), "deleted, also on a majority"),
    )
    steps: list[dict[str, Any]] = []
    for name, operation, detail in operations:
        with _timed() as timing:
            done = operation()
        steps.append({"step": name, "ok": done, "ms": timing["ms"], "detail": detail if done else f"not {detail}"})
    return steps


def _update(collection: ObservationCollection, only: dict[str, Any]) -> bool:
    changed = collection.update_one(only, {"$set": {SCRATCH_PARAMETER: 2.5}}).modified_count
    found = collection.find_one(only)
    return changed == 1 and found is not None and found["measurements"] == {"air_temperature": 2.5}


def _delete(collection: ObservationCollection, only: dict[str, Any]) -> bool:
    return collection.delete_one(only).deleted_count == 1 and collection.find_one(only) is None


@contextmanager
def _timed() -> Iterator[dict[str, float]]:
    timing = {"ms": 0.0}
    begun = time.perf_counter()
    yield timing
    timing["ms"] = round((time.perf_counter() - begun) * 1000, 3)
