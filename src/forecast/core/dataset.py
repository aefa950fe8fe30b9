"""The schema of the dataset in both stores: each observation once, with a value and a flag column per parameter."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from forecast.core import cf
from forecast.core.aggregation import METHODS, Method
from forecast.core.parameters import PARAMETERS, Parameter
from forecast.core.schemas import UTC_TIME

# Raised when a column changes its name, type or meaning, which rewrites the whole dataset. A new parameter, or a new
# column at the end, does not raise it: older files lack the column, and it is read as missing.
DATASET_VERSION: Final = 2
FLAG: Final = "_flag"
_MISSING: Final = 9
# QARTOD's flags (IOC Manuals and Guides 54, volume 3) under CF's names.
FLAG_MEANINGS: Final = {1: "good", 2: "not_evaluated", 3: "suspect", 4: "fail", 9: "missing"}
_TEXT: Final = pa.dictionary(pa.int32(), pa.string())

_STATION: Final = (
    ("station_id", _TEXT, "station", None),
    ("timestamp", UTC_TIME, "time of the observation", None),
    ("station_name", _TEXT, "", None),
    ("station_network", _TEXT, "", None),
    ("latitude", pa.float64(), "WGS 84", "degrees_north"),
    ("longitude", pa.float64(), "WGS 84", "degrees_east"),
    ("elevation", pa.float64(), "height of the station above mean sea level", "m"),
)
_ORIGIN: Final = (
    ("flag", pa.int8(), "worst flag of the observation", None),
    ("completeness_score", pa.float64(), "parameters present / parameters the station reports", "1"),
    ("qc_version", pa.int32(), "version of the checks that gave the flags", None),
    ("source_uri", _TEXT, "the raw object", None),
    ("source_row", pa.string(), "place in the raw object", None),
    ("extracted_at", UTC_TIME, "when it was read from the source", None),
    ("run_id", _TEXT, "the run that loaded it", None),
    ("ingested_at", UTC_TIME, "when that run began", None),
    ("pipeline_version", _TEXT, "", None),
)
KEYS: Final = ("station_id", "timestamp")
STATION_COLUMNS: Final = tuple(name for name, *_ in _STATION)
PROVENANCE: Final = tuple(name for name, *_ in _ORIGIN)


def flag_column(parameter: str) -> str:
    """The column of a parameter's flags."""
    return f"{parameter}{FLAG}"


def _field(name: str, kind: pa.DataType, description: str, unit: str | None) -> pa.Field:
    metadata = {"description": description, "units": unit}
    return pa.field(name, kind, metadata={key: value for key, value in metadata.items() if value})


def _value_field(parameter: Parameter) -> pa.Field:
    described = cf.attributes(parameter)
    metadata = {"description": parameter.description, "unit": parameter.unit, **described}
    return pa.field(parameter.name, pa.float64(), metadata=metadata)


def _flag_field(parameter: Parameter) -> pa.Field:
    metadata = {
        "description": f"QARTOD flag of {parameter.name}",
        "flag_values": " ".join(map(str, FLAG_MEANINGS)),
        "flag_meanings": " ".join(FLAG_MEANINGS.values()),
        "standard_name": "quality_flag",
    }
    return pa.field(flag_column(parameter.name), pa.int8(), metadata=metadata)


def _measured(parameters: tuple[Parameter, ...]) -> list[pa.Field]:
    return [make(parameter) for parameter in parameters for make in (_value_field, _flag_field)]


# One row per observation, by station and time. A missing value is null and has flag 9, so no flag is null.
DATASET_SCHEMA: Final = pa.schema(
    [
        *(_field(*column) for column in _STATION),
        *_measured(PARAMETERS),
        *(_field(*column) for column in _ORIGIN),
    ],
    metadata={"format_version": str(DATASET_VERSION)},
)


def interval_field(name: str) -> pa.Field:
    """The column of a parameter's values at regular intervals; its metadata states how they are aggregated."""
    method = METHODS[name]
    words = "mean (of unit vectors)" if method is Method.DIRECTION else method.value
    field = DATASET_SCHEMA.field(name)
    return field.with_metadata({**field.metadata, b"cell_methods": f"time: {words}".encode()})


def conformed(table: pa.Table, schema: pa.Schema = DATASET_SCHEMA) -> pa.Table:
    """A table in the columns of a schema; values that an older file lacks are null, and flags are 9 (missing)."""
    there = dict(zip(table.column_names, table.columns, strict=True))
    # Most parameters belong to other networks and have identical columns here, so each kind is created once.
    absent: dict[tuple[pa.DataType, bool], pa.Array] = {}
    columns = []
    for field in schema:
        column = there.get(field.name)
        if column is None:
            kind = (field.type, field.name.endswith(FLAG))
            if kind not in absent:
                absent[kind] = _absent(*kind, table.num_rows)
            column = absent[kind]
        elif column.type != field.type:
            column = column.cast(field.type)
        columns.append(column)
    return pa.table(columns, schema=schema)


def _absent(kind: pa.DataType, is_flag: bool, rows: int) -> pa.Array:
    return pa.repeat(pa.scalar(_MISSING, kind), rows) if is_flag else pa.nulls(rows, kind)
