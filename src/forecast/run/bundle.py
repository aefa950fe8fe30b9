"""Small objects that are loaded together, so that they share the fixed cost of a load."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import pyarrow.compute as pc
import pyarrow.parquet as pq

from forecast.mongo.loader import WRITERS
from forecast.mongo.versions import BATCH_ROWS
from forecast.run.staged import StagedObject
from forecast.zone.writer import OBSERVATIONS, ZoneFile

# One batch for each writer. More would save little, and a run that is stopped would have more to finish.
_MOST_ROWS: Final = WRITERS * BATCH_ROWS
_MOST_OBJECTS: Final = 50


class _Extent(NamedTuple):
    """The range of a file of records: its first and last station, in the order of ids, and its first and last time."""

    rows: int
    bounds: tuple[tuple[Any, Any], ...]

    def may_share(self, other: _Extent) -> bool:
        """Whether both files may contain the same observation."""
        return all(
            first <= other_last and other_first <= last
            for (first, last), (other_first, other_last) in zip(self.bounds, other.bounds, strict=True)
        )


@dataclass(slots=True)
class Bundle:
    """Staged objects with few records and no common observations.

    Therefore, loading them together instead of one after another makes no difference to the database or the counts.
    """

    objects: list[StagedObject] = field(default_factory=list)
    _extents: list[_Extent] = field(default_factory=list)

    def add(self, staged: StagedObject) -> bool:
        """Add an object, unless it has to be loaded after those in the bundle; the first one is always added."""
        extents = [_extent_of(file) for file in staged.files if file.key.startswith(OBSERVATIONS)]
        if self.objects and not self._has_room_for(extents):
            return False
        self.objects.append(staged)
        self._extents += extents
        return True

    def _has_room_for(self, extents: list[_Extent]) -> bool:
        if len(self.objects) == _MOST_OBJECTS or sum(one.rows for one in (*self._extents, *extents)) > _MOST_ROWS:
            return False
        return not _may_share(extents, self._extents)

    def may_share(self, other: Bundle) -> bool:
        """Whether another bundle may contain an observation of this one."""
        return _may_share(self._extents, other._extents)


def _may_share(extents: Iterable[_Extent], others: Collection[_Extent]) -> bool:
    return any(one.may_share(other) for one in extents for other in others)


def _extent_of(file: ZoneFile) -> _Extent:
    if file.records is None:
        return _extent(file.path)
    bounds = (pc.min_max(file.records[name]) for name in ("station_id", "timestamp"))
    return _Extent(file.records.num_rows, tuple((found["min"].as_py(), found["max"].as_py()) for found in bounds))


def _extent(path: Any) -> _Extent:
    """The range, from the column statistics of the file."""
    metadata = pq.read_metadata(path)
    # `metadata.schema` would be a reference cycle, which keeps the footer for minutes (`configure_allocators`).
    names = pq.ParquetSchema(metadata).names
    columns = [names.index(name) for name in ("station_id", "timestamp")]
    groups = range(metadata.num_row_groups)
    noted = [[metadata.row_group(group).column(column).statistics for group in groups] for column in columns]
    return _Extent(
        metadata.num_rows,
        tuple((min(one.min for one in of_column), max(one.max for one in of_column)) for of_column in noted),
    )
