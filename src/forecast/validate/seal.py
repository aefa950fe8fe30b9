"""Completes a row that may enter: identity, completeness, quality flag and digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from forecast.observations import VALIDATED_SCHEMA
from forecast.parameters import PARAMETER_NAMES
from forecast.stations import Station, Stations

Bytes = npt.NDArray[np.uint8]

# QARTOD: 1 good, 2 not evaluated, 3 suspect, 4 fail, 9 missing.
NOT_EVALUATED = 2
# The version of the quality checks; 0 means that none has run.
CHECKS_VERSION = 0
_DIGEST_BYTES = 16


def seal(table: pa.Table, stations: Stations) -> pa.Table:
    """Observations (OBSERVATION_SCHEMA, all of known stations) as VALIDATED_SCHEMA."""
    size = table.num_rows
    encoded = table["station_id"].combine_chunks().dictionary_encode()
    codes = encoded.indices.to_numpy(zero_copy_only=False)
    known = [station for name in encoded.dictionary.to_pylist() if (station := stations.get(name)) is not None]
    columns = {
        "_id": _document_ids(table),
        **{name: table[name] for name in table.column_names},
        "completeness_score": pa.array(_completeness(table, known, codes)),
        "flag": pa.repeat(pa.scalar(NOT_EVALUATED, pa.int32()), size),
        "flags": pa.nulls(size, pa.string()),
        "anomalies_detected": pa.repeat(pa.scalar(0, pa.int32()), size),
        "checks_version": pa.repeat(pa.scalar(CHECKS_VERSION, pa.int32()), size),
    }
    columns["digest"] = _digests(pa.table(columns), known, codes)
    return pa.table(columns, schema=VALIDATED_SCHEMA)


def _document_ids(table: pa.Table) -> pa.Array:
    """Station and UTC time, such as ILAMAD25@2024-10-01T00:04:00Z."""
    seconds = table["timestamp"].cast(pa.int64())
    text = pc.divide(seconds, 1000).cast(pa.timestamp("s")).cast(pa.string())
    stamps = pc.utf8_replace_slice(text, 10, 11, "T")
    return pc.binary_join_element_wise(table["station_id"], "@", stamps, "Z", "").combine_chunks()


def _completeness(table: pa.Table, known: Sequence[Station], codes: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
    """Parameters present / parameters the station reports, row by row."""
    reports = np.array([[name in station.parameters for name in PARAMETER_NAMES] for station in known], dtype=bool)
    reports = reports.reshape(len(known), len(PARAMETER_NAMES))
    present = np.zeros(table.num_rows, dtype=np.int64)
    for index, name in enumerate(PARAMETER_NAMES):
        column = table[name]
        if column.null_count < len(column) and reports[:, index].any():
            present += np.asarray(column.is_valid()) & reports[codes, index]
    return present / reports.sum(axis=1)[codes] if len(known) else np.zeros(0)


def _digests(table: pa.Table, known: Sequence[Station], codes: npt.NDArray[np.integer]) -> pa.Array:
    """BLAKE2b-128 of station, timestamp, measurements and data quality, as hexadecimal text.

    A real hash, because equal digests are never written again: 0.7 µs a row, in the only loop over rows on this way.
    """
    size = table.num_rows
    stations = np.array(
        [_hash(json.dumps(s.document, sort_keys=True).encode()) for s in known], dtype=f"S{_DIGEST_BYTES}"
    )
    parts = [
        stations.view(np.uint8).reshape(len(known), _DIGEST_BYTES)[codes]
        if size
        else np.zeros((0, _DIGEST_BYTES), np.uint8)
    ]
    parts.append(_as_bytes(np.asarray(table["timestamp"].cast(pa.int64()))))
    floats = (*PARAMETER_NAMES, "completeness_score")
    parts += [_as_bytes(table[name].to_numpy().astype(np.float64)) for name in floats]
    integers = ("flag", "anomalies_detected", "checks_version")
    parts += [_as_bytes(np.asarray(table[name].cast(pa.int64()))) for name in integers]
    parts += [_text_hashes(table[name]) for name in ("flags", "notes")]
    matrix = np.ascontiguousarray(np.concatenate(parts, axis=1))
    width = matrix.shape[1]
    data = matrix.tobytes()
    blake2b = hashlib.blake2b
    starts = range(0, size * width, width)
    digests = b"".join([blake2b(data[at : at + width], digest_size=_DIGEST_BYTES).digest() for at in starts])
    offsets = np.arange(0, 2 * len(digests) + 1, 2 * _DIGEST_BYTES, dtype=np.int32)
    hexadecimal = pa.py_buffer(digests.hex().encode())
    return pa.StringArray.from_buffers(size, pa.py_buffer(offsets), hexadecimal)


def _text_hashes(column: pa.ChunkedArray) -> Bytes:
    """16 bytes a row, zeros where there is no text (which is nearly everywhere)."""
    hashes = np.zeros((len(column), _DIGEST_BYTES), dtype=np.uint8)
    if column.null_count < len(column):
        for row in np.flatnonzero(np.asarray(column.is_valid())).tolist():
            hashes[row] = np.frombuffer(_hash(column[row].as_py().encode()), dtype=np.uint8)
    return hashes


def _as_bytes(values: npt.NDArray[np.generic]) -> Bytes:
    """Eight bytes a row, little endian; every missing value is the same NaN."""
    if values.dtype == np.float64:
        values = np.where(np.isnan(values), np.nan, values)
    return np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<")).view(np.uint8).reshape(len(values), 8)


def _hash(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_DIGEST_BYTES).digest()
