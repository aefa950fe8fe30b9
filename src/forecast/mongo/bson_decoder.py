"""Documents to columns: the way back of `bson_encoder`, a few µs a document less than decoding each.

Documents of one station with the same parameters and the same flags have the same BSON but for numbers and digests at
the same places. So one of them is read by the driver's rules, and the others as a matrix of bytes.
"""

from __future__ import annotations

import json
import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Final, NamedTuple

import bson
import numpy as np
import numpy.typing as npt
from bson.codec_options import CodecOptions

from forecast.core.parameters import PARAMETER_NAMES

# What is read of a document.
PROJECTION: Final = {
    "_id": 0,
    "station.id": 1,
    "timestamp": 1,
    "measurements": 1,
    "data_quality.flags": 1,
    "data_quality.source_flags": 1,
    "metadata.digest": 1,
}
# What the dataset and the reader have of it as well: the station, and where the record came from.
ORIGIN: Final = {
    "station.name": 1,
    "station.network": 1,
    "station.location": 1,
    "station.elevation": 1,
    "data_quality.completeness_score": 1,
    "metadata.source_uri": 1,
    "metadata.source_row": 1,
    "metadata.extracted_at": 1,
    "metadata.run_id": 1,
    "metadata.ingested_at": 1,
    "metadata.pipeline_version": 1,
}
# Both, for who reads documents for the checks and the dataset at once.
WITH_ORIGIN: Final = {**PROJECTION, **ORIGIN}
_DOUBLE, _TEXT, _DOCUMENT, _ARRAY, _DATE = 0x01, 0x02, 0x03, 0x04, 0x09
_WIDTHS: Final = {_DOUBLE: 8, 0x07: 12, 0x08: 1, _DATE: 8, 0x0A: 0, 0x10: 4, 0x11: 8, 0x12: 8, 0x13: 16}
_DECODED: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True)
Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
_SHARED: Final = ("source_uri", "run_id", "pipeline_version")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
# Each kind of document is compared with all that are left: beyond so many, reading each as the driver does is faster.
_KINDS_A_BATCH: Final = 64
# Below so many documents of one length in a row, putting them together is faster than reading run by run.
_ROWS_A_RUN: Final = 20


@dataclass(frozen=True, slots=True)
class Origins:
    """Where documents come from: one that each is like but for what stands here (`alike`), its row, and times in ms."""

    alike: npt.NDArray[np.object_]
    source_rows: npt.NDArray[np.bytes_]
    extracted_at: npt.NDArray[np.int64]
    ingested_at: npt.NDArray[np.int64]

    def take(self, rows: slice | npt.NDArray[np.intp]) -> Origins:
        """Those of some of the documents."""
        return Origins(self.alike[rows], self.source_rows[rows], self.extracted_at[rows], self.ingested_at[rows])


@dataclass(frozen=True, slots=True)
class StationColumns:
    """Documents of one station by time; `values` by parameter (NaN where missing), both flags as JSON text or null.

    `origins` are there where they were read (WITH_ORIGIN).
    """

    times: npt.NDArray[np.int64]
    values: dict[str, npt.NDArray[np.float64]]
    flags: npt.NDArray[np.object_]
    source_flags: npt.NDArray[np.object_]
    digests: npt.NDArray[np.bytes_]
    origins: Origins | None = None

    def since(self, time: int) -> StationColumns:
        """The documents from a time on (ms since 1970)."""
        rows = slice(int(np.searchsorted(self.times, time)), None)
        values = {name: values[rows] for name, values in self.values.items()}
        flags, source_flags = self.flags[rows], self.source_flags[rows]
        origins = None if self.origins is None else self.origins.take(rows)
        return StationColumns(self.times[rows], values, flags, source_flags, self.digests[rows], origins)


class _Element(NamedTuple):
    kind: int
    at: int
    size: int


class Alike(NamedTuple):
    """Documents that are alike but for numbers, times and texts of one width, a row of `matrix` each.

    `first` is the first of them, as the driver decodes it.
    """

    first: dict[str, Any]
    layout: dict[str, _Element]
    matrix: Bytes

    def numbers(self, name: str, kind: str) -> npt.NDArray[Any]:
        """A field of all of them, by its path, as numpy's type of that name."""
        element = self.layout[name]
        cells = np.ascontiguousarray(self.matrix[:, element.at : element.at + element.size])
        return cells.view(kind).reshape(-1)

    def texts(self, name: str) -> npt.NDArray[np.bytes_]:
        """A text of all of them, in UTF-8."""
        size = self.layout[name].size
        return self.numbers(name, f"S{size}") if size else np.zeros(len(self.matrix), "S1")

    def measurements(self) -> Iterator[tuple[str, npt.NDArray[np.float64]]]:
        """Each parameter that they have, with its values."""
        for name, value in self.first["measurements"].items():
            if name in PARAMETER_NAMES:
                path = f"measurements.{name}"
                # Somebody may have written a whole number by hand.
                double = self.layout[path].kind == _DOUBLE
                yield name, self.numbers(path, "<f8") if double else np.full(len(self.matrix), float(value))


