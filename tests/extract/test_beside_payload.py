"""Fields next to a payload, in every envelope and format, are read or named, even if the payload is empty."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from forecast.transform import ObjectTransformer
from tests.extract.test_extract import (
    CLIMATE,
    LISTED,
    ROWS,
    as_text,
    batches_of,
    before_version_1,
    nested,
    rejected,
    to_csv,
    to_jsonl,
)
from tests.transform.samples import STATIONS, TABLE_KEY, Result

Record = dict[str, Any]
Wrap = Callable[[Any], Record]
Write = Callable[[Sequence[Record]], bytes]
ROW = ROWS[0]
OTHER = ROWS[1]


def read(content: bytes, folder: Path, key: str = TABLE_KEY) -> tuple[Result, list[str]]:
    """What came of an object, and its columns that are not known."""
    transformer = ObjectTransformer(key, STATIONS, LISTED)
    result = Result.of(transformer, batches_of(content, folder, key))
    return result, list(transformer.reading.unknown)


def counted(result: Result) -> tuple[int, int, int, int]:
    return result.rows_read, result.rows_empty, len(result.observations), len(result.rejected)


def text_as_raw_data(payload: Any) -> Record:
    return {"raw_data": json.dumps(payload)}


def as_raw_data(payload: Any) -> Record:
    return {"raw_data": payload}


def twice(payload: Any) -> Record:
    return nested({"raw_data": payload})


def array(records: Sequence[Record]) -> bytes:
    return json.dumps(records, indent=1).encode()


def with_all_columns(records: Sequence[Record]) -> list[Record]:
    """Records as a table has them; Airbyte writes its own metadata as JSON text."""
    names = dict.fromkeys(name for record in records for name in record)
    return [
        {name: json.dumps(cell) if name == "_airbyte_meta" else cell for name in names for cell in [record.get(name)]}
        for record in records
    ]


def csv(records: Sequence[Record]) -> bytes:
    return to_csv(with_all_columns(records))


def parquet(records: Sequence[Record]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(with_all_columns(records)), sink)
    return sink.getvalue()


def avro(records: Sequence[Record]) -> bytes:
    """Payloads as records, everything else as text or whole numbers."""

    def kind_of(name: str) -> Any:
        cells = [record[name] for record in tables if record[name] is not None]
        if any(isinstance(cell, dict) for cell in cells):
            members = dict.fromkeys(member for cell in cells if isinstance(cell, dict) for member in cell)
            fields = [{"name": member, "type": ["null", "string"]} for member in members]
            return ["null", {"type": "record", "name": f"of_{name}", "fields": fields}]
        return ["null", "long" if all(isinstance(cell, int) for cell in cells) else "string"]

    tables = with_all_columns(records)
    schema = {"type": "record", "name": "row", "fields": [{"name": name, "type": kind_of(name)} for name in tables[0]]}
    sink = io.BytesIO()
    fastavro.writer(sink, schema, tables)
    return sink.getvalue()


SHAPES = [
    pytest.param(write, wrap, id=f"{write.__name__}-{wrap.__name__}")
    for write, wraps in {
        to_jsonl: (nested, as_text, before_version_1, as_raw_data, text_as_raw_data, twice),
        array: (nested, as_text, before_version_1, as_raw_data, text_as_raw_data, twice),
        csv: (nested, as_text, before_version_1, as_raw_data, text_as_raw_data),
        parquet: (nested, as_text, before_version_1, as_raw_data, text_as_raw_data, twice),
        avro: (nested, as_text, before_version_1, as_raw_data, text_as_raw_data),
    }.items()
    for wrap in wraps
]
every_shape = pytest.mark.parametrize(("write", "wrap"), SHAPES)


@every_shape
def test_case_92_each_row_has_the_station_next_to_its_payload_or_that_of_the_folder(
    write: Write, wrap: Wrap, tmp_path: Path
) -> None:
    records = [wrap(ROW) | {"StationID": "ITESTA19"}, wrap(OTHER) | {"StationID": None}]
    result, unknown = read(write(records), tmp_path)
    assert counted(result) == (2, 0, 2, 0)
    assert [row["station_id"] for row in result.observations] == ["ITESTA19", "ITESTB25"]
    assert unknown == []


@every_shape
def test_case_92_only_a_row_whose_payload_names_another_station_is_quarantined(
    write: Write, wrap: Wrap, tmp_path: Path
) -> None:
    inside = {"StationID": "ITESTB25"}
    records = [wrap(ROW | inside) | {"StationID": "ITESTA19"}, wrap(OTHER | inside) | inside]
    result, unknown = read(write(records), tmp_path)
    assert counted(result) == (2, 0, 1, 1)
    ((code, reason),) = [(row["code"], row["reason"]) for row in result.rejected]
    assert (code, reason) == (
        "contradicting_stations",
        "the payload names the station 'ITESTB25', and 'ITESTA19' is next to it",
    )
    assert unknown == []


@every_shape
def test_other_fields_next_to_a_payload_are_named(write: Write, wrap: Wrap, tmp_path: Path) -> None:
    result, unknown = read(write([wrap(ROW) | {"pm25": "7"}, wrap(OTHER) | {"pm25": None}]), tmp_path)
    assert (counted(result), unknown) == ((2, 0, 2, 0), ["pm25"])


# Beside a payload that holds nothing


def without(wrap: Wrap) -> Record:
    """An envelope whose payload is nothing, and which keeps the column's type."""
    return {name: None if name in {"_airbyte_data", "raw_data"} else cell for name, cell in wrap({}).items()}


