"""Raw objects to files for the processed zone: extract, transform, validate and save, batch by batch.

An object is read to its end before anything of it is published, so that one that is refused at its end leaves nothing
behind.
"""

from __future__ import annotations

import errno
import logging
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pandas as pd

from forecast.checkpoints import Checkpoints
from forecast.errors import ObjectRejectedError, RetryableError
from forecast.extract import check_size
from forecast.extract.limits import CHUNK_ROWS
from forecast.extract.listing import sync_day
from forecast.memory import give_memory_back
from forecast.observations import OBSERVATION_SCHEMA, RawObject, Transformed, concat
from forecast.reading import UnknownColumns
from forecast.recall import recall
from forecast.report.counts import ObjectCounts, QualityTally
from forecast.runs import Run
from forecast.save import ObjectWriter, Source, ZoneFile
from forecast.space import TemporarySpace
from forecast.stages import Stages
from forecast.stations import Stations
from forecast.stores import Store
from forecast.transform import ObjectTransformer

LOGGER = logging.getLogger("forecast.staging")
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


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


@dataclass(frozen=True, slots=True)
class Stager:
    """Stages the objects of one run."""

    run: Run
    stages: Stages
    stations: Stations
    raw: Store
    processed: Store
    checkpoints: Checkpoints
    space: TemporarySpace

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
        self.remove(folder)
        return None

    def remove(self, folder: Path) -> None:
        """Take the files of an object away."""
        shutil.rmtree(folder)
        self.space.give_back(folder)

    def _recalled(self, raw: RawObject, folder: Path) -> StagedObject | None:
        """What this program made of this object before, where it would make the same again."""
        checkpoint = self.checkpoints.of_this_program(raw) if self.run.options.reprocess else None
        if checkpoint is None:
            return None
        with self.run.timed("extract"):
            files = recall(checkpoint, self.processed, folder, partial(self.space.hold, folder))
        if files is None:
            self.remove(folder)
            folder.mkdir()
            return None
        made = {name: checkpoint.counts[name] for name in ("rows_read", "rows_empty", "records_validated")}
        counts = ObjectCounts(raw.key, raw.uri, "unfinished", **made)
        return StagedObject(raw, folder, counts, QualityTally(), files=files, published=checkpoint.files)

    def _stage(self, raw: RawObject, folder: Path) -> StagedObject:
        limits = self.run.settings.limits
        check_size(raw.size, limits)
        staged = StagedObject(raw, folder, ObjectCounts(raw.key, raw.uri, "unfinished"), QualityTally())
        # Its copy, and what may be unpacked beside it.
        reading = raw.size + limits.unpacked_bytes
        self.space.hold(folder, reading)
        copy = folder / "raw" / "object"
        copy.parent.mkdir()
        with self.run.timed("extract"):
            digest = self.raw.fetch(raw, copy)
        writer = ObjectWriter(
            folder,
            Source(raw.key, raw.uri, digest, raw.last_modified, sync_day(raw)),
            self.run.facts,
            self.stations,
            make_room=lambda size: self.space.hold(folder, reading + size),
        )
        waiting: list[pd.DataFrame] = []
        transformer = ObjectTransformer(raw.key, self.stations, self.run.facts.started_at)
        for transformed in self._transformed(raw, copy, transformer):
            staged.counts.rows_read += transformed.rows_read
            staged.counts.rows_empty += transformed.rows_empty
            _keep_refused(staged, writer, transformed.refused)
            waiting.append(transformed.observations)
            if sum(map(len, waiting)) >= CHUNK_ROWS:
                self._validate_and_save(staged, writer, waiting)
                waiting = []
        self._validate_and_save(staged, writer, waiting)
        _tell_unread(staged.counts, transformer)
        shutil.rmtree(copy.parent)
        self.space.hold(folder, writer.size)
        give_memory_back()
        staged.files = writer.files
        return staged

    def _transformed(self, raw: RawObject, path: Path, transformer: ObjectTransformer) -> Iterator[Transformed]:
        batches = self.stages.extract(path, raw, self.run.settings.limits, self.run.facts.started_at)
        while True:
            self.run.check_stop()
            with self.run.timed("extract"):
                batch = next(batches, None)
            if batch is None:
                break
            with self.run.timed("transform"):
                transformed = self.stages.transform(transformer, batch)
            yield transformed
        yield from transformer.finish()

    def _validate_and_save(self, staged: StagedObject, writer: ObjectWriter, frames: list[pd.DataFrame]) -> None:
        observations = concat(frames, OBSERVATION_SCHEMA)
        if observations.empty:
            return
        with self.run.timed("validate"):
            validated = self.stages.validate(observations, self.stations, self.run.facts.started_at)
        with self.run.timed("save"):
            self.stages.save(writer, validated)
        with self.run.timed("report"):
            staged.counts.records_validated += len(validated.observations)
            staged.counts.records_rejected += len(validated.refused)
            staged.tally.add_validated(validated.observations, self.stations)
            staged.tally.add_refused(validated.refused)

    def _leave_out(self, raw: RawObject, outcome: str, code: str, message: str) -> None:
        self.run.objects.append(ObjectCounts(raw.key, raw.uri, outcome, error_code=code, error=message))
        LOGGER.error("%s %s: %s", outcome, raw.key, message, extra={"facts": {"object": raw.key, "code": code}})


def _tell_unread(counts: ObjectCounts, transformer: ObjectTransformer) -> None:
    """Note what of an object was not read: parameters of which no cell could be, and columns that are not known."""
    counts.unread_parameters = transformer.reading.unread()
    counts.renamed_parameters = transformer.renamed
    if transformer.reading.unknown:
        counts.unknown_columns = UnknownColumns.of(transformer.reading.unknown)
    for code, parameter, words in counts.unread:
        facts = {"object": counts.key, "code": code, "parameter": parameter}
        LOGGER.warning("%s: %s", counts.key, words, extra={"facts": facts})


def _keep_refused(staged: StagedObject, writer: ObjectWriter, refused: pd.DataFrame) -> None:
    if len(refused):
        staged.counts.records_rejected += len(refused)
        writer.add_refused(refused)
        staged.tally.add_refused(refused)
