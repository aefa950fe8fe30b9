"""Quarantined rows through the corridor again, after a station was added or a rule mended.

What passes now is loaded and marked in its file of the reject store; what does not stays as it is. A file of which
nothing more passes is left alone, so replaying twice changes nothing.
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

import pandas as pd
import pyarrow as pa

from forecast.core.errors import ForecastError, ObjectRejectedError, SettingError
from forecast.core.raw_objects import RawObject
from forecast.core.removals import removals_words
from forecast.core.schemas import (
    OBSERVATION_SCHEMA,
    ORIGIN_SCHEMA,
    VALIDATED_SCHEMA,
    RawBatch,
    concat,
    frame_of,
    to_frame,
)
from forecast.core.stations import Stations
from forecast.extract.json.lines import rows_of_records
from forecast.extract.limits import CHUNK_ROWS
from forecast.mongo.client import Documents
from forecast.mongo.conflicts import Conflicts
from forecast.mongo.loader import load, prepare_collection
from forecast.mongo.qc_queue import Unjudged
from forecast.mongo.qc_update import judge_marked
from forecast.mongo.state import INTERNAL_ERROR, Checkpoints
from forecast.mongo.station_states import note_stations
from forecast.mongo.strangers import strangers_named
from forecast.run.cache import program_digest
from forecast.run.dataset import DatasetWriter
from forecast.storage import Store
from forecast.transform import RULES_VERSION, ObjectTransformer
from forecast.validate import validate
from forecast.zone.writer import REJECTED, ObjectWriter, RunFacts, Source, publish, read_records, remove

LOGGER = logging.getLogger("forecast.run.replay")
# What a line of the reject store has once its row is loaded: the replay that did it.
MARK = "replayed"
# What stands behind the digest in the names of the files with their records.
_REPLAYED = "-replayed"
# Decided by the order of an object's rows, which a row on its own has lost: processing the object again is the way.
_BY_ORDER = ("ambiguous_local_time",)
Line = dict[str, Any]


@dataclass(slots=True)
class ReplayCounts:
    """rows = replayed_before + replayed + still_quarantined; replayed rows and those of before = the four of the load.

    A file is changed where a row of it passes that did not before; the load counts the records of changed files.
    `rows_failed` of those that are still refused are there because the program failed on them.
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
class Corridor:
    """What rows go through on their way, and where they end."""

    zone: Store
    collection: Documents
    stations: Stations
    facts: RunFacts
    max_age_hours: float | None = None


def replay(corridor: Corridor, folder: Path) -> ReplayCounts:
    """Replay every file of the reject store; `folder` is for copies."""
    prepare_collection(corridor.collection)
    counts = ReplayCounts()
    unjudged = Unjudged.beside(corridor.collection, corridor.facts.run_id)
    program = program_digest(corridor.stations)
    checkpoints = Checkpoints.beside(corridor.collection, RULES_VERSION, program, corridor.zone.place)
    for file in list(corridor.zone.list(REJECTED)):
        place = folder / "file"
        place.mkdir()
        counts.add(_replay_file(file, corridor, place, unjudged, checkpoints))
        shutil.rmtree(place)
    with strangers_named(corridor.collection):
        judge_marked(unjudged, corridor.collection, corridor.stations)
        note_stations(corridor.collection, corridor.stations, corridor.facts.started_at, corridor.max_age_hours)
        run_id = corridor.facts.run_id
        DatasetWriter(corridor.zone, corridor.collection, corridor.stations, run_id, folder).write()
    return counts


