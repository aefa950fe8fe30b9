"""Transforms small objects together: with few rows, the number of columns and rules determines the cost.

Only what every row says by itself is read together, and only of objects in which nothing is rejected, unreadable or
ambiguous. What this leaves out is transformed object by object, with the same result as if nothing had been tried.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from forecast.core.admission import Mask
from forecast.core.reading import ParameterReading
from forecast.core.schemas import ORIGIN_SCHEMA, REJECTED_SCHEMA, RawBatch, Transformed, empty_frame, to_frame, to_table
from forecast.core.stations import Station
from forecast.transform.assemble import BatchDraft, Bounds, observation_table, read_cells, without_values
from forecast.transform.values.columns import ParsedColumn


def alike(batches: Sequence[tuple[RawBatch, Station | None]]) -> Iterator[list[int]]:
    """The indices of batches that can be read as one: they have nothing but rows, with the same columns.

    Each comes with the station of its rows that do not name one, which has to be the same as well.
    """
    found: defaultdict[Any, list[int]] = defaultdict(list)
    for index, (batch, station) in enumerate(batches):
        if _has_only_rows(batch):
            found[None if station is None else station.id, _schema(batch)].append(index)
    yield from (indices for indices in found.values() if len(indices) > 1)


def _has_only_rows(batch: RawBatch) -> bool:
    beside = (batch.sheet, batch.groups, batch.metadata)
    counted = len(batch.rejected) or batch.containers or batch.other_lists or batch.rows_missing
    return len(batch.rows) > 0 and batch.has_payloads and not counted and all(one is None for one in beside)


def _schema(batch: RawBatch) -> tuple[tuple[str, pa.DataType], ...]:
    kinds = (kind.pyarrow_dtype for kind in batch.rows.dtypes)
    return tuple(zip(map(str, batch.rows.columns), kinds, strict=True))


def one_batch(batches: Sequence[RawBatch]) -> RawBatch:
    """The rows of batches that are alike, as one batch."""
    rows = pa.concat_tables([to_table(batch.rows) for batch in batches]).combine_chunks()
    origin = pa.concat_tables([to_table(batch.origin, ORIGIN_SCHEMA) for batch in batches]).combine_chunks()
    return RawBatch(to_frame(rows), to_frame(origin))


def row_bounds(batches: Sequence[RawBatch]) -> Bounds:
    """Where the rows of each begin and end in one batch."""
    return np.cumsum([0, *(len(batch.rows) for batch in batches)])


def assemble_each(batch: RawBatch, draft: BatchDraft, bounds: Bounds) -> list[Transformed | None]:
    """The rows of each object as observations; None for objects with anything else than observations and empty rows."""
    size = len(batch.rows)
    empty = without_values(size, draft.columns)
    odd = np.logical_or.reduceat(_odd_rows(draft, empty), bounds[:-1])
    table = observation_table(batch, draft, pa.nulls(size, pa.string()))
    table = table.filter(pa.array(~empty)) if empty.any() else table
    starts = np.concatenate(([0], np.cumsum(~empty)))[bounds]
    empty_rows = np.add.reduceat(empty, bounds[:-1], dtype=np.int64)
    readings, stations = _readings_of_each(draft.columns.items(), bounds), _stations_of_each(draft.station_ids, bounds)
    nothing = empty_frame(REJECTED_SCHEMA)
    return [
        None
        if odd[number]
        else Transformed(
            table.slice(starts[number], starts[number + 1] - starts[number]),
            nothing,
            int(bounds[number + 1] - bounds[number]),
            int(empty_rows[number]),
            readings[number],
            stations[number],
        )
        for number in range(len(bounds) - 1)
    ]


def _odd_rows(draft: BatchDraft, empty: Mask) -> Mask:
    """The rows that are rejected, postponed or have an issue."""
    odd = np.zeros(len(empty), dtype=bool)
    if draft.not_empty is not None:
        odd |= draft.not_empty
    for mask in (*(rejection.mask for rejection in draft.rejections), draft.postponed):
        if mask is not None:
            odd |= mask & ~empty
    of_columns = (issue for column in draft.columns.values() for issue in column.issues)
    odd[[issue.row for issue in (*draft.lost, *draft.time_issues, *of_columns)]] = True
    return odd


def _readings_of_each(columns: Iterable[tuple[str, ParsedColumn]], bounds: Bounds) -> list[dict[str, ParameterReading]]:
    """The counts of the objects' cells, all of which became values."""
    found: list[dict[str, ParameterReading]] = [{} for _ in bounds[1:]]
    for name, column in columns:
        values = np.add.reduceat(read_cells(column), bounds[:-1], dtype=np.int64).tolist()
        # Of an object without such a column, and without a word for calm, it is not a column.
        is_column = np.ones(len(values), dtype=bool)
        if column.inferred is not None and not column.sources:
            is_column = np.logical_or.reduceat(column.inferred, bounds[:-1])
        for readings, count, has_column in zip(found, values, is_column.tolist(), strict=True):
            if has_column:
                readings[name] = ParameterReading(dict.fromkeys(column.sources), count, count)
    return found


def _stations_of_each(ids: pa.Array, bounds: Bounds) -> list[frozenset[str]]:
    encoded = ids.dictionary_encode()
    names, codes = encoded.dictionary.to_pylist(), encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return [
        frozenset(names[code] for code in np.unique(codes[start:end]).tolist() if code >= 0)
        for start, end in pairwise(bounds.tolist())
    ]
