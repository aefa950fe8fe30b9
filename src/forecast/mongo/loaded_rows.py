"""Keeps what a run has inserted, compressed, until the checks need it, so that it need not be read back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from forecast.core.clock import DAY_MS
from forecast.core.parameters import PARAMETER_NAMES
from forecast.mongo.bson_decoder import Origins, StationColumns
from forecast.qc.changes import StationDay
from forecast.qc.windows import QcWindow

# At least 200 000 rows of twelve parameters, at 60 to 80 bytes each. Any more are read from the database.
_MOST_BYTES: Final = 16 << 20
# Combinations of values that fit in an index of 64 bits.
_MOST_KINDS: Final = 1 << 62
_LZ4: Final = pa.ipc.IpcWriteOptions(compression="lz4")
# The fields that records of one station share, and those from one raw object.
_STATION: Final = ("station_id", "station_name", "station_network", "longitude", "latitude", "elevation")
_SOURCE: Final = ("completeness_score", "source_uri", "run_id", "pipeline_version")
_KEPT: Final = frozenset(
    {*_STATION, *_SOURCE, *PARAMETER_NAMES, "timestamp", "flags", "source_flags", "digest"}
    | {"source_row", "extracted_at", "ingested_at"}
)


class _Batch(NamedTuple):
    data: pa.Buffer
    stations: frozenset[str]
    first: int
    last: int


@dataclass(slots=True)
class LoadedRows:
    """The records that one process inserted as documents, by station and UTC day (since 1970).

    A day is excluded permanently if anything other than an insert happened to its documents.
    """

    most_bytes: int = _MOST_BYTES
    _batches: list[_Batch] = field(default_factory=list)
    _rows: dict[StationDay, int] = field(default_factory=dict)
    _forgotten: set[StationDay] = field(default_factory=set)
    _bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, records: pa.Table, inserted: int) -> None:
        """Keep records (RECORD_SCHEMA) if all of them were inserted; otherwise, exclude their days."""
        rows = rows_by_station_day(records)
        data = _compressed(records) if inserted == records.num_rows and self._bytes < self.most_bytes else None
        with self._lock:
            if data is None:
                self._forget(rows)
                return
            self._bytes += data.size
            days = [day for _, day in rows]
            self._batches.append(_Batch(data, frozenset(name for name, _ in rows), min(days), max(days)))
            for station_day in rows.keys() - self._forgotten:
                self._rows[station_day] = self._rows.get(station_day, 0) + rows[station_day]

    def forget(self, station_days: Iterable[StationDay]) -> None:
        """Exclude these days from now on, because another run may have written documents on them."""
        with self._lock:
            self._forget(station_days)

    def keep_only(self, station_days: set[StationDay]) -> None:
        """Exclude all other days."""
        self.forget(self._rows.keys() - station_days)

    def clear(self) -> None:
        """Release the memory."""
        with self._lock:
            self._forget(list(self._rows))
            self._batches.clear()

    def columns(self, window: QcWindow, start: int) -> dict[str, StationColumns] | None:
        """What the database holds of a window from a time on (ms); None if part of its days is not kept here."""
        names, first_day = {station.id for station in window.halo}, start // DAY_MS
        within = {
            station_day: rows
            for station_day, rows in self._rows.items()
            if station_day[0] in names and window.first_read <= station_day[1] <= window.last_read
        }
        # All of these were inserted, so if the database holds as many, it holds no others.
        if sum(within.values()) != window.rows:
            return None
        tables = [
            pa.ipc.open_stream(batch.data).read_all()
            for batch in self._batches
            if batch.first <= window.last_read and batch.last >= first_day and not names.isdisjoint(batch.stations)
        ]
        found = _by_station(tables, names, first_day, window.last_read)
        wanted = sum(rows for (_, day), rows in within.items() if day >= first_day)
        if sum(len(one.times) for one in found.values()) != wanted:
            return None
        end = (window.last_read + 1) * DAY_MS
        return {name: part for name, one in found.items() if len((part := one.between(start, end)).times)}

    def _forget(self, station_days: Iterable[StationDay]) -> None:
        for one in station_days:
            self._forgotten.add(one)
            self._rows.pop(one, None)


def rows_by_station_day(records: pa.Table) -> dict[StationDay, int]:
    """How many records there are by station and day (UTC, since 1970)."""
    keys, _, rows = _grouped(records)
    return dict(zip(keys, rows.tolist(), strict=True))


def first_times(records: pa.Table) -> dict[StationDay, int]:
    """The first time of the records of each station and day (ms since 1970; days in UTC)."""
    keys, group_of_row, _ = _grouped(records)
    times = np.asarray(records["timestamp"].cast(pa.int64()))
    firsts = np.full(len(keys), np.iinfo(np.int64).max)
    np.minimum.at(firsts, group_of_row, times)
    return dict(zip(keys, firsts.tolist(), strict=True))


def _grouped(records: pa.Table) -> tuple[list[StationDay], npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The stations and days of the records, by record the index of its own, and the number of records of each."""
    if not records.num_rows:
        return [], np.empty(0, np.intp), np.empty(0, np.intp)
    ids = records["station_id"].cast(pa.string()).combine_chunks().dictionary_encode()
    days = np.asarray(records["timestamp"].cast(pa.int64())) // DAY_MS
    first, span = int(days.min()), int(np.ptp(days)) + 1
    found, group_of_row, rows = np.unique(
        np.asarray(ids.indices, np.int64) * span + days - first, return_inverse=True, return_counts=True
    )
    names = ids.dictionary.to_pylist()
    return [(names[key // span], first + key % span) for key in found.tolist()], group_of_row.reshape(-1), rows


def _compressed(records: pa.Table) -> pa.Buffer:
    names = [name for name in records.column_names if name in _KEPT and records[name].null_count < records.num_rows]
    chosen = records.select(names)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, chosen.schema, options=_LZ4) as writer:
        writer.write_table(chosen)
    # The stream's own buffer grows by doubling, so up to half of it is unused.
    return pa.py_buffer(sink.getvalue().to_pybytes())


def _by_station(tables: list[pa.Table], names: set[str], first_day: int, last_day: int) -> dict[str, StationColumns]:
    """The rows of these stations and days, by time."""
    if not tables:
        return {}
    table = pa.concat_tables(tables, promote_options="default").unify_dictionaries().combine_chunks()
    # Otherwise, they would be in memory twice.
    tables.clear()
    ids = table["station_id"].cast(pa.string()).combine_chunks().dictionary_encode()
    known = ids.dictionary.to_pylist()
    codes = np.asarray(ids.indices)
    times = np.asarray(table["timestamp"].cast(pa.int64()))
    among = np.array([name in names for name in known])[codes]
    rows = np.flatnonzero(among & (times >= first_day * DAY_MS) & (times < (last_day + 1) * DAY_MS))
    order = rows[np.lexsort((times[rows], codes[rows]))]
    whole = _columns(table, times, order)
    edges = np.flatnonzero(np.diff(codes[order], prepend=-1, append=-1))
    return {
        known[codes[order[first]]]: _of_station(whole, slice(first, end)) for first, end in pairwise(edges.tolist())
    }


def _columns(table: pa.Table, times: npt.NDArray[np.int64], order: npt.NDArray[np.intp]) -> StationColumns:
    def numbers(name: str) -> npt.NDArray[np.int64]:
        return np.asarray(table[name].cast(pa.int64()))[order]

    def texts(name: str) -> npt.NDArray[np.object_]:
        if name not in table.column_names:
            return np.full(len(order), None, dtype=object)
        found: npt.NDArray[np.object_] = table[name].to_numpy()[order]
        return found

    def letters(name: str) -> npt.NDArray[np.bytes_]:
        cells = table[name].combine_chunks()
        width = max(1, pc.max(pc.binary_length(cells)).as_py() or 0)
        # Cells of one width are an array as they are.
        padded = pc.ascii_rpad(cells, width, padding="\0")
        at = padded.offset * width
        found: npt.NDArray[np.bytes_] = np.frombuffer(padded.buffers()[2], f"S{width}", len(padded), at)[order]
        return found

    stations, sources = _alike(table, _STATION, _station_of)[order], _alike(table, _SOURCE, _source_of)[order]
    moments = (numbers("extracted_at"), numbers("ingested_at"))
    origins = Origins(stations, sources, letters("source_row"), *moments)
    values = {name: table[name].to_numpy()[order] for name in PARAMETER_NAMES if name in table.column_names}
    return StationColumns(times[order], values, texts("flags"), texts("source_flags"), letters("digest"), origins)


def _of_station(columns: StationColumns, rows: slice) -> StationColumns:
    values = {name: own for name, of_all in columns.values.items() if not np.isnan(own := of_all[rows]).all()}
    origins = None if columns.origins is None else columns.origins.take(rows)
    return StationColumns(
        columns.times[rows], values, columns.flags[rows], columns.source_flags[rows], columns.digests[rows], origins
    )


def _alike(
    table: pa.Table, names: tuple[str, ...], document_of: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> npt.NDArray[np.object_]:
    """Fields of each record's document that others share, so that they are in memory once."""
    there = [name for name in names if name in table.column_names]
    key, kinds = np.zeros(table.num_rows, np.int64), 1
    for name in there:
        encoded = table[name].combine_chunks()
        encoded = encoded if pa.types.is_dictionary(encoded.type) else encoded.dictionary_encode()
        values = len(encoded.dictionary) + 1
        if kinds * values > _MOST_KINDS:
            found, key = np.unique(key, return_inverse=True)
            kinds = len(found)
        key = key * values + np.asarray(encoded.indices.fill_null(-1), np.int64) + 1
        kinds *= values
    _, first, key = np.unique(key, return_index=True, return_inverse=True)
    documents = np.empty(len(first), dtype=object)
    documents[:] = [document_of(record) for record in table.select(there).take(pa.array(first)).to_pylist()]
    return documents[key]


def _station_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """The station of `bson_encoder.document_of`, as far as the dataset has it."""
    return {
        "station": {
            "id": record["station_id"],
            "name": record.get("station_name"),
            "network": record.get("station_network"),
            "location": {"coordinates": [record["longitude"], record["latitude"]]},
            "elevation": record["elevation"],
        }
    }


def _source_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """What documents of `bson_encoder.document_of` from one raw object share, as far as the dataset has it."""
    return {
        "data_quality": {"completeness_score": record["completeness_score"]},
        "metadata": {name: record[name] for name in ("source_uri", "run_id", "pipeline_version")},
    }
