"""Tables as CSV, JSON, Parquet or aligned text; times are ISO 8601 in UTC, and control characters are escaped."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from forecast.core.text import escaped


def encode(table: pa.Table, form: str) -> bytes:
    """The table as csv, json, parquet or table, text in UTF-8; what is missing is empty in csv and table, else null."""
    return _FORMS[form](table)


def _parquet(table: pa.Table) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd")
    return out.getvalue()


def _csv(table: pa.Table) -> bytes:
    out = io.BytesIO()
    pyarrow.csv.write_csv(_plain(table), out, pyarrow.csv.WriteOptions(quoting_style="needed"))
    return out.getvalue()


def _json(table: pa.Table) -> bytes:
    """One array of objects, with non-ASCII letters escaped."""
    columns = [[_json_value(value) for value in table[name].to_pylist()] for name in table.column_names]
    rows = [dict(zip(table.column_names, row, strict=True)) for row in zip(*columns, strict=True)]
    return f"{json.dumps(rows)}\n".encode()


def _text(table: pa.Table) -> bytes:
    """Aligned columns, two blanks apart, never truncated."""
    cells = [[name, *map(_cell, table[name].to_pylist())] for name in table.column_names]
    widths = [max(map(len, column)) for column in cells]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in zip(*cells, strict=True)
    ]
    return ("\n".join(lines) + "\n").encode()


def _plain(table: pa.Table) -> pa.Table:
    """The table with numbers as they are, and everything else as text."""
    columns = {}
    for name in table.column_names:
        column = table[name]
        if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
            texts = [None if value is None else _cell(value) for value in column.to_pylist()]
            column = pa.chunked_array([pa.array(texts, pa.string())])
        columns[name] = column
    return pa.table(columns)


def _json_value(value: Any) -> Any:
    """A value for JSON."""
    if not isinstance(value, datetime):
        return value
    moment = value.astimezone(UTC)
    fraction = "milliseconds" if moment.microsecond else "seconds"
    return moment.isoformat(timespec=fraction).replace("+00:00", "Z")


def _cell(value: Any) -> str:
    """A value on one line; the members of a list are separated by blanks."""
    if value is None:
        return ""
    if isinstance(value, list):
        return " ".join(map(_cell, value))
    if isinstance(value, bool):
        return str(value).lower()
    return escaped(str(_json_value(value)))


_FORMS: Final[dict[str, Callable[[pa.Table], bytes]]] = {
    "csv": _csv,
    "json": _json,
    "parquet": _parquet,
    "table": _text,
}
