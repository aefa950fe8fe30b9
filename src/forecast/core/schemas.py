"""The schemas of the pipeline's stages, as pandas frames with Arrow-backed columns.

extract   -> RawBatch       rows as found, and where each came from
transform -> Transformed    canonical rows, and the rows it rejected
validate  -> Validated      canonical rows with quality, provenance and digest, and the rows it rejected
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any, cast

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.api.internals import create_dataframe_from_blocks  # type: ignore[import-not-found]  # not in its stubs

from forecast.core.parameters import PARAMETER_NAMES
from forecast.core.reading import ObjectReading, ParameterReading

UTC_TIME = pa.timestamp("ms", tz="UTC")

# Where a raw row came from. `position` is for people ("line 7", "sheet 011024 row 3"); `changes` is Airbyte's list of
# values that were lost in transfer, as JSON text.
ORIGIN_SCHEMA = pa.schema(
    [
        ("position", pa.string()),
        ("extracted_at", UTC_TIME),
        ("generation_id", pa.int64()),
        ("sync_id", pa.int64()),
        ("changes", pa.string()),
    ]
)

# One row per observation: a missing value is a null; `notes` is a JSON list of {parameter, raw, reason}, or null, and
# `source_flags` a JSON object {parameter: the network's own quality code}, or null. `parameter_group` is that of the
# row's layout, null for most: rows of several groups are parts of one observation.
OBSERVATION_SCHEMA = pa.schema(
    [
        ("station_id", pa.string()),
        ("timestamp", UTC_TIME),
        *((name, pa.float64()) for name in PARAMETER_NAMES),
        ("parse_issues", pa.string()),
        ("source_flags", pa.string()),
        ("parameter_group", pa.string()),
        ("source_row", pa.string()),
        ("extracted_at", UTC_TIME),
        ("generation_id", pa.int64()),
        ("sync_id", pa.int64()),
    ]
)

# What validation adds. `flags` is a JSON object {parameter: {flag, checks}} of flags 3 and 4, or null.
VALIDATED_SCHEMA = pa.schema(
    [
        ("_id", pa.string()),
        *OBSERVATION_SCHEMA,
        ("completeness_score", pa.float64()),
        ("flag", pa.int32()),
        ("flags", pa.string()),
        ("anomalies_detected", pa.int32()),
        ("qc_version", pa.int32()),
        ("digest", pa.string()),
    ]
)

_REPEATED = pa.dictionary(pa.int32(), pa.string())

# What a record of the processed zone adds: the station as the registry described it (`station_parameters` are
# the names of the parameters it reports, as one text), the raw object with the time of its version, and the run.
RECORD_SCHEMA = pa.schema(
    [
        *VALIDATED_SCHEMA,
        ("station_name", _REPEATED),
        ("station_network", _REPEATED),
        ("station_network_id", _REPEATED),
        ("station_wigos_id", _REPEATED),
        ("station_type", _REPEATED),
        ("latitude", pa.float64()),
        ("longitude", pa.float64()),
        ("elevation", pa.float64()),
        ("station_city", _REPEATED),
        ("station_country", _REPEATED),
        ("station_region", _REPEATED),
        ("station_licence", _REPEATED),
        ("station_hardware", _REPEATED),
        ("station_software", _REPEATED),
        ("station_parameters", _REPEATED),
        ("source_uri", _REPEATED),
        ("source_modified_at", UTC_TIME),
        ("run_id", _REPEATED),
        ("ingested_at", UTC_TIME),
        ("pipeline_version", _REPEATED),
    ]
)


# Columns that a file of records may lack, because it was written before they existed.
_ADDED = (*PARAMETER_NAMES, "parameter_group", "station_parameters")


def is_of_records(schema: pa.Schema) -> bool:
    """Whether the columns are those of RECORD_SCHEMA, except for some that did not exist when they were written."""
    known = {field.name: field.type for field in RECORD_SCHEMA}
    found = {field.name: field.type for field in schema}
    return {**{name: known[name] for name in _ADDED}, **found} == known


def as_records(table: pa.Table) -> pa.Table:
    """A table for which `is_of_records` is true, in RECORD_SCHEMA; values of columns that it lacks are missing."""
    if table.schema.equals(RECORD_SCHEMA):
        return table
    columns = [
        table[field.name] if field.name in table.schema.names else pa.nulls(table.num_rows, field.type)
        for field in RECORD_SCHEMA
    ]
    return pa.table(columns, schema=RECORD_SCHEMA)


# `row` is the raw row as JSON text, under the source's own names; `origin` is what object and envelope say about it,
# as a JSON object: extracted_at, generation_id, sync_id and, if present, changes, group and sheet. Both are
# null, or only text, if a record could not be read at all. `instant` is the row's time (UTC) if it is in the future,
# because such a row may be admitted later.
REJECTED_SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("position", "code", "field", "value", "reason", "row", "origin", "instant")]
)


@dataclass(slots=True)
class RawBatch:
    """Rows as found: `rows` holds the payload's columns under the source's own names, `origin` is ORIGIN_SCHEMA.

    `sheet` is the sheet of a workbook, `groups` the key in the document that each row was under (mostly its
    station), `containers` the document's keys that contained rows, `metadata` what a document says about
    its own fields (their units). If `has_payloads` is false, every payload was empty, and `rows` are the columns
    next to them. `other_lists` are the keys of other lists in the document that could be rows. `rows_missing` is how
    many rows the document counts, but does not have.
    """

    rows: pd.DataFrame
    origin: pd.DataFrame
    sheet: str | None = None
    groups: pa.Array | None = None
    metadata: object = None
    containers: frozenset[str] = frozenset()
    rejected: pd.DataFrame = field(default_factory=lambda: empty_frame(REJECTED_SCHEMA))
    has_payloads: bool = True
    other_lists: Sequence[str] = ()
    rows_missing: int = 0


@dataclass(slots=True)
class Transformed:
    """rows_read = rows_empty + len(observations) + len(rejected). `readings` counts the cells, by parameter.

    `stations` are those of all rows that are not rejected, including empty ones.
    """

    observations: pa.Table
    rejected: pd.DataFrame
    rows_read: int
    rows_empty: int
    readings: Mapping[str, ParameterReading] = field(default_factory=dict)
    stations: frozenset[str] = frozenset()

    @classmethod
    def nothing(cls, rejected: pd.DataFrame, empty_rows: int = 0) -> Transformed:
        """No observations, only rows that the extractor rejected and empty rows."""
        return cls(OBSERVATION_SCHEMA.empty_table(), rejected, len(rejected) + empty_rows, empty_rows)


def joined(parts: Sequence[Transformed]) -> Transformed:
    """The results of several parts as one."""
    if len(parts) == 1:
        return parts[0]
    readings = ObjectReading()
    for part in parts:
        readings.add(part.readings)
    return Transformed(
        concat_tables([part.observations for part in parts], OBSERVATION_SCHEMA),
        concat([part.rejected for part in parts], REJECTED_SCHEMA),
        sum(part.rows_read for part in parts),
        sum(part.rows_empty for part in parts),
        readings.parameters,
        frozenset().union(*(part.stations for part in parts)),
    )


@dataclass(slots=True)
class Validated:
    """Rows that may enter (VALIDATED_SCHEMA), and the rows that may not (REJECTED_SCHEMA)."""

    observations: pa.Table
    rejected: pd.DataFrame


def to_frame(table: pa.Table | pa.RecordBatch) -> pd.DataFrame:
    """An Arrow table as a frame that shares its memory; names of columns may repeat.

    A third of the time of `table.to_pandas`, which asks the schema for an index and for types of pandas' own.
    """
    blocks = [(pd.arrays.ArrowExtensionArray(column), np.array([place])) for place, column in enumerate(table.columns)]
    index, names = pd.RangeIndex(table.num_rows), _index_of(tuple(table.column_names))
    frame: pd.DataFrame = create_dataframe_from_blocks(blocks, index=index, columns=names)
    return frame


@lru_cache(maxsize=16)
def _index_of(names: tuple[str, ...]) -> pd.Index:
    """The index of columns of these names: the same few, over and over."""
    return pd.Index(names)


def to_table(frame: pd.DataFrame, schema: pa.Schema | None = None) -> pa.Table:
    """A frame of Arrow-backed columns as an Arrow table, without copying; those of a schema, in its types and order.

    A small part of the time of `pa.Table.from_pandas`, which asks of every column what else pandas might hold in it,
    and of `frame[name]`, which makes a series of every column: for a few rows that is ten times the rest.
    """
    arrays: dict[Any, Any] = dict(zip(frame.columns, cast("Any", frame)._iter_column_arrays(), strict=True))
    names = list(frame.columns if schema is None else schema.names)
    table = pa.table([pa.array(arrays[name]) for name in names], names=names)
    return table if schema is None or table.schema.equals(schema) else table.cast(schema)


def empty_frame(schema: pa.Schema) -> pd.DataFrame:
    """A frame of a schema without rows."""
    return _empty_frame(schema).copy(deep=False)


@cache
def _empty_frame(schema: pa.Schema) -> pd.DataFrame:
    return to_frame(schema.empty_table())


def frame_of(rows: Sequence[dict[str, Any]], schema: pa.Schema) -> pd.DataFrame:
    """A few rows (rejected ones) as a frame."""
    return to_frame(pa.Table.from_pylist(list(rows), schema=schema)) if rows else empty_frame(schema)


def concat_tables(tables: Sequence[pa.Table], schema: pa.Schema) -> pa.Table:
    """Tables of one schema under each other, without copying and without empty chunks."""
    return pa.concat_tables([table for table in tables if len(table)] or [schema.empty_table()])


def concat(frames: Sequence[pd.DataFrame], schema: pa.Schema) -> pd.DataFrame:
    """Frames of one schema under each other."""
    filled = [frame for frame in frames if len(frame)]
    if len(filled) == 1:
        return filled[0]
    if not filled:
        return empty_frame(schema)
    return to_frame(pa.concat_tables([to_table(frame, schema) for frame in filled]))