@every_shape
def test_a_row_next_to_an_empty_payload_is_read(write: Write, wrap: Wrap, tmp_path: Path) -> None:
    result, unknown = read(write([wrap(ROW), without(wrap) | OTHER]), tmp_path)
    assert (counted(result), unknown) == ((2, 0, 2, 0), [])
    assert result.stamps == ["2024-09-30T22:04:00Z", "2024-09-30T22:09:00Z"]


@every_shape
def test_a_value_next_to_an_empty_payload_without_its_time_is_quarantined(
    write: Write, wrap: Wrap, tmp_path: Path
) -> None:
    result, _ = read(write([wrap(ROW), without(wrap) | {"Temperature": "50.0 °F"}]), tmp_path)
    assert counted(result) == (2, 0, 1, 1)
    assert [row["code"] for row in result.rejected] == ["no_timestamp"]


@every_shape
def test_an_unknown_field_next_to_an_empty_payload_is_named(write: Write, wrap: Wrap, tmp_path: Path) -> None:
    result, unknown = read(write([wrap(ROW), without(wrap) | {"pm25": "7"}]), tmp_path)
    assert (counted(result), unknown) == ((2, 1, 1, 0), ["pm25"])


@pytest.mark.parametrize("write", [to_jsonl, array, csv, parquet, avro])
@pytest.mark.parametrize("payload", [None, ""], ids=["null", "empty"])
class TestWhereEveryPayloadIsEmpty:
    """A batch, or an object, of nothing else."""

    def test_rows_beside_them_are_read(self, payload: str | None, write: Write, tmp_path: Path) -> None:
        result, unknown = read(write([nested({}) | {"_airbyte_data": payload} | row for row in (ROW, OTHER)]), tmp_path)
        assert (counted(result), unknown) == ((2, 0, 2, 0), [])

    def test_fields_that_are_not_known_are_named_and_the_rows_are_empty(
        self, payload: str | None, write: Write, tmp_path: Path
    ) -> None:
        row = {"StationID": "ITESTB25", "pm25": "7"}
        result, unknown = read(write([nested({}) | {"_airbyte_data": payload} | row]), tmp_path)
        assert (counted(result), unknown) == ((1, 1, 0, 0), ["pm25"])


def test_documents_without_rows_are_rejected_whatever_is_next_to_them(tmp_path: Path) -> None:
    """Fields next to a payload do not make a row of a document without rows."""
    empty = nested({"status": "OK", "errors": [], "hourly": None}) | {"inserted_at": "2024-10-05", "StationID": "07915"}
    assert rejected(to_jsonl([empty, empty]), tmp_path)[0] == "no_rows"


# The id beside raw_data


@pytest.mark.parametrize("write", [to_jsonl, array, csv, parquet, avro])
@pytest.mark.parametrize("wrap", [as_raw_data, text_as_raw_data])
@pytest.mark.parametrize("payload", [CLIMATE, None], ids=["row", "nothing"])
def test_the_id_next_to_raw_data_names_the_delivery_and_is_not_a_column(
    payload: Any, wrap: Wrap, write: Write, tmp_path: Path
) -> None:
    records = [{"id": "infoclimat_011024_071024"} | wrap(row) for row in (CLIMATE, payload)]
    result, unknown = read(write(records), tmp_path, "infoclimat/x")
    assert (len(result.observations), unknown) == (2 if payload else 1, [])


def test_the_id_of_a_document_in_raw_data_is_not_a_column_either(tmp_path: Path) -> None:
    record = {"id": "x", "raw_data": {"status": "OK", "errors": [], "hourly": {"07915": [CLIMATE]}}}
    for content in (array([record]), json.dumps(record, indent=1).encode(), to_jsonl([record])):
        result, unknown = read(content, tmp_path, "infoclimat/x")
        assert (len(result.observations), unknown) == (1, [])


