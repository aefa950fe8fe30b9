"""The digest of a document (docs/using-the-data.md): one half for the observation, one for its QC result.

The first half shows whether two deliveries are the same observation, whatever its flags are: these depend on the
surrounding observations and change with them. Each half has 64 bits, which is enough, because only versions of the same
document are compared, never different documents.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from xxhash import xxh3_64_digest, xxh3_64_hexdigest, xxh3_128_digest

from forecast.core.parameters import MEASURED_NAMES
from forecast.core.stations import Station

# What is hashed: a number or half of a text's hash for each column, little endian.
Words = npt.NDArray[np.uint64]
# HASH_LENGTH hexadecimal letters per row.
Hashes = npt.NDArray[np.bytes_]
HASH_LENGTH: Final = 16
_WORD: Final = np.dtype("<u8")
_TEXT_WORDS: Final = 2
_TEXTS: Final = frozenset({"parse_issues", "source_flags"})


@dataclass(frozen=True, slots=True)
class _Part:
    """A column that is hashed in the rows where it has a value, together with its name, so that columns differ."""

    name: str
    words: Words
    present: npt.NDArray[np.bool_]


def content_hashes(table: pa.Table, known: Sequence[Station], codes: npt.NDArray[np.integer]) -> Hashes:
    """The first half: station, time, completeness, and the measured values, notes and source flags that are present.

    `codes` are indices into `known`. A missing value does not contribute to the digest, and neither does the order of
    the table of parameters, so a new parameter does not change the digest of any record without it.
    """
    size = table.num_rows
    described = [_text_hash(json.dumps(station.document, sort_keys=True)) for station in known]
    stations = np.frombuffer(b"".join(described), dtype=_WORD).reshape(len(known), _TEXT_WORDS)
    of_station = stations[codes] if size else np.zeros((0, _TEXT_WORDS), _WORD)
    time = _as_words(np.asarray(table["timestamp"].cast(pa.int64())))
    everywhere = np.concatenate([of_station, time, _as_words(_floats(table, "completeness_score"))], axis=1)
    parts = _parts(table)
    hashes = np.empty(size, dtype=f"S{HASH_LENGTH}")
    for rows in _rows_alike(parts, size):
        cells = [everywhere[rows]]
        for part in parts:
            if part.present[rows[0]]:
                name = np.frombuffer(xxh3_64_digest(part.name.encode()), dtype=_WORD)
                cells += [np.broadcast_to(name, (len(rows), 1)), part.words[rows]]
        hashes[rows] = _hashed(np.concatenate(cells, axis=1))
    return hashes


def merged_half(hashes: Mapping[str, str]) -> str:
    """The first half of an observation with several parameter groups, from the first halves of its parts by group."""
    text = " ".join(f"{group}:{half}" for group, half in sorted(hashes.items()))
    return xxh3_64_hexdigest(text.encode())


def _parts(table: pa.Table) -> list[_Part]:
    """The columns that have a value in any row."""
    filled = [name for name in (*MEASURED_NAMES, *_TEXTS) if table[name].null_count < table.num_rows]
    return [
        _Part(name, _text_hashes(table[name]), np.asarray(table[name].is_valid()))
        if name in _TEXTS
        else _Part(name, _as_words(values := _floats(table, name)), ~np.isnan(values))
        for name in sorted(filled)
    ]


def _rows_alike(parts: Sequence[_Part], size: int) -> list[npt.NDArray[np.intp]]:
    """The rows grouped by which parts they have; usually there are few groups."""
    if not size:
        return []
    present = np.stack([np.ones(size, bool), *(part.present for part in parts)], axis=1)
    packed = np.packbits(present, axis=1)
    width = packed.shape[1]
    patterns = pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), size, [None, pa.py_buffer(packed.tobytes())])
    groups = np.asarray(patterns.dictionary_encode().indices)
    order = np.argsort(groups, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)


def _floats(table: pa.Table, name: str) -> npt.NDArray[np.float64]:
    return np.asarray(table[name].to_numpy(), dtype=np.float64)


def qc_hashes(
    flag: npt.NDArray[np.integer],
    flags: pa.Array | pa.ChunkedArray,
    anomalies: npt.NDArray[np.integer],
    amount: npt.NDArray[np.float64],
    qc_version: npt.NDArray[np.integer],
) -> Hashes:
    """The second half: flags, and the precipitation_amount, which is derived from the surrounding observations."""
    integers = [_as_words(column.astype(np.int64)) for column in (flag, anomalies, qc_version)]
    matrix = np.concatenate([*integers, _as_words(amount), _text_hashes(flags)], axis=1)
    # Nearly all rows of a day are equal here, so each distinct one is hashed once.
    width = matrix.shape[1] * _WORD.itemsize
    cells = pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), len(matrix), [None, pa.py_buffer(matrix.tobytes())])
    encoded = cells.dictionary_encode()
    distinct = np.frombuffer(b"".join(encoded.dictionary.to_pylist()), dtype=_WORD).reshape(-1, matrix.shape[1])
    hashes: Hashes = _hashed(distinct)[np.asarray(encoded.indices)]
    return hashes


def whole_digests(first: Hashes, second: Hashes) -> pa.Array:
    """The two halves of each row as one text."""
    size = len(first)
    letters = np.hstack([half.view(np.uint8).reshape(size, HASH_LENGTH) for half in (first, second)])
    offsets = np.arange(0, 2 * HASH_LENGTH * size + 1, 2 * HASH_LENGTH, dtype=np.int32)
    return pa.StringArray.from_buffers(size, pa.py_buffer(offsets), pa.py_buffer(letters.tobytes()))


def qc_hashes_of(digests: npt.NDArray[np.bytes_]) -> Hashes:
    """The second half of each whole digest."""
    letters = (
        digests.astype(f"S{2 * HASH_LENGTH}").view(np.uint8).reshape(len(digests), 2 * HASH_LENGTH)[:, HASH_LENGTH:]
    )
    hashes: Hashes = np.ascontiguousarray(letters).view(f"S{HASH_LENGTH}").reshape(-1)
    return hashes


def _hashed(matrix: Words) -> Hashes:
    """XXH3-64 of each row, as hexadecimal text: 0.2 µs per row, in the only Python loop over all rows.

    BLAKE2b-64 took three times as long. It would only help against someone who constructs two versions of an
    observation with the same digest, but anyone who can write to the raw zone can do damage without that.
    """
    rows = np.ascontiguousarray(matrix).view(f"V{matrix.shape[1] * _WORD.itemsize}").reshape(-1).tolist()
    hashes = b"".join(map(xxh3_64_digest, rows))
    return np.frombuffer(hashes.hex().encode(), dtype=f"S{HASH_LENGTH}")


def _text_hashes(column: pa.Array | pa.ChunkedArray) -> Words:
    """Two words per row, zeros where there is no text (nearly everywhere); each distinct text is hashed once."""
    if column.null_count == len(column):
        return np.zeros((len(column), _TEXT_WORDS), _WORD)
    cells = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    encoded = cells.dictionary_encode()
    hashes = b"".join(map(_text_hash, encoded.dictionary.to_pylist()))
    # The last row of the table stands for no text.
    no_text = bytes(_TEXT_WORDS * _WORD.itemsize)
    table = np.frombuffer(hashes + no_text, dtype=_WORD).reshape(-1, _TEXT_WORDS)
    rows: Words = table[np.asarray(pc.fill_null(encoded.indices, len(table) - 1))]
    return rows


def _text_hash(text: str) -> bytes:
    return bytes(xxh3_128_digest(text.encode()))


def _as_words(values: npt.NDArray[np.generic]) -> Words:
    """One word per row; every missing value is the same NaN."""
    if values.dtype == np.float64:
        values = np.where(np.isnan(values), np.nan, values)
    return np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<")).view(_WORD).reshape(len(values), 1)
