"""A table is the same in every form: exact times, nulls, and no text that a terminal obeys."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq

from forecast.report.tabular import encode

MOMENT = datetime(2024, 10, 1, 0, 5, tzinfo=UTC)
ODD = datetime(2024, 10, 1, 0, 5, 0, 250_000, tzinfo=UTC)
TABLE = pa.table(
    {
        "station_id": pa.array(["A", 'x,"y"\n\x1b[31m']).dictionary_encode(),
        "timestamp": pa.array([MOMENT, ODD], pa.timestamp("ms", tz="UTC")),
        "air_temperature": [12.5, None],
        "flag": pa.array([1, 9], pa.int8()),
        "derived": [True, False],
        "parameters": [["a", "b"], []],
    }
)


def test_csv_has_iso_times_quotes_texts_and_leaves_a_missing_value_empty() -> None:
    assert encode(TABLE, "csv").decode().split("\n") == [
        '"station_id","timestamp","air_temperature","flag","derived","parameters"',
        '"A","2024-10-01T00:05:00Z",12.5,1,"true","a b"',
        r'"x,""y""\n\u001b[31m","2024-10-01T00:05:00.250Z",,9,"false",""',
        "",
    ]


def test_json_is_an_array_of_rows() -> None:
    first, second = json.loads(encode(TABLE, "json"))
    assert first == {
        "station_id": "A",
        "timestamp": "2024-10-01T00:05:00Z",
        "air_temperature": 12.5,
        "flag": 1,
        "derived": True,
        "parameters": ["a", "b"],
    }
    assert (second["air_temperature"], second["timestamp"]) == (None, "2024-10-01T00:05:00.250Z")
    assert b"\x1b" not in encode(TABLE, "json")


def test_parquet_is_the_table_itself() -> None:
    assert pq.read_table(io.BytesIO(encode(TABLE, "parquet"))).equals(TABLE)


def test_a_table_for_people_is_aligned_and_never_cut() -> None:
    narrow = TABLE.select(["air_temperature", "station_id", "flag"])
    assert encode(narrow, "table").decode().split("\n") == [
        "air_temperature  station_id         flag",
        "12.5             A                  1",
        r'                 x,"y"\n\u001b[31m  9',
        "",
    ]


def test_a_table_without_rows_keeps_its_columns() -> None:
    empty = TABLE.slice(0, 0).select(["station_id", "flag"])
    assert [encode(empty, form) for form in ("csv", "json", "table")] == [
        b'"station_id","flag"\n',
        b"[]\n",
        b"station_id  flag\n",
    ]
