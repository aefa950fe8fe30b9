"""Reads rows whose times are local to the station. Some of them have to wait for others of the same object."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise, starmap

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecast.core.admission import Mask, wrong_times
from forecast.core.errors import ObjectRejectedError
from forecast.core.parameters import PARAMETERS, Quantity
from forecast.core.schemas import REJECTED_SCHEMA, RawBatch, Transformed, empty_frame, joined
from forecast.core.stations import Stations
from forecast.networks.model import LocalTime
from forecast.transform.assemble import BatchDraft, Bounds, assemble, entry_rejections
from forecast.transform.declared import DeclaredLayout
from forecast.transform.local_times import LocalTimeReader, LocalTimes
from forecast.transform.quarantine import Rejection
from forecast.transform.raw_columns import Columns, has_station, named_stations
from forecast.transform.reader import Reader
from forecast.transform.source_codes import codes_of
from forecast.transform.twins import contradictions
from forecast.transform.values.clocks import DateTimes
from forecast.transform.values.codes import read_codes
from forecast.transform.values.dst import AmbiguousHours
from forecast.transform.values.numbers import convert_batch
from forecast.transform.values.statements import ConstantColumns, Statement
from forecast.transform.values.timestamps import ParsedTimes
from forecast.transform.values.zones import local_to_utc

# An admissible time, for rows whose own is not known yet.
_SOME_TIME = np.datetime64("2000-01-01", "s")
_NEEDS_UNIT = frozenset(p.name for p in PARAMETERS if p.quantity not in (Quantity.INDEX, Quantity.ANGLE))


class LocalReader(Reader):
    """Turns batches into observations; rows that depend on later rows have to wait."""

    def __init__(self, layout: DeclaredLayout, time: LocalTime, key: str, stations: Stations, now: datetime) -> None:
        super().__init__(layout, key, stations, now)
        self._time = time
        self._ambiguous_hours = AmbiguousHours()
        self._times = LocalTimeReader(time)
        self._constant = ConstantColumns(frozenset(time.scrape))
        # Batches whose times depend on later rows of the object.
        self._waiting: list[tuple[RawBatch, Columns]] = []

    def finish(self) -> list[Transformed]:
        """The rows that waited for the end of the object."""
        self._constant.end()
        return [*self._read_waiting(), *self._ambiguous_hours.resolve(self._now)]

    @property
    def unused_columns(self) -> list[str]:
        """Columns with the same time in all rows while the rows' own times vary, such as that of a scrape or a load."""
        return self._constant.found

    def _read(self, batch: RawBatch, columns: Columns) -> Transformed:
        stations, times = self._times_of(batch, columns)
        self._constant.watch(times.statements)
        if self._constant.undecided:
            self._waiting.append((batch, columns))
            return Transformed.nothing(empty_frame(REJECTED_SCHEMA))
        return joined([*self._read_waiting(), self._read_rows(batch, columns, stations, times)])

    def _read_waiting(self) -> list[Transformed]:
        waiting, self._waiting = self._waiting, []
        return [self._read_rows(batch, columns, *self._times_of(batch, columns)) for batch, columns in waiting]

    def _times_of(self, batch: RawBatch, columns: Columns) -> tuple[pa.Array, LocalTimes]:
        stations = self._station_ids(batch, columns)
        return stations, self._times.read(batch, columns, list(self._known(stations)))

    def draft(self, batch: RawBatch, columns: Columns, bounds: Bounds) -> tuple[BatchDraft, Mask] | None:
        """See `Reader.draft`. Only all rows of an object show that a column has the time of its scrape."""
        stations, times = self._times_of(batch, columns)
        if _compares_zones(times.statements):
            return None
        draft, _ = self._draft(batch, columns, stations, times)
        return draft, np.array(
            [self._has_constant(times.statements, rows) for rows in starmap(slice, pairwise(bounds))]
        )

    def _has_constant(self, statements: Sequence[Statement], rows: slice) -> bool:
        constant = ConstantColumns(frozenset(self._time.scrape))
        constant.watch([statement.part(rows) for statement in statements])
        constant.end()
        return bool(constant.found)

    def _read_rows(self, batch: RawBatch, columns: Columns, stations: pa.Array, times: LocalTimes) -> Transformed:
        draft, local = self._draft(batch, columns, stations, times)
        transformed, waiting, held = assemble(batch, draft)
        if len(waiting):
            self._ambiguous_hours.defer(batch, held, waiting, local)
        return transformed

    def _draft(
        self, batch: RawBatch, columns: Columns, stations: pa.Array, times: LocalTimes
    ) -> tuple[BatchDraft, DateTimes]:
        """The draft, and the times as they were read."""
        readings, of_times, issues = times.rows(self._constant.found)
        moments, twice, rejections = self._to_utc(times, readings)
        raw = self.layout.raw_columns(columns)
        values = convert_batch(raw, self.layout.words)
        read_codes(raw, values)
        draft = BatchDraft(
            stations,
            moments,
            values,
            [*self._wrong_stations(batch, columns, stations), *of_times, *rejections, *contradictions(raw)],
            self._lost(batch),
            issues,
            twice,
            codes_of(self.layout, columns, values),
            group=self.layout.layout.group,
        )
        return draft, readings.moments

    def _station_ids(self, batch: RawBatch, columns: Columns) -> pa.Array:
        size = len(batch.rows)
        named, unnamed = named_stations(columns, self._names, size), ~has_station(columns, self._names, size)
        station = self._stations.of_key(self._key)
        if not unnamed.all():
            # A station name that cannot be read could be that of another station.
            folder = pa.scalar(None if station is None else station.id, pa.string())
            return pc.if_else(pa.array(unnamed), folder, named)
        if station is None:
            advice = "add the prefix to the station in the station registry"
            if not self._has_units(columns):
                advice = (
                    f"nor is it certain that they are {self.layout.network.name}'s: no number was found with the unit "
                    "of its layout"
                )
            raise ObjectRejectedError(
                "no_station",
                f"the rows do not name their station, and no station's raw_prefixes matches this key; {advice}",
            )
        return pa.repeat(pa.scalar(station.id), size)

    def _has_units(self, columns: Columns) -> bool:
        """Whether any number was found with its unit; otherwise, a table may come from another program."""
        values = convert_batch(self.layout.raw_columns(columns))
        return any(name in values and not np.isnan(values[name].values).all() for name in _NEEDS_UNIT)

    def _to_utc(self, times: LocalTimes, readings: ParsedTimes) -> tuple[DateTimes, Mask, list[Rejection]]:
        """UTC if it can be determined, the rows whose local time occurs twice, and rejections."""
        clock = self._time.clock
        moments = readings.moments.copy()
        twice, never = (np.zeros(len(moments), dtype=bool) for _ in range(2))
        for station, rows in times.places:
            local = rows & ~readings.is_utc
            self._ambiguous_hours.observe(station, moments[local])
            moments[local], twice[local], never[local] = local_to_utc(moments[local], station.timezone)
        first_year = self.layout.network.first_year
        entry = wrong_times(np.where(twice | never, _SOME_TIME, moments), self._now, first_year)
        odd = never | entry[1].mask | entry[2].mask
        local_times = pa.array(np.datetime_as_string(readings.moments)) if odd.any() else None
        put_forward = "this local time does not exist: the clocks went forward"
        rejections = [
            Rejection(np.isnat(readings.moments), "no_timestamp", clock, "the row has no day or no time"),
            Rejection(never, "no_such_local_time", clock, put_forward, local_times),
            *entry_rejections(entry[1:], clock, local_times),
        ]
        return moments, twice, rejections


def _compares_zones(statements: Sequence[Statement]) -> bool:
    """Whether UTC is compared with local time by the offsets that the zone has in the years of all these rows."""
    some = [statement.readings for statement in statements]
    is_utc = np.concatenate([readings.is_utc[~np.isnat(readings.moments)] for readings in some] or [np.zeros(0, bool)])
    moments = np.concatenate([readings.moments for readings in some] or [np.zeros(0, "datetime64[s]")])
    years = np.unique(moments[~np.isnat(moments)].astype("datetime64[Y]"))
    return len(years) > 1 and len(np.unique(is_utc)) > 1
