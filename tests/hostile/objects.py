"""Good objects of every format, small enough to be read here, for the tests to spoil."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

import fastavro
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

Record = dict[str, Any]

CLIMATE_KEY = "infoclimat/2024_10_05_1728097200000_0.jsonl"
NBSP = "\u00a0"


def table_row(minute: int, **changes: Any) -> Record:
    """A row of the history table at 00:<minute> on 1 October 2024 in La Madeleine."""
    row = {
        "Date": "2024-10-01",
        "Time": f"00:{minute:02}:00",
        "Temperature": f"56.8{NBSP}°F",
        "Humidity": f"87{NBSP}%",
        "Pressure": f"29.48{NBSP}in",
        "Wind": "WSW",
    }
    return row | changes


TABLE = [table_row(4), table_row(9), table_row(14)]
# 56.8 °F, 87 %, 29.48 inHg, WSW
VALUES = {
    "air_temperature": 13.777777777777775,
    "relative_humidity": 87.0,
    "air_pressure_at_mean_sea_level": 998.3073711725268,
    "wind_from_direction": 247.5,
}


def climate(hour: int, **changes: Any) -> Record:
    """A row of InfoClimat's document at this hour of 5 October 2024."""
    row = {"id_station": "07915", "dh_utc": f"2024-10-05 {hour:02}:00:00", "temperature": "7.6", "humidite": "89"}
    return row | changes


def document(*rows: Any, **changes: Any) -> Record:
    """InfoClimat's document with these rows of Lille."""
    return {
        "status": "OK",
        "errors": [],
        "data": [],
        "stations": [{"id": "07915", "name": "Lille-Lesquin"}],
        "metadata": {"temperature": "temperature,degC", "humidite": "humidity,%"},
        "hourly": {"07915": list(rows), "_params": ["temperature", "humidite"]},
    } | changes


def pws(minute: int, **changes: Any) -> Record:
    """An observation of the PWS API."""
    row = {
        "stationID": "ITESTB25",
        "obsTimeUtc": f"2024-10-01T00:{minute:02}:00Z",
        "winddir": 210,
        "humidity": 87,
        "metric": {"temp": 13.8, "windSpeed": 3.6},
    }
    return row | changes


def enveloped(row: Record, **changes: Any) -> Record:
    """A record as Airbyte's S3 destination writes it since version 1.0."""
    envelope = {
        "_airbyte_raw_id": "019a1839-a419-7a4c-a866-da6515495b69",
        "_airbyte_extracted_at": 1728097200000,
        "_airbyte_meta": {"sync_id": 7, "changes": []},
        "_airbyte_generation_id": 3,
    }
    return envelope | {"_airbyte_data": row} | changes


def lines(*records: Any) -> bytes:
    return b"".join(json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in records)


def to_csv(records: Sequence[Record]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(records[0]), lineterminator="\n")
    writer.writeheader()
    for record in records:
        writer.writerow({name: json.dumps(cell) if isinstance(cell, dict) else cell for name, cell in record.items()})
    return text.getvalue().encode()


def to_parquet(table: pa.Table | Sequence[Record], **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table if isinstance(table, pa.Table) else pa.Table.from_pylist(list(table)), sink, **options)
    return sink.getvalue()


def to_avro(records: Sequence[Record], types: dict[str, Any] | None = None, codec: str = "null") -> bytes:
    fields = [{"name": name, "type": (types or {}).get(name, ["null", "string"])} for name in records[0]]
    sink = io.BytesIO()
    fastavro.writer(sink, {"type": "record", "name": "row", "fields": fields}, records, codec=codec)
    return sink.getvalue()


HEADER = ["Time", "Temperature", "Humidity", "Pressure", "Wind"]


def sheet_row(minute: int) -> list[Any]:
    row = table_row(minute)
    return [row[name] for name in HEADER]


def workbook(sheets: dict[str, list[list[Any]]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


def day_workbook() -> bytes:
    return workbook({"011024": [HEADER, sheet_row(4), sheet_row(9)]})
