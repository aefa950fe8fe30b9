"""Turns raw objects into files for the processed zone: extract, transform, validate and save, batch by batch.

An object is read to its end before any of it is published, so that one that is rejected at its end leaves nothing
behind.
"""

from __future__ import annotations

import errno
import logging
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TypeVar

import pyarrow as pa

from forecast.core.admission import FUTURE_TOLERANCE
from forecast.core.clock import iso_time
from forecast.core.counts import ObjectCounts, Outcome, QualityTally
from forecast.core.errors import ForecastError, ObjectDeniedError, ObjectRejectedError, RetryableError
from forecast.core.memory import trim_heap
from forecast.core.raw_objects import RawObject
from forecast.core.reading import UnknownColumns
from forecast.core.schemas import OBSERVATION_SCHEMA, RawBatch, Transformed, Validated, concat_tables
from forecast.core.stations import Stations
from forecast.extract import check_size
from forecast.extract.json.together import SmallObject
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
from forecast.zone.station_columns import StationColumns
from forecast.zone.writer import FEW_ROWS, ObjectWriter, Source

LOGGER = logging.getLogger("forecast.run.staging")
# Objects up to this size are read together with others.
SMALL_BYTES = 1 << 20
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
_Result = TypeVar("_Result")


@dataclass(slots=True)
class _ReadObject:
    """An object that was fetched, and is being read.

    Small objects wait to be treated together: with `content` for being read, with `batch` (their rows as found) for
    being transformed, of which `transformed` is the result, and with `waiting` (OBSERVATION_SCHEMA) for being
    validated, of which `validated` is the result.
    """

    staged: StagedObject
    writer: ObjectWriter
    transformer: ObjectTransformer
    content: bytes | None = None
    batch: RawBatch | None = None
    transformed: Transformed | None = None
    waiting: list[pa.Table] = field(default_factory=list)
    validated: Validated | None = None

    @property
    def rows(self) -> int:
        """The number of rows that wait to be validated."""
        return sum(map(len, self.waiting))

    def observations(self) -> pa.Table:
        """Take all waiting rows."""
        waiting, self.waiting = self.waiting, []
        return concat_tables(waiting, OBSERVATION_SCHEMA)


# An object and its folder; restored from an earlier run, being read, or None if it could not be read.
_Read = tuple[RawObject, Path, StagedObject | _ReadObject | None]


