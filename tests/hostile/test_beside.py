"""Fields next to a payload belong to its row (case 92); values in columns in place of rows (case 99)."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.hostile.endings import RunObject
from tests.hostile.objects import TABLE, enveloped, lines, table_row, to_csv

Record = dict[str, Any]


def jsonl_nested(row: Record, **beside: Any) -> bytes:
    return lines(enveloped(row, **beside))


def jsonl_as_text(row: Record, **beside: Any) -> bytes:
    return lines(enveloped({}) | {"_airbyte_data": json.dumps(row)} | beside)


def array_of_file_source(row: Record, **beside: Any) -> bytes:
    return json.dumps([{"raw_data": row, **beside}]).encode()


def csv_as_text(row: Record, **beside: Any) -> bytes:
    return to_csv([{"_airbyte_extracted_at": 1728097200000, "_airbyte_data": json.dumps(row), **beside}])


def parquet_of(payload: Callable[[Record], Any]) -> Callable[..., bytes]:
    def written_as(row: Record, **beside: Any) -> bytes:
        sink = io.BytesIO()
        pq.write_table(pa.Table.from_pylist([{"_airbyte_data": payload(row), **beside}]), sink)
        return sink.getvalue()

    return written_as


SHAPES = [
    jsonl_nested,
    jsonl_as_text,
    array_of_file_source,
    csv_as_text,
    pytest.param(parquet_of(lambda row: row), id="parquet_struct"),
    pytest.param(parquet_of(json.dumps), id="parquet_text"),
]


@pytest.mark.parametrize("field", ["StationID", "stationID", "station_id", "id_station"])
@pytest.mark.parametrize("shape", SHAPES)
def test_case_92_the_station_next_to_the_payload_is_that_of_the_row(
    shape: Callable[..., bytes], field: str, run_object: RunObject
) -> None:
    """The object lies in the folder of another station."""
    ending = run_object(shape(TABLE[0], **{field: "ITESTA19"}))
    ending.assert_accepted(1)
    assert [document["station"]["id"] for document in ending.documents] == ["ITESTA19"]


@pytest.mark.parametrize("shape", SHAPES)
def test_case_92_two_stations_that_differ_quarantine_the_row(
    shape: Callable[..., bytes], run_object: RunObject
) -> None:
    ending = run_object(shape(TABLE[0] | {"StationID": "ITESTB25"}, StationID="ITESTA19"))
    assert (ending.documents, [code for _, code, _ in ending.reasons]) == ([], ["contradicting_stations"])


@pytest.mark.parametrize("shape", SHAPES)
def test_case_92_other_fields_next_to_the_payload_are_named(shape: Callable[..., bytes], run_object: RunObject) -> None:
    ending = run_object(shape(TABLE[0], pm25="7"))
    ending.assert_accepted(1)
    assert [entry["columns"] for entry in ending.quality["unknown_columns"]] == [["pm25"]]


COLUMNS = {"time": ["2024-10-01T00:00", "2024-10-01T01:00"], "temperature_2m": [13.8, 13.5]}


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (json.dumps({"latitude": 50.6, "hourly": COLUMNS}, indent=2), "'time', 'temperature_2m' in 'hourly'"),
        (json.dumps({"latitude": 50.6, "hourly": COLUMNS}) + "\n", "'time', 'temperature_2m' in 'hourly'"),
        (json.dumps(enveloped({"hourly": COLUMNS})) + "\n", "'time', 'temperature_2m' in '_airbyte_data.hourly'"),
        (json.dumps({"Time": ["00:04"], "Temperature": ["56.8 °F"]}) + "\n", "'Time', 'Temperature'"),
        (json.dumps([{"Time": ["00:04"], "Temperature": ["56.8 °F"]}]), "'Time', 'Temperature'"),
    ],
    ids=["document", "line", "envelope", "record", "array"],
)
def test_case_99_columns_where_rows_belong_are_rejected_once(content: str, names: str, run_object: RunObject) -> None:
    run_object(content.encode()).assert_rejected(
        "unknown_layout",
        f"columns instead of rows: {names} are lists of values; known networks have one object per time",
    )


def test_case_92_measurements_next_to_an_empty_payload_are_not_lost(run_object: RunObject) -> None:
    row = {name: cell for name, cell in table_row(9).items() if name != "Date"}
    ending = run_object(lines(enveloped(TABLE[0]), enveloped({"Date": "2024-10-01"}, **row)))
    ending.assert_accepted(2)