def read_columns(batches: Iterable[bytes]) -> dict[str, StationColumns]:
    """Columns by station of raw batches of documents, as PROJECTION leaves them, in any order."""
    found: defaultdict[str, list[StationColumns]] = defaultdict(list)
    for batch in batches:
        for part in _parts(batch):
            if isinstance(part, Alike):
                found[part.first["station"]["id"]].append(_station_columns(part))
                continue
            documents: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
            for text in part:
                document = bson.decode(text, _DECODED)
                documents[document["station"]["id"]].append(document)
            for station_id, of_station in documents.items():
                found[station_id].append(_columns_of(of_station))
    return {station_id: joined(parts) for station_id, parts in found.items()}


def joined(parts: list[StationColumns]) -> StationColumns:
    """Parts of one station under each other, by time."""
    times = np.concatenate([part.times for part in parts])
    order = np.argsort(times, kind="stable")
    names = [name for name in PARAMETER_NAMES if any(name in part.values for part in parts)]
    return StationColumns(
        times[order],
        {name: _joined_values(name, parts)[order] for name in names},
        np.concatenate([part.flags for part in parts])[order],
        np.concatenate([part.source_flags for part in parts])[order],
        np.concatenate([part.digests for part in parts])[order],
        _joined_origins([part.origins for part in parts], order),
    )


def alike_documents(batch: bytes) -> Iterator[Alike]:
    """The documents of a raw batch, those that are alike together."""
    for part in _parts(batch):
        if isinstance(part, Alike):
            yield part
            continue
        for document in part:
            matrix = np.frombuffer(document, np.uint8).reshape(1, -1)
            yield Alike(bson.decode(document, _DECODED), dict(_elements(document)), matrix)


def _parts(batch: bytes) -> Iterator[Alike | list[bytes]]:
    """The documents of a raw batch, those that are alike together; beyond so many kinds, as they are."""
    kinds = 0
    for matrix in _matrices(batch):
        left = matrix
        while len(left):
            if kinds == _KINDS_A_BATCH:
                yield [row.tobytes() for row in left]
                break
            kinds += 1
            document = left[0].tobytes()
            layout = dict(_elements(document))
            alike = _alike(left, _fixed(layout, len(document)))
            yield Alike(bson.decode(document, _DECODED), layout, left[alike] if not alike.all() else left)
            left = left[~alike]


def _matrices(batch: bytes) -> Iterator[Bytes]:
    """Documents of one length as a matrix of their bytes, one a row."""
    data = np.frombuffer(batch, dtype=np.uint8)
    starts = np.fromiter(_starts(batch), dtype=np.int64)
    lengths = np.diff(starts, append=len(batch))
    edges = np.flatnonzero(np.diff(lengths, prepend=-1, append=-1))
    if len(edges) <= len(starts) // _ROWS_A_RUN + 2:
        # They mostly follow one another, and need not be copied.
        for first, last in pairwise(edges.tolist()):
            length = int(lengths[first])
            yield data[starts[first] : starts[first] + (last - first) * length].reshape(-1, length)
        return
    for length in np.unique(lengths):
        yield data[starts[lengths == length, None] + np.arange(length)]


def _alike(matrix: Bytes, fixed: Mask) -> Mask:
    """The rows that are as the first is, at the places that are fixed."""
    differing = np.flatnonzero((matrix != matrix[0]).any(axis=0) & fixed)
    alike: Mask = (matrix[:, differing] == matrix[0, differing]).all(axis=1)
    return alike


def _starts(batch: bytes) -> Iterator[int]:
    at = 0
    while at < len(batch):
        yield at
        at += struct.unpack_from("<i", batch, at)[0]


