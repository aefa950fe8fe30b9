"""Turns raw objects into files for the processed zone: extract, transform, validate and save, batch by batch.

An object is read to its end before any of it is published, so that one that is rejected at its end leaves nothing
behind.
"""

from __future__ import annotations

import errno
import logging
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import pandas as pd

from forecast.core.admission import FUTURE_TOLERANCE
from forecast.core.clock import iso_time
from forecast.core.counts import ObjectCounts, Outcome, QualityTally
from forecast.core.errors import ForecastError, ObjectDeniedError, ObjectRejectedError, RetryableError
from forecast.core.memory import trim_heap
from forecast.core.raw_objects import RawObject
from forecast.core.reading import UnknownColumns
from forecast.core.schemas import OBSERVATION_SCHEMA, Transformed, Validated, concat
from forecast.core.stations import Stations
from forecast.extract import check_size
from forecast.extract.limits import CHUNK_ROWS
from forecast.extract.listing import sync_day
from forecast.mongo.state import INTERNAL_ERROR, Checkpoints
from forecast.run import steps
from forecast.run.cache import circumstances_digest, restore_cached
from forecast.run.disk_budget import DiskBudget
from forecast.run.run import ACCESS_DENIED, Run
from forecast.run.staged import StagedObject
from forecast.storage import LocalStore, Store
from forecast.transform import ObjectTransformer
from forecast.zone.writer import FEW_ROWS, ObjectWriter, Source

LOGGER = logging.getLogger("forecast.run.staging")
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
_Result = TypeVar("_Result")


@dataclass(slots=True)
class _ReadObject:
    """An object that was read to its end.

    `waiting` are its rows (OBSERVATION_SCHEMA) that are not validated yet, if there are only few; `validated` is the
    result of their validation. A restored object has no writer.
    """

    staged: StagedObject
    writer: ObjectWriter | None = None
    waiting: pd.DataFrame | None = None
    validated: Validated | None = None


