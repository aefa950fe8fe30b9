"""Groups BSON documents with the same layout, as matrices of their bytes.

Documents with the same parameters and the same flags have the same BSON, except for numbers, times and texts of equal
length at the same positions. One of them is decoded by the driver, and the others are read from the matrix.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import bson
import numpy as np
import numpy.typing as npt
from bson.codec_options import CodecOptions

from forecast.core.parameters import PARAMETER_NAMES

_ROW: Final = "metadata.source_row"
# What all documents of a station share, and what those from one raw object do.
_STATION: Final = "station."
_SOURCE: Final = ("data_quality.completeness_score", "metadata.source_uri", "metadata.run_id")
DECODED: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True)
_DOUBLE, _TEXT, _DOCUMENT, _ARRAY, _DATE = 0x01, 0x02, 0x03, 0x04, 0x09
_WIDTHS: Final = {_DOUBLE: 8, 0x07: 12, 0x08: 1, _DATE: 8, 0x0A: 0, 0x10: 4, 0x11: 8, 0x12: 8, 0x13: 16}
Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
# Each layout is compared with all remaining documents; with more layouts than this, decoding each document is faster.
_KINDS_A_BATCH: Final = 64
# With fewer consecutive documents of one length than this, collecting them is faster than reading run by run.
_ROWS_A_RUN: Final = 60
# For fewer lengths, an array costs more than comparing one by one.
_FEW: Final = 8


class _Run(NamedTuple):
    """Consecutive documents of equal length."""

    start: int
    length: int
    number: int


class _Element(NamedTuple):
    kind: int
    at: int
    size: int


class Distinct(NamedTuple):
    """Documents that differ in some fields, decoded by the driver, and for each row the index of the one it equals."""

    documents: list[dict[str, Any]]
    of_row: npt.NDArray[np.intp]


class Alike(NamedTuple):
    """Documents that only differ in numbers, times and texts of fixed width; each is a row of `matrix`.

    `first` is the first of them, decoded by the driver.
    """

    first: dict[str, Any]
    layout: dict[str, _Element]
    matrix: Bytes

    def numbers(self, name: str, kind: str) -> npt.NDArray[Any]:
        """The values of a numeric field, by its path; `kind` is numpy's name of its type."""
        element = self.layout[name]
        # A copy even of a single row, whose cells are contiguous: a view would keep all documents of the batch.
        cells = self.matrix[:, element.at : element.at + element.size].copy()
        return cells.view(kind).reshape(-1)

    def texts(self, name: str) -> npt.NDArray[np.bytes_]:
        """The values of a text field, in UTF-8."""
        size = self.layout[name].size
        return self.numbers(name, f"S{size}") if size else np.zeros(len(self.matrix), "S1")

    @property
    def has_origin(self) -> bool:
        """Whether their origins were read."""
        return _ROW in self.layout

    def by_station(self) -> Distinct:
        """One document of each station, or several if the station's own fields differ."""
        return self._distinct([name for name in self.layout if name.startswith(_STATION)])

    def by_source(self) -> Distinct:
        """One document for each raw object, run and completeness; only if their origins were read."""
        return self._distinct(_SOURCE)

    def _distinct(self, names: Iterable[str]) -> Distinct:
        elements = [self.layout[name] for name in names]
        cells = np.concatenate([self.matrix[:, one.at : one.at + one.size] for one in elements], axis=1)
        if (cells == cells[0]).all():
            return Distinct([self.first], np.zeros(len(cells), np.intp))
        keys = cells.view(f"S{cells.shape[1]}").reshape(-1)
        _, rows, of_row = np.unique(keys, return_index=True, return_inverse=True)
        return Distinct([bson.decode(self.matrix[row].tobytes(), DECODED) for row in rows.tolist()], of_row.reshape(-1))

    def measurements(self) -> Iterator[tuple[str, npt.NDArray[np.float64]]]:
        """Their parameters, with the values."""
        for name, value in self.first["measurements"].items():
            if name in PARAMETER_NAMES:
                path = f"measurements.{name}"
                # Somebody may have written an integer by hand.
                double = self.layout[path].kind == _DOUBLE
                yield name, self.numbers(path, "<f8") if double else np.full(len(self.matrix), float(value))


def alike_documents(batch: bytes) -> Iterator[Alike]:
    """The documents of a raw batch, grouped by layout."""
    for part in by_shape(batch):
        if isinstance(part, Alike):
            yield part
            continue
        for document in part:
            matrix = np.frombuffer(document, np.uint8).reshape(1, -1)
            yield Alike(bson.decode(document, DECODED), dict(_elements(document)), matrix)


def by_shape(batch: bytes) -> Iterator[Alike | list[bytes]]:
    """The documents of a raw batch, grouped by layout; after _KINDS_A_BATCH layouts, the bytes of each."""
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
            yield Alike(bson.decode(document, DECODED), layout, left[alike] if not alike.all() else left)
            left = left[~alike]


def _matrices(batch: bytes) -> Iterator[Bytes]:
    """Documents of equal length as a matrix of their bytes, one per row."""
    data = np.frombuffer(batch, dtype=np.uint8)
    runs = list(_runs(batch))
    documents = sum(run.number for run in runs)
    if len(runs) <= documents // _ROWS_A_RUN + 1:
        # They need not be copied.
        for run in runs:
            yield data[run.start : run.start + run.number * run.length].reshape(-1, run.length)
        return
    for length in sorted({run.length for run in runs}):
        starts = [run.start + np.arange(run.number) * length for run in runs if run.length == length]
        yield data[np.concatenate(starts)[:, None] + np.arange(length)]


def _alike(matrix: Bytes, fixed: Mask) -> Mask:
    """The rows that equal the first one at all fixed positions."""
    differing = np.flatnonzero((matrix != matrix[0]).any(axis=0) & fixed)
    alike: Mask = (matrix[:, differing] == matrix[0, differing]).all(axis=1)
    return alike


def _runs(batch: bytes) -> Iterator[_Run]:
    """The runs of a raw batch, in order. In a long one, many lengths are compared at once."""
    end = 0
    while end < len(batch):
        start, length, number = end, _length(batch, end), 1
        end += length
        while end < len(batch) and _length(batch, end) == length:
            more = 1
            if number >= _FEW:
                most = min(number, (len(batch) - end) // length)
                lengths = np.ndarray(most, "<i4", batch, end, length)
                others = np.flatnonzero(lengths != length)
                more = int(others[0]) if len(others) else most
            number += more
            end += more * length
        yield _Run(start, length, number)


def _length(batch: bytes, at: int) -> int:
    length: int = struct.unpack_from("<i", batch, at)[0]
    return length


def _elements(document: bytes, at: int = 0, path: str = "") -> Iterator[tuple[str, _Element]]:
    """The elements of a document that are values, by their path (bsonspec.org)."""
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
    """Whether this value may differ between documents of one layout."""
    return (
        element.kind == _DATE
        or name in {"metadata.digest", _ROW}
        or (name.startswith("measurements.") and element.kind == _DOUBLE)
        or ((name.startswith(_STATION) or name in _SOURCE) and element.kind in {_DOUBLE, _TEXT})
    )


def _fixed(layout: dict[str, _Element], length: int) -> Mask:
    fixed = np.ones(length, dtype=bool)
    for name, element in layout.items():
        if _differs(name, element):
            fixed[element.at : element.at + element.size] = False
    return fixed
