"""Processes quarantined rows again, after a station was added or a rule corrected.

Rows that pass now are loaded and marked in their file; the others stay as they are. A file without any further rows
that pass is not changed, so replaying twice changes nothing.
"""

from __future__ import annotations

import gzip
import json
import logging
import shutil
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from forecast.core.errors import ForecastError, ObjectRejectedError, SettingError
from forecast.core.raw_objects import RawObject
from forecast.core.removals import removals_message
from forecast.core.schemas import (
    OBSERVATION_SCHEMA,
    ORIGIN_SCHEMA,
    VALIDATED_SCHEMA,
    RawBatch,
    concat_tables,
    frame_of,
    to_frame,
)
from forecast.core.stations import Stations
from forecast.core.text import counted
from forecast.extract.json.lines import rows_of_records
from forecast.extract.limits import CHUNK_ROWS
from forecast.mongo.client import ObservationCollection
from forecast.mongo.conflicts import Conflicts
from forecast.mongo.loader import load, prepare_collection
from forecast.mongo.qc_queue import PendingQc
from forecast.mongo.qc_update import evaluate_pending
from forecast.mongo.state import INTERNAL_ERROR, Checkpoints
from forecast.mongo.station_states import note_stations
from forecast.run.cache import program_digest
from forecast.run.dataset import DatasetWriter
from forecast.storage import Store
from forecast.transform import RULES_VERSION, ObjectTransformer
from forecast.validate import validate
from forecast.zone.station_columns import StationColumns
from forecast.zone.writer import REJECTED, ObjectWriter, RunContext, Source, publish, read_records, remove

LOGGER = logging.getLogger("forecast.run.replay")
# In a line of the reject store: the replay that loaded its row.
MARK = "replayed"
# Follows the digest in the names of the files with replayed records.
_REPLAYED = "-replayed"
# Depends on the other rows of an object, which are missing here; the whole object has to be processed again.
_BY_OTHER_ROWS = ("ambiguous_local_time", "aggregate_values")
Line = dict[str, Any]


@dataclass(slots=True)
class ReplayCounts:
    """rows = replayed_before + replayed + still_quarantined; replayed_before + replayed = the sum of the load's counts.

    A file is changed if further rows of it pass; the load counts the records of changed files.
    `rows_failed` of those still quarantined are there because of internal errors.
    """

    files: int = 0
    files_changed: int = 0
    rows: int = 0
    replayed_before: int = 0
    replayed: int = 0
    still_quarantined: int = 0
    rows_failed: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    superseded: int = 0
    values_removed: int = 0

    def add(self, other: ReplayCounts) -> None:
        """Add the counts of one file."""
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))


@dataclass(frozen=True, slots=True)
class ReplayContext:
    """What is needed to process rows and to load them."""

    zone: Store
    collection: ObservationCollection
    stations: Stations
    run: RunContext
    max_age_hours: float | None = None


def replay(context: ReplayContext, folder: Path) -> ReplayCounts:
    """Replay every file of the reject store; `folder` is for copies."""
    prepare_collection(context.collection)
    counts = ReplayCounts()
    pending_qc = PendingQc.for_collection(context.collection, context.run.run_id)
    program = program_digest(context.stations)
    checkpoints = Checkpoints.for_collection(context.collection, RULES_VERSION, program, context.zone.place)
    for file in list(context.zone.list(REJECTED)):
        place = folder / "file"
        place.mkdir()
        counts.add(_replay_file(file, context, place, pending_qc, checkpoints))
        shutil.rmtree(place)
    evaluate_pending(pending_qc, context.collection, context.stations)
    note_stations(context.collection, context.stations, context.run.started_at, context.max_age_hours)
    DatasetWriter(context.zone, context.collection, context.stations, context.run.run_id, folder).write()
    return counts


