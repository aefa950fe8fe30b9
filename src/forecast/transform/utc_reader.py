"""Reads rows that state their time in UTC and name their station."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecast.core.admission import Mask, wrong_times
from forecast.core.schemas import REJECTED_SCHEMA, RawBatch, Transformed, empty_frame, joined
from forecast.core.stations import Stations
from forecast.networks.model import UtcTime
from forecast.transform.aggregates import CODE, Aggregates
from forecast.transform.assemble import BatchDraft, Bounds, assemble, entry_rejections
from forecast.transform.block_values import bounds_of, read_block_values
from forecast.transform.corrections import corrected
from forecast.transform.declared import DeclaredLayout
from forecast.transform.missing_units import MissingUnits
from forecast.transform.mixed_periods import longer_periods
from forecast.transform.quarantine import Rejection
from forecast.transform.raw_columns import Columns, named_stations, normalise_field
from forecast.transform.reader import Reader
from forecast.transform.row_times import present
from forecast.transform.source_codes import codes_of
from forecast.transform.stated import contradicting_texts
from forecast.transform.twins import contradictions
from forecast.transform.utc_times import utc_times
from forecast.transform.values.clocks import DateTimes
from forecast.transform.values.codes import read_codes
from forecast.transform.values.columns import ParsedColumn
from forecast.transform.values.numbers import convert_batch


class _Values(NamedTuple):
    """The values of a batch, the rejections, and the rows that are not empty although they have no value."""

    columns: Mapping[str, ParsedColumn]
    rejections: list[Rejection]
    not_empty: Mask | None = None


class UtcReader(Reader):
    """Turns batches into observations, one after another."""

    def __init__(
        self,
        layout: DeclaredLayout,
        time: UtcTime,
        key: str,
        stations: Stations,
        now: datetime,
        units: MissingUnits,
    ) -> None:
        super().__init__(layout, key, stations, now)
        self._time = time
        self._units = units
        declared = layout.layout.aggregates
        self._aggregates = None if declared is None else Aggregates(declared.advice)
        # Batches whose rows may still turn out to be hourly or daily values.
        self._waiting: list[tuple[RawBatch, BatchDraft, pa.Array]] = []
        self._released = 0

    def finish(self) -> list[Transformed]:
        """The rows that waited for the end. Raises ObjectRejectedError if most rows are hourly or daily values."""
        if self._aggregates is None:
            return []
        self._aggregates.end()
        return self._release(self._aggregates)

    def draft(self, batch: RawBatch, columns: Columns, bounds: Bounds) -> tuple[BatchDraft, Mask] | None:
        """See `Reader.draft`. Aggregates, units and longer periods are found by comparing rows of one object.

        Two times of a row are compared by the offsets that the zone has in the years of all rows.
        """
        layout = self.layout
        if layout.layout.aggregates is not None or layout.systems or layout.longer is not None:
            return None
        if any(present(columns, (*self._time.beside, *filter(None, [self._time.local])))):
            return None
        return self._draft(batch, columns)[0], np.zeros(len(bounds) - 1, dtype=bool)

    def _read(self, batch: RawBatch, columns: Columns) -> Transformed:
        draft, clock = self._draft(batch, columns)
        declared, seen = self.layout.layout.aggregates, self._aggregates
        if declared is None or seen is None:
            return assemble(batch, draft)[0]
        seen.watch(draft.station_ids, draft.moments, clock, bounds_of(self.layout, declared, columns))
        self._waiting.append((batch, draft, columns.required(normalise_field(self._time.column))))
        released = self._release(seen)
        return joined(released) if released else Transformed.nothing(empty_frame(REJECTED_SCHEMA))

    def _draft(self, batch: RawBatch, columns: Columns) -> tuple[BatchDraft, DateTimes]:
        """The draft, and the rows' clock times (see `utc_times`)."""
        stations = named_stations(columns, self._names, len(batch.rows))
        extracted = batch.origin["extracted_at"].to_numpy("datetime64[s]")
        times, clock = utc_times(self._time, columns, list(self._known(stations)), extracted)
        moments = times.readings.moments
        early = wrong_times(moments, self._now, self.layout.network.first_year)
        cells = columns.required(normalise_field(self._time.column))
        values = self._block_values(batch, columns) if self.layout.systems else self._plain_values(columns)
        draft = BatchDraft(
            stations,
            moments,
            values.columns,
            [
                *self._wrong_stations(batch, columns, stations),
                *times.rejections,
                *entry_rejections(early, self._time.column, cells),
                *longer_periods(self.layout, columns, stations, moments),
                *contradicting_texts(
                    self.layout.layout.stated, self.layout.network.id_prefix, columns, stations, moments
                ),
                *corrected(self.layout.layout.correction, columns, stations, moments),
                *values.rejections,
            ],
            self._lost(batch),
            times.issues,
            source_codes=codes_of(self.layout, columns, values.columns),
            not_empty=values.not_empty,
            group=self.layout.layout.group,
        )
        return draft, clock

    def _plain_values(self, columns: Columns) -> _Values:
        raw = self.layout.raw_columns(columns)
        values = convert_batch(raw, self.layout.words)
        read_codes(raw, values)
        return _Values(values, contradictions(raw))

    def _block_values(self, batch: RawBatch, columns: Columns) -> _Values:
        layout = self.layout
        unread = [_no_object(name, cells) for name in layout.systems if (cells := columns.get(name)) is not None]
        values = read_block_values(layout, columns, len(batch.rows))
        self._units.has_units |= values.has_units
        names = [str(name) for name in batch.rows.columns]
        bare = self._units.rejection(values.bare, names, columns, layout)
        not_empty = np.any([rejection.mask for rejection in unread], axis=0) if unread else None
        return _Values(values.columns, [*unread, *values.rejections, bare], not_empty)

    def _release(self, seen: Aggregates) -> list[Transformed]:
        """Finish the batches whose rows are all decided."""
        released = []
        while self._waiting and (end := self._released + len(self._waiting[0][0].rows)) <= seen.decided:
            batch, draft, times = self._waiting.pop(0)
            for mask, reason in seen.among(self._released, end):
                draft.rejections.append(Rejection(mask, CODE, self._time.column, reason, times))
            released.append(assemble(batch, draft)[0])
            self._released = end
        return released


def _no_object(system: str, cells: pa.Array) -> Rejection:
    """Rows with something else in place of the object with the values, so that these are unknown."""
    if pa.types.is_struct(cells.type):
        mask = np.zeros(len(cells), dtype=bool)
    elif pa.types.is_map(cells.type):  # with other keys than names; an empty one is an object without members
        mask = np.asarray(cells.is_valid()) & (np.diff(cells.offsets.to_numpy()) > 0)
    elif pa.types.is_nested(cells.type):  # a list; an empty one counts as an object without members
        mask = np.asarray(pc.fill_null(pc.greater(pc.list_value_length(cells), 0), fill_value=False))
    else:
        mask = np.asarray(cells.is_valid())
    return Rejection(mask, "malformed_record", system, "not a JSON object", cells)
