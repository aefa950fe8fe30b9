"""Tables of the datasets for other readers, made of the datasets' own schemas: DuckDB, Athena, AWS Glue."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pyarrow as pa

from forecast.core.dataset import DATASET_SCHEMA, STATION_COLUMNS, flag_column
from forecast.core.parameters import PARAMETER_NAMES
from forecast.qc.flags import GOOD, NOT_EVALUATED
from forecast.zone.dataset import CURRENT
from forecast.zone.hourly import HOURLY, HOURLY_SCHEMA
from forecast.zone.tables import PARAMETERS_FILE, STATIONS

# By the name of the table: where its files lie in the zone, and their shape. The day is a column of its folders.
DATASETS: Final[dict[str, tuple[str, pa.Schema]]] = {
    "observations": (CURRENT, DATASET_SCHEMA),
    "hourly": (HOURLY, HOURLY_SCHEMA),
}
GOOD_VIEW: Final = "good_observations"
_ABOUT: Final = {
    "observations": "each observation once, with its flags",
    "hourly": "hourly values of the good data; the timestamp is the end of the hour",
    GOOD_VIEW: "observations without suspect and failed values",
}
_HEAD: Final = "-- Made by docs/generate.py from src/forecast/zone/ddl.py: do not edit it by hand."


def hive_type(kind: pa.DataType) -> str:
    """The type of Athena and Glue for a column of a dataset. Raises KeyError for one that no dataset has."""
    if pa.types.is_dictionary(kind):
        return "string"
    if pa.types.is_timestamp(kind):
        return "timestamp"
    return {pa.string(): "string", pa.float64(): "double", pa.int8(): "tinyint", pa.int32(): "int"}[kind]


def glue_tables() -> dict[str, Any]:
    """The tables for Terraform: where each lies in the zone, what it is, and its columns."""
    return {
        name: {
            "prefix": prefix,
            "description": _ABOUT[name],
            "columns": [
                {"name": field.name, "type": hive_type(field.type), "comment": _comment(field)} for field in schema
            ],
        }
        for name, (prefix, schema) in DATASETS.items()
    }


def duckdb_sql(zone: str = "processed") -> str:
    """Views of a zone for DuckDB, with what each column is; a file that lacks a new column has null there."""
    parts = [_HEAD]
    for name, (prefix, schema) in DATASETS.items():
        files = f"{zone}/{prefix}**/*.parquet"
        read = f"SELECT * FROM read_parquet({_text(files)}, hive_partitioning = true, union_by_name = true)"  # noqa: S608
        parts += [f"CREATE OR REPLACE VIEW {name} AS\n{read};", _said(name)]
        parts += [
            f"COMMENT ON COLUMN {name}.{_quoted(field.name)} IS {_text(words)};"
            for field in schema
            if (words := _comment(field))
        ]
    parts += [f"CREATE OR REPLACE VIEW {GOOD_VIEW} AS\n{_good()};", _said(GOOD_VIEW)]
    for name, file in (("stations", STATIONS), ("parameters", PARAMETERS_FILE)):
        parts.append(f"CREATE OR REPLACE VIEW {name} AS\nSELECT * FROM read_parquet({_text(f'{zone}/{file}')});")
    return "\n".join(parts) + "\n"


def athena_sql(zone: str = "s3://BUCKET") -> str:
    """Tables of a zone for Athena, by statement; days are found by their names, without a crawler."""
    parts = [f"{_HEAD}\n-- Write your bucket, and the prefix in it, for {zone}."]
    for name, (prefix, schema) in DATASETS.items():
        columns = ",\n".join(_hive_column(field) for field in schema)
        location = f"{zone}/{prefix}"
        properties = {
            "projection.enabled": "true",
            "projection.day.type": "date",
            "projection.day.format": "yyyy-MM-dd",
            "projection.day.range": "1901-01-01,NOW+1DAYS",
            "storage.location.template": f"{location}day=${{day}}/",
        }
        told = ",\n".join(f"  {_text(key)} = {_text(value)}" for key, value in properties.items())
        parts.append(
            f"CREATE EXTERNAL TABLE {name} (\n{columns}\n)\nCOMMENT {_text(_ABOUT[name])}\n"
            f"PARTITIONED BY (`day` date)\nSTORED AS PARQUET\nLOCATION {_text(location)}\nTBLPROPERTIES (\n{told}\n);"
        )
    parts.append(f"CREATE OR REPLACE VIEW {GOOD_VIEW} AS\n{_good()};")
    return "\n\n".join(parts) + "\n"


def _good() -> str:
    """Each observation with a value only where its flag is good, or where no check could look at it."""
    kept = f"{GOOD}, {NOT_EVALUATED}"
    columns = [
        *map(_quoted, STATION_COLUMNS),
        *(f"CASE WHEN {flag_column(name)} IN ({kept}) THEN {name} END AS {name}" for name in PARAMETER_NAMES),
        '"day"',
    ]
    return "SELECT\n  " + ",\n  ".join(columns) + "\nFROM observations"


def _hive_column(field: pa.Field) -> str:
    words = _comment(field)
    return f"  `{field.name}` {hive_type(field.type)}" + (f" COMMENT {_text(words)}" if words else "")


def _comment(field: pa.Field) -> str:
    """What a column is, with its unit and what is made of the values of an interval."""
    told = {key.decode(): text.decode() for key, text in (field.metadata or {}).items()}
    return "; ".join(_words(told))


def _words(told: dict[str, str]) -> Iterator[str]:
    if description := told.get("description"):
        yield description.removesuffix(".")
    if unit := told.get("unit", told.get("units")):
        yield unit
    if method := told.get("cell_methods"):
        yield method
    if values := told.get("flag_values"):
        meanings = zip(values.split(), told["flag_meanings"].split(), strict=True)
        yield ", ".join(f"{value} {meaning}" for value, meaning in meanings)


def _said(name: str) -> str:
    return f"COMMENT ON VIEW {name} IS {_text(_ABOUT[name])};"


def _quoted(name: str) -> str:
    return f'"{name}"'


def _text(words: str) -> str:
    return "'" + words.replace("'", "''") + "'"