@dataclass(frozen=True, slots=True)
class Stager:
    """Stages the objects of one run."""

    run: Run
    stations: Stations
    raw: Store
    processed: Store
    checkpoints: Checkpoints
    space: DiskBudget

    def stage(self, raw: RawObject, folder: Path) -> StagedObject | None:
        """Read one object to its end, or report why it cannot be read and skip it."""
        (staged,) = self.stage_together([(raw, folder)])
        return staged

    def stage_together(self, objects: Sequence[tuple[RawObject, Path]]) -> Iterator[StagedObject | None]:
        """Do the same for several objects, each with its own folder: read them, then validate their rows together.

        A fault of one object does not affect the others. No object holds disk space while another one is read, because
        that one could wait for the space forever.
        """
        read: list[tuple[RawObject, Path, _ReadObject | None]] = []
        for raw, folder in objects:
            read.append((raw, folder, self._attempt(raw, folder, partial(self._read, raw, folder))))
            if folder.exists() and any(folder.iterdir()):
                yield from self._end_all(read)
                read = []
        yield from self._end_all(read)
        trim_heap()

    def _end_all(self, read: Sequence[tuple[RawObject, Path, _ReadObject | None]]) -> Iterator[StagedObject | None]:
        self._validate_together([one for _, _, one in read if one is not None and one.waiting is not None])
        for raw, folder, one in read:
            yield None if one is None else self._attempt(raw, folder, partial(self._end, one))

    def _attempt(self, raw: RawObject, folder: Path, work: Callable[[], _Result]) -> _Result | None:
        """The result of `work` on one object, or None after reporting why the object is skipped."""
        try:
            return work()
        except ObjectRejectedError as error:
            self._reject(raw, error)
        except RetryableError as error:
            self._leave_out(raw, "failed", "unreadable", error.message)
        except ObjectDeniedError as error:
            self._leave_out(raw, "failed", ACCESS_DENIED, error.message)
        except (ForecastError, MemoryError):
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise _no_fault_of_the_object(error, folder.parent) from error
            LOGGER.exception("internal error on %s", raw.key, extra={"facts": {"object": raw.key}})
            self._reject(raw, _internal_error(error))
        self.remove(folder)
        return None

    def remove(self, folder: Path) -> None:
        """Remove the files of an object."""
        shutil.rmtree(folder)
        self.space.release(folder)

    def _read(self, raw: RawObject, folder: Path) -> _ReadObject:
        folder.mkdir()
        restored = self._restored(raw, folder)
        return self._read_rows(raw, folder) if restored is None else _ReadObject(restored)

    def _restored(self, raw: RawObject, folder: Path) -> StagedObject | None:
        """The earlier results for this object, if the program would produce the same again."""
        checkpoint = self.checkpoints.of_this_program(raw) if self.run.options.reprocess else None
        if checkpoint is None:
            return None
        with self.run.timed("extract"):
            files = restore_cached(checkpoint, self.processed, folder, partial(self.space.reserve, folder))
        if files is None:
            self.remove(folder)
            folder.mkdir()
            return None
        made = {name: checkpoint.counts[name] for name in ("rows_read", "rows_empty", "records_validated")}
        counts = ObjectCounts(raw.key, raw.uri, "interrupted", **made)
        return StagedObject(raw, folder, counts, QualityTally(), files=files, published=checkpoint.files)

    def _read_rows(self, raw: RawObject, folder: Path) -> _ReadObject:
        limits = self.run.settings.limits
        # A pipe or a link to nothing has no size either: fetching it tells which it is.
        if raw.size:
            check_size(raw.size, limits)
        staged = StagedObject(raw, folder, ObjectCounts(raw.key, raw.uri, "interrupted"), QualityTally())
        # Its copy, and what may be unpacked next to it.
        reading = raw.size + limits.unpacked_bytes
        self.space.reserve(folder, reading)
        copy = folder / "raw" / "object"
        copy.parent.mkdir()
        with self.run.timed("extract"):
            digest = self.raw.fetch(raw, copy)
        if isinstance(self.raw, LocalStore):
            _check_changed_before(raw, datetime.fromtimestamp(copy.stat().st_mtime, UTC))
        writer = ObjectWriter(
            folder,
            Source(raw.key, raw.uri, digest, raw.last_modified, sync_day(raw)),
            self.run.context,
            self.stations,
            make_room=lambda size: self.space.reserve(folder, size + (reading if copy.exists() else 0)),
        )
        waiting: list[pd.DataFrame] = []
        transformer = ObjectTransformer(raw.key, self.stations, self.run.context.started_at)
        for transformed in self._transformed(raw, copy, transformer):
            staged.counts.rows_read += transformed.rows_read
            staged.counts.rows_empty += transformed.rows_empty
            staged.see_rejected(transformed.rejected, self.run.context.started_at)
            writer.add_rejected(transformed.rejected)
            waiting.append(transformed.observations)
            if sum(map(len, waiting)) >= CHUNK_ROWS:
                self._validate_and_save(staged, writer, concat(waiting, OBSERVATION_SCHEMA))
                waiting = []
        rest = concat(waiting, OBSERVATION_SCHEMA)
        few = len(rest) <= FEW_ROWS
        if not few:
            self._validate_and_save(staged, writer, rest)
        _report_unread(staged.counts, transformer)
        shutil.rmtree(copy.parent)
        self.space.reserve(folder, writer.size)
        return _ReadObject(staged, writer, rest if few and len(rest) else None)

    def _validate_together(self, objects: Sequence[_ReadObject]) -> None:
        """Validate the waiting rows of several objects; if that fails, `_end` validates each object separately."""
        waiting = [one.waiting for one in objects if one.waiting is not None]
        if len(waiting) <= 1:
            return
        try:
            with self.run.timed("validate"):
                validated = steps.validate_data(waiting, self.stations, self.run.context.started_at)
        except (ForecastError, MemoryError):
            raise
        except Exception:  # noqa: BLE001  `_end` finds the object that raises it, and logs the traceback
            return
        for one, own in zip(objects, validated, strict=True):
            one.validated = own

    def _end(self, read: _ReadObject) -> StagedObject:
        staged, writer = read.staged, read.writer
        if writer is None:
            return staged
        if read.validated is not None:
            self._save(staged, writer, read.validated)
        elif read.waiting is not None:
            self._validate_and_save(staged, writer, read.waiting)
        self.space.reserve(staged.folder, writer.size)
        staged.files = writer.files
        return staged

    def _transformed(self, raw: RawObject, path: Path, transformer: ObjectTransformer) -> Iterator[Transformed]:
        batches = steps.extract_data(path, raw, self.run.settings.limits, self.run.context.started_at)
        while True:
            self.run.check_stop()
            with self.run.timed("extract"):
                batch = next(batches, None)
            if batch is None:
                break
            with self.run.timed("transform"):
                transformed = steps.transform_data(transformer, batch)
            yield transformed
        yield from transformer.finish()

    def _validate_and_save(self, staged: StagedObject, writer: ObjectWriter, observations: pd.DataFrame) -> None:
        with self.run.timed("validate"):
            (validated,) = steps.validate_data([observations], self.stations, self.run.context.started_at)
        self._save(staged, writer, validated)

    def _save(self, staged: StagedObject, writer: ObjectWriter, validated: Validated) -> None:
        with self.run.timed("save"):
            steps.save_validated_to_s3(writer, validated)
        with self.run.timed("report"):
            staged.counts.records_validated += len(validated.observations)
            staged.see_rejected(validated.rejected, self.run.context.started_at)
            staged.tally.add_validated(validated.observations, self.stations)

    def _reject(self, raw: RawObject, error: ObjectRejectedError) -> None:
        """Reject an object, and remember it, so that it is not tried again until something changes."""
        self._leave_out(raw, "rejected", error.code, error.message)
        if not self.run.options.dry_run:
            circumstances = circumstances_digest(self.stations, self.run.settings.limits)
            self.checkpoints.reject(raw, self.run.context.run_id, error, circumstances)

    def _leave_out(self, raw: RawObject, outcome: Outcome, code: str, message: str) -> None:
        self.run.objects.append(ObjectCounts(raw.key, raw.uri, outcome, error_code=code, error=message))
        LOGGER.error("%s %s: %s", outcome, raw.key, message, extra={"facts": {"object": raw.key, "code": code}})