@pytest.mark.parametrize("write", [to_jsonl, array, csv, parquet, avro])
def test_an_id_elsewhere_is_a_column_like_any(write: Write, tmp_path: Path) -> None:
    for record in (nested(ROW) | {"id": "x"}, as_raw_data(ROW | {"id": "x"}), as_raw_data(ROW) | {"id2": "x"}):
        _, unknown = read(write([record]), tmp_path)
        assert unknown == ["id2" if "id2" in record else "id"]


# Records without rows, in files that declare their containers as objects


@pytest.mark.parametrize("write", ["parquet", "avro"])
@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("outside", [False, True], ids=["flattened", "in a payload"])
def test_case_93_only_a_row_whose_container_is_null_is_quarantined(
    outside: bool, place: int, write: str, tmp_path: Path
) -> None:
    text = pa.struct([(name, pa.string()) for name in CLIMATE])
    hourly = pa.struct([("07915", pa.list_(text))])
    containers: list[Any] = [{"07915": [CLIMATE]}, {"07915": [CLIMATE | {"dh_utc": "2024-10-05 01:00:00"}]}]
    containers.insert(place, None)
    documents = pa.StructArray.from_arrays(
        [pa.array(["OK"] * 3), pa.array(containers, hourly)], names=["status", "hourly"]
    )
    table = pa.table({"_airbyte_data": documents}) if outside else pa.Table.from_struct_array(documents)
    sink = io.BytesIO()
    if write == "parquet":
        pq.write_table(table, sink)
    else:
        fastavro.writer(sink, avro_schema(outside), table.to_pylist())
    result, _ = read(sink.getvalue(), tmp_path, "infoclimat/x")
    assert counted(result) == (3, 1, 2, 0)
    assert result.stamps == ["2024-10-05T00:00:00Z", "2024-10-05T01:00:00Z"]


def avro_schema(outside: bool) -> Any:
    """That of documents; a name in Avro does not begin with a digit, but fastavro reads and writes one that does."""
    row = {"type": "record", "name": "one", "fields": [{"name": name, "type": "string"} for name in CLIMATE]}
    hourly = {"type": "map", "values": {"type": "array", "items": row}}
    fields = [{"name": "status", "type": "string"}, {"name": "hourly", "type": ["null", hourly]}]
    document = {"type": "record", "name": "document", "fields": fields}
    whole = {"type": "record", "name": "whole", "fields": [{"name": "_airbyte_data", "type": document}]}
    return whole if outside else document


# Values in columns


SERIES = {"time": ["2024-10-01T00:00", "2024-10-01T01:00"], "temperature_2m": [13.8, 13.5]}
COLUMNS = "columns instead of rows: {} are lists of values; known networks have one object per time"


@pytest.mark.parametrize("write", [to_jsonl, array, parquet])
@pytest.mark.parametrize("wrap", [lambda row: row, nested, as_raw_data], ids=["plain", "enveloped", "raw_data"])
def test_case_99_several_records_of_columns_reject_the_object_once(wrap: Wrap, write: Write, tmp_path: Path) -> None:
    record = {"Time": ["00:04", "00:09"], "Temperature": ["56.8 °F", "56.7 °F"]}
    assert rejected(write([wrap(record)] * 300), tmp_path) == (
        "unknown_layout",
        COLUMNS.format("'Time', 'Temperature'"),
    )


@pytest.mark.parametrize("indent", [None, 2])
def test_case_99_a_document_of_columns_in_an_envelope_is_rejected_as_such(indent: int | None, tmp_path: Path) -> None:
    content = json.dumps(as_raw_data({"latitude": 50.6, "daily": SERIES}), indent=indent).encode()
    assert rejected(content, tmp_path) == ("unknown_layout", COLUMNS.format("'time', 'temperature_2m' in 'daily'"))


# Objects of no known layout


def test_fields_of_a_document_are_named_in_the_order_of_the_file_and_the_rest_is_counted(tmp_path: Path) -> None:
    names = ["zeta", "alpha", "mid", *(f"n{number}" for number in range(9, -1, -1))]
    told = "zeta, alpha, mid, n9, n8, n7, n6, n5, n4, n3, n2, n1 and 1 more"
    code, message = rejected(json.dumps(dict.fromkeys(names, 1), indent=1).encode(), tmp_path)
    assert (code, message) == (
        "unknown_layout",
        f"a JSON document with none of the known containers of rows; it has: {told}",
    )
    code, message = rejected(to_csv([dict.fromkeys(names, "1")]), tmp_path)
    assert message.startswith(f"no known network has rows with these columns: {told}.")
