"""One table of cells in the formats that objects have, and what becomes of each of its rows."""

from __future__ import annotations

import csv
import io
import json
import re
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fastavro
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

from forecast.core.raw_objects import RawObject
from forecast.core.settings import Limits
from forecast.extract import extract
from forecast.networks.registry import NETWORKS
from forecast.transform import ObjectTransformer
from tests.transform.samples import NOW, STATIONS, Result

FOLDER = "wunderground/ITESTB25"
Row = dict[str, Any]


def read_object(content: bytes, name: str) -> Result:
    """What extract and transform make of one object."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "object"
        path.write_bytes(content)
        raw = RawObject(f"{FOLDER}/{name}", name, len(content), "etag", datetime(2024, 11, 8, tzinfo=UTC))
        batches = extract(path, raw, NETWORKS, Limits(), NOW)
        return Result.of(ObjectTransformer(raw.key, STATIONS, NOW), batches)


def stamps_of(content: bytes, name: str) -> dict[int, str | None]:
    """The time of each row by its number, None where it is rejected; the first row is 1."""
    result = read_object(content, name)
    first = 1 if name.endswith(".xlsx") else 0  # below its header
    found: dict[int, str | None] = {_number(row["position"]) - first: None for row in result.rejected}
    for row, stamp in zip(result.observations, result.stamps, strict=True):
        found[_number(row["source_row"]) - first] = stamp
    return dict(sorted(found.items()))


def _number(position: str) -> int:
    return int(re.findall("[0-9]+", position)[-1])


def as_csv(rows: Sequence[Row]) -> tuple[bytes, str]:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode(), "table.csv"


def as_jsonl(rows: Sequence[Row]) -> tuple[bytes, str]:
    return "".join(json.dumps(row) + "\n" for row in rows).encode(), "table.jsonl"


def as_xlsx(rows: Sequence[Row], sheet: str = "data") -> tuple[bytes, str]:
    book = openpyxl.Workbook()
    page: Any = book.active
    page.title = sheet
    page.append(list(rows[0]))
    for row in rows:
        page.append(list(row.values()))
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue(), "table.xlsx"


def as_parquet(rows: Sequence[Row], **types: pa.DataType) -> tuple[bytes, str]:
    columns = {name: pa.array([row[name] for row in rows], types.get(name)) for name in rows[0]}
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue(), "table.parquet"


def as_avro(rows: Sequence[Row], **types: Any) -> tuple[bytes, str]:
    fields = [{"name": name.replace(" ", "_"), "type": types.get(name, "string")} for name in rows[0]]
    sink = io.BytesIO()
    records = [{name.replace(" ", "_"): cell for name, cell in row.items()} for row in rows]
    fastavro.writer(sink, {"type": "record", "name": "row", "fields": fields}, records)
    return sink.getvalue(), "table.avro"