def _replay_file(
    file: RawObject, context: ReplayContext, folder: Path, pending_qc: PendingQc, checkpoints: Checkpoints
) -> ReplayCounts:
    counts, conflicts = ReplayCounts(files=1), Conflicts()
    copy, marked = folder / "copy.jsonl.gz", folder / "marked.jsonl.gz"
    context.zone.fetch(file, copy)
    digest = file.key.rpartition("/")[2].partition("-")[0]
    writer: ObjectWriter | None = None
    columns = StationColumns(context.stations)
    with gzip.open(marked, "wt", encoding="utf-8") as target:
        for lines in _chunks(copy, file):
            first = lines[0]
            modified_at = datetime.fromisoformat(first["source_modified_at"])
            source = Source(first["key"], first["source_uri"], digest, modified_at, file.last_modified.date())
            writer = writer or ObjectWriter(folder, source, context.run, columns, f"{digest}{_REPLAYED}")
            passed = _passing(lines, source, context, counts)
            if len(passed):
                writer.add(passed)
            _mark(lines, set(passed["source_row"].to_pylist()), context.run.run_id, counts)
            target.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    if writer is not None and counts.replayed:
        counts.files_changed = 1
        files = writer.files
        begun = checkpoints.begin(context.run.run_id, {source.uri: [one.key for one in files]})[source.uri]
        publish(files, context.zone)
        for records in read_records(files, CHUNK_ROWS):
            load(records, context.collection, pending_qc, conflicts).add_to(counts)
        # Last, because a mark means that the row was loaded.
        context.zone.publish(marked, file.key)
        outdated = [key for key in begun.outdated if key.rpartition("/")[2].startswith(f"{digest}{_REPLAYED}")]
        remove(outdated, context.zone)
        # The next run processes an object again whose own load was interrupted.
        if begun.left_by is None:
            checkpoints.end(source.uri, outdated)
    if conflicts.removed:
        words = "%s: %d stored values were replaced by rows of it that lack them: %s"
        LOGGER.warning(words, file.key, counts.values_removed, removals_message(conflicts.removed))
    LOGGER.info("%s: %d of %d rows pass now", file.key, counts.replayed, counts.rows)
    return counts


def _chunks(path: Path, file: RawObject) -> Iterator[list[Line]]:
    """The lines of a file of the reject store, in chunks that fit into memory."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            while chunk := [json.loads(line) for line in islice(lines, CHUNK_ROWS)]:
                yield chunk
    except (OSError, EOFError, ValueError) as error:
        raise SettingError(
            f"{file.uri} is not a complete file of the reject store; process its raw object again"
        ) from error


def _mark(lines: list[Line], passed: set[str], run_id: str, counts: ReplayCounts) -> None:
    for line in lines:
        counts.rows += 1
        if MARK in line:
            counts.replayed_before += 1
        elif line["position"] in passed:
            line[MARK] = run_id
            counts.replayed += 1
        else:
            counts.still_quarantined += 1


def _passing(lines: list[Line], source: Source, context: ReplayContext, counts: ReplayCounts) -> pa.Table:
    """The records (VALIDATED_SCHEMA) of the lines that pass now.

    Rows that cause internal errors stay quarantined, and are counted.
    """
    alike: defaultdict[tuple[Any, ...], list[Line]] = defaultdict(list)
    for line in lines:
        # A record that could not be read at all has no origin.
        if line["origin"] is not None and line["code"] not in _BY_OTHER_ROWS:
            read = {**line, "row": json.loads(line["row"]), "origin": json.loads(line["origin"])}
            alike[read["origin"].get("sheet"), "group" in read["origin"], *read["row"]].append(read)
    tables = []
    for rows in alike.values():
        try:
            tables.append(_through(rows, source, context))
        except ObjectRejectedError as error:
            LOGGER.warning("%s: %d rows stay in quarantine: %s", source.key, len(rows), error.message)
        except (ForecastError, MemoryError):
            raise
        except Exception:
            facts = {"object": source.key, "code": INTERNAL_ERROR}
            rows_of = f"{counted(len(rows), 'row')} of {source.key}"
            LOGGER.exception("internal error on %s", rows_of, extra={"facts": facts})
            counts.rows_failed += len(rows)
    return concat_tables(tables, VALIDATED_SCHEMA)


def _through(rows: list[Line], source: Source, context: ReplayContext) -> pa.Table:
    """Transform and validate rows of one sheet with the same columns."""
    now = context.run.started_at
    transformer = ObjectTransformer(source.key, context.stations, now)
    parts = [transformer.transform(_as_it_came(rows)), *transformer.finish()]
    observations = concat_tables([part.observations for part in parts], OBSERVATION_SCHEMA)
    return validate(observations, context.stations, now).observations


def _as_it_came(rows: list[Line]) -> RawBatch:
    """The rows as extract returned them, with their original metadata."""
    origins = [
        {
            **row["origin"],
            "position": row["position"],
            "extracted_at": datetime.fromisoformat(row["origin"]["extracted_at"]),
        }
        for row in rows
    ]
    groups = [origin.get("group") for origin in origins]
    return RawBatch(
        rows=to_frame(rows_of_records([row["row"] for row in rows])),
        origin=frame_of(origins, ORIGIN_SCHEMA),
        sheet=origins[0].get("sheet"),
        groups=None if groups[0] is None else pa.array(groups, pa.string()),
    )