@dataclass(frozen=True)
class Stager:
    """Stages the objects of one run."""

    run: Run
    stations: Stations
    raw: Store
    processed: Store
    checkpoints: Checkpoints
    space: DiskBudget

    @cached_property
    def _station_columns(self) -> StationColumns:
        return StationColumns(self.stations)

    def stage(self, raw: RawObject, folder: Path) -> StagedObject | None:
        """Read one object to its end, or report why it cannot be read and skip it."""
        (staged,) = self.stage_together([(raw, folder)])
        return staged

    def stage_together(self, objects: Sequence[tuple[RawObject, Path]]) -> Iterator[StagedObject | None]:
        """Do the same for several objects, each with its own folder: read them, then treat their rows together.

        A fault of one object does not affect the others. No object holds disk space while another one is read, because
        that one could wait for the space forever.
        """
        read: list[_Read] = []
        for raw, folder in objects:
            read.append((raw, folder, self._attempt(raw, folder, partial(self._read, raw, folder))))
            if _holds_files(folder):
                yield from self._read_all(read)
                read = []
        yield from self._read_all(read)
        trim_heap()

    def _read_all(self, read: Sequence[_Read]) -> Iterator[StagedObject | None]:
        """Read objects whose content waits, together or else one by one."""
        self._read_together([one for _, _, one in read if isinstance(one, _ReadObject) and one.content is not None])
        part: list[_Read] = []
        for raw, folder, one in read:
            if isinstance(one, _ReadObject) and one.content is not None:
                part.append((raw, folder, self._attempt(raw, folder, partial(self._read_alone, one))))
            else:
                part.append((raw, folder, one))
            if _holds_files(folder):
                yield from self._end_all(part)
                part = []
        yield from self._end_all(part)

    def _read_together(self, objects: Sequence[_ReadObject]) -> None:
        """Read objects, except for those that have to be read by themselves."""
        small = [SmallObject(one.staged.raw, one.content) for one in objects if one.content is not None]
        limits, now = self.run.settings.limits, self.run.context.started_at
        batches = self._of_several("extract", partial(steps.extract_together, small, limits, now))
        for one, batch in zip(objects, batches or [None] * len(objects), strict=True):
            if batch is not None:
                one.content, one.batch = None, batch

    def _of_several(self, stage: str, work: Callable[[], list[_Result]]) -> list[_Result] | None:
        """The results of `work` on several objects, or None if it raises anything that one of them may have caused.

        Each is then treated by itself, which finds the one that raises it, and logs the traceback.
        """
        try:
            with self.run.timed(stage):
                return work()
        except (ForecastError, MemoryError):
            raise
        except Exception:  # noqa: BLE001  see above
            return None

    def _read_alone(self, read: _ReadObject) -> _ReadObject:
        content, read.content = read.content, None
        self._reserve_copy(read.staged.raw, read.staged.folder)
        copy = _copy_of(read.staged.folder)
        copy.parent.mkdir()
        copy.write_bytes(content or b"")
        return self._read_copy(read, copy)

    def _end_all(self, read: Sequence[_Read]) -> Iterator[StagedObject | None]:
        self._transform_together([one for _, _, one in read if isinstance(one, _ReadObject)])
        finished: list[_Read] = []
        for raw, folder, one in read:
            if isinstance(one, _ReadObject) and one.batch is not None:
                finished.append((raw, folder, self._attempt(raw, folder, partial(self._finish, one))))
            else:
                finished.append((raw, folder, one))
        self._validate_together([one for _, _, one in finished if isinstance(one, _ReadObject)])
        for raw, folder, one in finished:
            yield self._attempt(raw, folder, partial(self._end, one)) if isinstance(one, _ReadObject) else one

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

    def _read(self, raw: RawObject, folder: Path) -> StagedObject | _ReadObject:
        folder.mkdir()
        restored = self._restored(raw, folder)
        return self._read_rows(raw, folder) if restored is None else restored

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
        self._reserve_copy(raw, folder)
        is_small = raw.size <= SMALL_BYTES
        copy = folder / "object" if is_small else _copy_of(folder)
        if not is_small:
            copy.parent.mkdir()
        with self.run.timed("extract"):
            digest = self.raw.fetch(raw, copy)
        if isinstance(self.raw, LocalStore):
            _check_changed_before(raw, datetime.fromtimestamp(copy.stat().st_mtime, UTC))
        reading = raw.size + limits.unpacked_bytes
        writer = ObjectWriter(
            folder,
            Source(raw.key, raw.uri, digest, raw.last_modified, sync_day(raw)),
            self.run.context,
            self._station_columns,
            make_room=lambda size: self.space.reserve(folder, size + (reading if _copy_of(folder).exists() else 0)),
        )
        read = _ReadObject(staged, writer, ObjectTransformer(raw.key, self.stations, self.run.context.started_at))
        if not is_small:
            return self._read_copy(read, copy)
        read.content = copy.read_bytes()
        copy.unlink()
        self.space.reserve(folder, 0)
        return read

    def _reserve_copy(self, raw: RawObject, folder: Path) -> None:
        """Make room for the copy of an object, and what may be unpacked next to it."""
        self.space.reserve(folder, raw.size + self.run.settings.limits.unpacked_bytes)

    def _read_copy(self, read: _ReadObject, copy: Path) -> _ReadObject:
        self._read_batches(read, copy)
        shutil.rmtree(copy.parent)
        self.space.reserve(read.staged.folder, read.writer.size)
        return self._finish(read) if read.batch is None else read

    def _read_batches(self, read: _ReadObject, path: Path) -> None:
        """Transform the batches of an object; if it has only one, and that is small, it waits for other objects."""
        try:
            for number, batch in enumerate(self._extracted(read.staged.raw, path)):
                self._transform(read)
                read.batch = batch
                if number or len(batch.rows) > FEW_ROWS:
                    self._transform(read)
        except ObjectRejectedError:
            # What is wrong with the first rows comes first.
            self._transform(read)
            raise

    def _extracted(self, raw: RawObject, path: Path) -> Iterator[RawBatch]:
        batches = steps.extract_data(path, raw, self.run.settings.limits, self.run.context.started_at)
        while True:
            self.run.check_stop()
            with self.run.timed("extract"):
                batch = next(batches, None)
            if batch is None:
                return
            yield batch

    def _transform(self, read: _ReadObject) -> None:
        """Transform the batch that waits, if there is one that has not been transformed with others."""
        batch, transformed = read.batch, read.transformed
        read.batch = read.transformed = None
        if batch is not None and transformed is None:
            with self.run.timed("transform"):
                transformed = steps.transform_data(read.transformer, batch)
        if transformed is not None:
            self._take(read, transformed)

    def _take(self, read: _ReadObject, transformed: Transformed) -> None:
        staged = read.staged
        staged.counts.rows_read += transformed.rows_read
        staged.counts.rows_empty += transformed.rows_empty
        staged.see_rejected(transformed.rejected, self.run.context.started_at)
        read.writer.add_rejected(transformed.rejected)
        read.waiting.append(transformed.observations)
        if read.rows >= CHUNK_ROWS:
            self._validate_and_save(read)

    def _finish(self, read: _ReadObject) -> _ReadObject:
        """Transform what is left, once the object was read to its end; few rows wait to be validated with others."""
        self._transform(read)
        for transformed in read.transformer.finish():
            self._take(read, transformed)
        if read.rows > FEW_ROWS:
            self._validate_and_save(read)
        _report_unread(read.staged.counts, read.transformer)
        return read

    def _transform_together(self, objects: Sequence[_ReadObject]) -> None:
        """Transform the batches that wait, except for those that `_finish` has to transform by themselves."""
        waiting = [(one, one.batch) for one in objects if one.batch is not None]
        if len(waiting) <= 1:
            return
        pairs = [(one.transformer, batch) for one, batch in waiting]
        transformed = self._of_several("transform", partial(steps.transform_each, pairs))
        for (one, _), own in zip(waiting, transformed or [None] * len(waiting), strict=True):
            one.transformed = own

    def _validate_together(self, objects: Sequence[_ReadObject]) -> None:
        """Validate the waiting rows of several objects; if that fails, `_end` validates each object separately."""
        waiting = [one for one in objects if one.rows]
        if len(waiting) <= 1:
            return
        observations = [concat_tables(one.waiting, OBSERVATION_SCHEMA) for one in waiting]
        now = self.run.context.started_at
        validated = self._of_several("validate", partial(steps.validate_data, observations, self.stations, now))
        if validated is not None:
            for one, own in zip(waiting, validated, strict=True):
                one.validated, one.waiting = own, []

    def _end(self, read: _ReadObject) -> StagedObject:
        staged, writer = read.staged, read.writer
        if read.validated is not None:
            self._save(staged, writer, read.validated)
        elif read.rows:
            self._validate_and_save(read)
        self.space.reserve(staged.folder, writer.size)
        staged.files = writer.files
        return staged

    def _validate_and_save(self, read: _ReadObject) -> None:
        observations = read.observations()
        with self.run.timed("validate"):
            (validated,) = steps.validate_data([observations], self.stations, self.run.context.started_at)
        self._save(read.staged, read.writer, validated)

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


def _copy_of(folder: Path) -> Path:
    """Where the copy of an object is while it is read, in a folder of its own, next to what is unpacked from it."""
    return folder / "raw" / "object"


def _holds_files(folder: Path) -> bool:
    return folder.exists() and any(folder.iterdir())


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