def _check_changed_before(raw: RawObject, now: datetime) -> None:
    """Reject a file from the future: its time counts as that of extraction, and would win permanently.

    Copying or unpacking a file can set its time, whereas a store on S3 uses its own clock. `now` is
    from the same clock as the times of files.
    """
    if raw.last_modified > now + FUTURE_TOLERANCE:
        raise ObjectRejectedError(
            "future_object",
            f"it was last changed at {iso_time(raw.last_modified)}, more than {FUTURE_TOLERANCE.seconds // 60} minutes "
            f"in the future (now: {iso_time(now)}); set that time (touch), or check the clock of this machine",
            again_at=raw.last_modified - FUTURE_TOLERANCE,
        )


def _report_unread(counts: ObjectCounts, transformer: ObjectTransformer) -> None:
    """Record what could not be read of an object: parameters without any readable cell, and unknown columns."""
    counts.unread_parameters = transformer.reading.unread()
    counts.renamed_parameters = transformer.renamed
    counts.cells_not_stored = dict(transformer.reading.not_stored)
    if transformer.reading.unknown:
        counts.unknown_columns = UnknownColumns.of(transformer.reading.unknown)
    counts.columns_missing = tuple(transformer.columns_missing)
    counts.rows_missing = transformer.reading.rows_missing
    if counts.rows_missing:
        facts = {"object": counts.key, "rows_missing": counts.rows_missing}
        LOGGER.warning(
            "%s lacks rows that its documents count: %d", counts.key, counts.rows_missing, extra={"facts": facts}
        )
    for code, parameter, words in counts.unread:
        facts = {"object": counts.key, "code": code, "parameter": parameter}
        LOGGER.warning("%s: %s", counts.key, words, extra={"facts": facts})


def _internal_error(error: Exception) -> ObjectRejectedError:
    return ObjectRejectedError(
        INTERNAL_ERROR,
        f"reading it caused an internal error ({type(error).__name__}), and its traceback is in the log; "
        "please report it, with the object. The other objects are not affected",
    )


def _no_fault_of_the_object(error: OSError, folder: Path) -> RetryableError:
    """The error for temporary files, which would affect the next object as well."""
    if error.errno in _DISK_FULL:
        return RetryableError(f"no space is left for temporary files in {folder} (TMPDIR)")
    return RetryableError(f"temporary files in {folder} (TMPDIR) cannot be used: {error.strerror}")