def _elements(document: bytes, at: int = 0, path: str = "") -> Iterator[tuple[str, _Element]]:
    """The elements of a document that hold a value, by their path (bsonspec.org)."""
    end = at + struct.unpack_from("<i", document, at)[0] - 1
    at += 4
    while at < end:
        kind = document[at]
        name_end = document.index(0, at + 1)
        name = path + document[at + 1 : name_end].decode()
        at = name_end + 1
        if kind in {_DOCUMENT, _ARRAY}:
            size = struct.unpack_from("<i", document, at)[0]
            yield from _elements(document, at, f"{name}.")
        elif kind == _TEXT:
            size = 4 + struct.unpack_from("<i", document, at)[0]
            yield name, _Element(kind, at + 4, size - 5)
        else:
            size = _WIDTHS[kind]
            yield name, _Element(kind, at, size)
        at += size


def _differs(name: str, element: _Element) -> bool:
    """Whether this is one of the values that differ from document to document of one shape."""
    return (
        element.kind == _DATE
        or name in {"metadata.digest", "metadata.source_row"}
        or (name.startswith("measurements.") and element.kind == _DOUBLE)
    )


def _fixed(layout: dict[str, _Element], length: int) -> Mask:
    fixed = np.ones(length, dtype=bool)
    for name, element in layout.items():
        if _differs(name, element):
            fixed[element.at : element.at + element.size] = False
    return fixed


def _station_columns(alike: Alike) -> StationColumns:
    quality = alike.first["data_quality"]
    texts, source = (
        np.full(len(alike.matrix), json.dumps(flags) if flags else None, dtype=object)
        for flags in (quality["flags"], quality.get("source_flags"))
    )
    times = alike.numbers("timestamp", "<i8")
    values = dict(alike.measurements())
    return StationColumns(times, values, texts, source, alike.texts("metadata.digest"), _origins(alike))


def _columns_of(documents: list[dict[str, Any]]) -> StationColumns:
    """The columns of documents of one station of which hardly two are alike."""
    measured = [one["measurements"] for one in documents]
    qualities = [one["data_quality"] for one in documents]
    metadata = [one["metadata"] for one in documents]
    names = set().union(*measured)
    origins = None
    if all("source_row" in one for one in metadata):
        alike = np.empty(len(documents), dtype=object)
        alike[:] = _shared(documents)
        rows = np.array([one["source_row"].encode() for one in metadata])
        times = [_times([one[name] for one in metadata]) for name in ("extracted_at", "ingested_at")]
        origins = Origins(alike, rows, *times)
    flags, source_flags = (
        np.array([json.dumps(found) if found else None for found in given], dtype=object)
        for given in ([one["flags"] for one in qualities], [one.get("source_flags") for one in qualities])
    )
    return StationColumns(
        _times([one["timestamp"] for one in documents]),
        {
            name: np.array([values.get(name, np.nan) for values in measured], np.float64)
            for name in PARAMETER_NAMES
            if name in names
        },
        flags,
        source_flags,
        np.array([one["digest"].encode() for one in metadata]),
        origins,
    )


def _shared(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each document what others have too: it is in memory once."""
    kept: dict[object, dict[str, Any]] = {}
    found = []
    for one in documents:
        key = (str(one["station"]), one["data_quality"]["completeness_score"], *map(one["metadata"].get, _SHARED))
        found.append(kept.setdefault(key, one))
    return found


def _times(moments: list[datetime]) -> npt.NDArray[np.int64]:
    """Moments as milliseconds since 1970."""
    return np.array([(moment - _EPOCH) // _MILLISECOND for moment in moments], np.int64)


def _origins(alike: Alike) -> Origins | None:
    if "metadata.source_row" not in alike.layout:
        return None
    first = np.empty(len(alike.matrix), dtype=object)
    first.fill(alike.first)
    extracted_at, ingested_at = (alike.numbers(f"metadata.{name}", "<i8") for name in ("extracted_at", "ingested_at"))
    return Origins(first, alike.texts("metadata.source_row"), extracted_at, ingested_at)


def _joined_origins(parts: list[Origins | None], order: npt.NDArray[np.intp]) -> Origins | None:
    known = [part for part in parts if part is not None]
    if not known or len(known) < len(parts):
        return None
    return Origins(
        np.concatenate([part.alike for part in known]),
        np.concatenate([part.source_rows for part in known]),
        np.concatenate([part.extracted_at for part in known]),
        np.concatenate([part.ingested_at for part in known]),
    ).take(order)


def _joined_values(name: str, parts: list[StationColumns]) -> npt.NDArray[np.float64]:
    return np.concatenate([part.values.get(name, np.full(len(part.times), np.nan)) for part in parts])