def _replay_file(
    file: RawObject, corridor: Corridor, folder: Path, unjudged: Unjudged, checkpoints: Checkpoints
) -> ReplayCounts:
    counts, conflicts = ReplayCounts(files=1), Conflicts()
    copy, marked = folder / "copy.jsonl.gz", folder / "marked.jsonl.gz"
    corridor.zone.fetch(file, copy)
    digest = file.key.rpartition("/")[2].partition("-")[0]
    writer: ObjectWriter | None = None
    with gzip.open(marked, "wt", encoding="utf-8") as target:
        for lines in _chunks(copy, file):
            first = lines[0]
            modified_at = datetime.fromisoformat(first["source_modified_at"])
            source = Source(first["key"], first["source_uri"], digest, modified_at, file.last_modified.date())
            writer = writer or ObjectWriter(folder, source, corridor.facts, corridor.stations, f"{digest}{_REPLAYED}")
            passed = _passing(lines, source, corridor, counts)
            if len(passed):
                writer.add(passed)
            _mark(lines, set(passed["source_row"]), corridor.facts.run_id, counts)
            target.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    if writer is not None and counts.replayed:
        counts.files_changed = 1
        files = writer.files
        begun = checkpoints.begin(source.uri, corridor.facts.run_id, [one.key for one in files])
        publish(files, corridor.zone)
        for records in read_records(files, CHUNK_ROWS):
            load(records, corridor.collection, unjudged, conflicts).add_to(counts)
        # Last, because a mark says that the row is loaded.
        corridor.zone.publish(marked, file.key)
        outdated = [key for key in begun.outdated if key.rpartition("/")[2].startswith(f"{digest}{_REPLAYED}")]
        remove(outdated, corridor.zone)
        # The next run makes an object again whose own load broke off.
        if not begun.broken_off:
            checkpoints.end(source.uri, outdated)
    if conflicts.removed:
        words = "%s: %d stored values were replaced by rows of it that lack them: %s"
        LOGGER.warning(words, file.key, counts.values_removed, removals_words(conflicts.removed))
    LOGGER.info("%s: %d of %d rows pass now", file.key, counts.replayed, counts.rows)
    return counts


def _chunks(path: Path, file: RawObject) -> Iterator[list[Line]]:
    """The lines of a file of the reject store, so many at a time that they fit in memory."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            while chunk := [json.loads(line) for line in islice(lines, CHUNK_ROWS)]:
                yield chunk
    except (OSError, EOFError, ValueError) as error:
        raise SettingError(f"{file.uri} is no whole file of the reject store; process its raw object again") from error


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


def _passing(lines: list[Line], source: Source, corridor: Corridor, counts: ReplayCounts) -> pd.DataFrame:
    """The records (VALIDATED_SCHEMA) of those of the lines that may enter now.

    Rows that the program itself fails on stay refused, and are counted.
    """
    alike: defaultdict[tuple[Any, ...], list[Line]] = defaultdict(list)
    for line in lines:
        # A record that could not be read at all has no origin.
        if line["origin"] is not None and line["code"] not in _BY_ORDER:
            read = {**line, "row": json.loads(line["row"]), "origin": json.loads(line["origin"])}
            alike[read["origin"].get("sheet"), "group" in read["origin"], *read["row"]].append(read)
    frames = []
    for rows in alike.values():
        try:
            frames.append(_through(rows, source, corridor))
        except ObjectRejectedError as error:
            LOGGER.warning("%s: %d rows stay in quarantine: %s", source.key, len(rows), error.message)
        except (ForecastError, MemoryError):
            raise
        except Exception:
            facts = {"object": source.key, "code": INTERNAL_ERROR}
            LOGGER.exception("a fault of the program, on %d rows of %s", len(rows), source.key, extra={"facts": facts})
            counts.rows_failed += len(rows)
    return concat(frames, VALIDATED_SCHEMA)


def _through(rows: list[Line], source: Source, corridor: Corridor) -> pd.DataFrame:
    """Rows of one sheet with the same columns: transform, validate."""
    now = corridor.facts.started_at
    transformer = ObjectTransformer(source.key, corridor.stations, now)
    parts = [transformer.transform(_as_it_came(rows)), *transformer.finish()]
    observations = concat([part.observations for part in parts], OBSERVATION_SCHEMA)
    return validate(observations, corridor.stations, now).observations


def _as_it_came(rows: list[Line]) -> RawBatch:
    """The rows as the extractor gave them, with what was known of them where they were found."""
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
