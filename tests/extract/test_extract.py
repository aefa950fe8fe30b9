"""Whatever file the raw zone holds becomes rows as found, or is rejected with what it is."""

from __future__ import annotations

import csv
import gc
import gzip
import io
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import fastavro
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from forecast.core.errors import ObjectRejectedError
from forecast.core.raw_objects import RawObject
from forecast.core.schemas import RawBatch, to_table
from forecast.core.settings import Limits
from forecast.extract import batches, extract
from forecast.extract.batches import BatchMaker
from forecast.extract.json.lines import FastReader
from forecast.extract.ledger import Ledger
from forecast.extract.limits import line_ends
from forecast.extract.shapes import shapes_of
from forecast.networks.registry import NETWORKS
from forecast.transform import ObjectTransformer
from tests.transform.samples import STATIONS, TABLE_KEY, Result

LISTED = datetime(2024, 10, 9, 12, tzinfo=UTC)
EMITTED = 1728097200000
ROWS: list[dict[str, str | None]] = [
    {
        "Date": "2024-10-01",
        "Time": f"00:{minute:02}:00",
        "Temperature": f"5{minute % 10}.8\u00a0°F",
        "Humidity": "87\u00a0%",
        "Wind": None if minute == 14 else "WSW",
        "Pressure": "29.48\u00a0in",
    }
    for minute in (4, 9, 14)
]
ROWS.append(dict.fromkeys(ROWS[0]))
CLIMATE = {"id_station": "07915", "dh_utc": "2024-10-05 00:00:00", "temperature": "7.6", "humidite": "89"}
DOCUMENT = {
    "status": "OK",
    "errors": [],
    "stations": [{"id": "07915", "name": "Lille"}],
    "metadata": {"temperature": "degC"},
    "hourly": {
        "_params": ["temperature"],
        "07915": [CLIMATE, CLIMATE | {"dh_utc": "2024-10-05 01:00:00"}],
        "000T5": [CLIMATE | {"id_station": "000T5"}],
    },
}


def listed(key: str = TABLE_KEY) -> RawObject:
    return RawObject(key, f"s3://bucket/{key}", 1, "etag", LISTED)


def batches_of(content: bytes, folder: Path, key: str = TABLE_KEY) -> list[RawBatch]:
    path = folder / "object"
    path.write_bytes(content)
    return list(extract(path, listed(key), NETWORKS, Limits(), LISTED))


def observations_of(content: bytes, folder: Path, key: str = TABLE_KEY) -> Result:
    return Result.of(ObjectTransformer(key, STATIONS, LISTED), batches_of(content, folder, key))


def rejected(content: bytes, folder: Path) -> tuple[str, str]:
    with pytest.raises(ObjectRejectedError) as caught:
        observations_of(content, folder)
    return caught.value.code, caught.value.message


def lines(*records: Any) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


# Airbyte's envelopes, in every format


def old_metadata() -> dict[str, Any]:
    return {"_airbyte_ab_id": "0b1c", "_airbyte_emitted_at": EMITTED}


def new_metadata() -> dict[str, Any]:
    return {
        "_airbyte_raw_id": "0b1c",
        "_airbyte_extracted_at": EMITTED,
        "_airbyte_generation_id": 3,
        "_airbyte_meta": {"sync_id": 7, "changes": []},
    }


def nested(row: dict[str, Any]) -> dict[str, Any]:
    return {**new_metadata(), "_airbyte_data": row}


def as_text(row: dict[str, Any]) -> dict[str, Any]:
    return {**new_metadata(), "_airbyte_data": json.dumps(row)}


def flattened(row: dict[str, Any]) -> dict[str, Any]:
    return {**new_metadata(), **row}


def before_version_1(row: dict[str, Any]) -> dict[str, Any]:
    return {**old_metadata(), "_airbyte_data": row}


def to_jsonl(records: Sequence[dict[str, Any]]) -> bytes:
    return lines(*records)


def to_csv(records: Sequence[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(records[0]))
    writer.writeheader()
    for record in records:
        writer.writerow({name: json.dumps(cell) if isinstance(cell, dict) else cell for name, cell in record.items()})
    return text.getvalue().encode()


def to_parquet(records: Sequence[dict[str, Any]]) -> bytes:
    sink = io.BytesIO()
    table = pa.Table.from_pylist(list(records))
    if "_airbyte_meta" in table.column_names:  # Airbyte writes it as JSON text: an empty list has no type of its own
        texts = pa.array([json.dumps(record["_airbyte_meta"]) for record in records])
        table = table.set_column(table.column_names.index("_airbyte_meta"), "_airbyte_meta", texts)
    pq.write_table(table, sink)
    return sink.getvalue()


def avro_name(name: str) -> str:
    """Letters, digits and "_", as Airbyte spells names for Avro."""
    return "".join(letter if letter.isalnum() else "_" for letter in name)


def avro_type(value: Any) -> Any:
    if isinstance(value, dict):
        fields = [{"name": avro_name(name), "type": avro_type(member)} for name, member in value.items()]
        return {"type": "record", "name": f"of_{len(fields)}_{fields[0]['name']}", "fields": fields}
    if isinstance(value, list):
        return {"type": "array", "items": "string"}
    return "long" if isinstance(value, int) else ["null", "string"]


def avro_value(value: Any) -> Any:
    if isinstance(value, dict):
        return {avro_name(name): avro_value(member) for name, member in value.items()}
    return value


def to_avro(records: Sequence[dict[str, Any]]) -> bytes:
    sink = io.BytesIO()
    schema = fastavro.parse_schema(avro_type(records[0]))
    fastavro.writer(sink, schema, [avro_value(record) for record in records])
    return sink.getvalue()


@pytest.mark.parametrize("wrap", [nested, as_text, flattened, before_version_1])
@pytest.mark.parametrize("write", [to_jsonl, to_csv, to_parquet, to_avro])
def test_the_same_rows_in_every_envelope_and_format(
    wrap: Callable[[dict[str, Any]], dict[str, Any]],
    write: Callable[[Sequence[dict[str, Any]]], bytes],
    tmp_path: Path,
) -> None:
    plain = observations_of(lines(*ROWS), tmp_path)
    assert (plain.rows_read, plain.rows_empty, len(plain.observations), plain.rejected) == (4, 1, 3, [])
    result = observations_of(write([wrap(row) for row in ROWS]), tmp_path)
    assert (result.rows_read, result.rows_empty, result.rejected) == (4, 1, [])
    origin = ("source_row", "extracted_at", "generation_id", "sync_id")
    for found, expected in zip(result.observations, plain.observations, strict=True):
        assert {**found, **dict.fromkeys(origin)} == {**expected, **dict.fromkeys(origin)}
        assert found["extracted_at"] == datetime(2024, 10, 5, 3, tzinfo=UTC)
        assert (found["generation_id"], found["sync_id"]) == ((0, 0) if wrap is before_version_1 else (3, 7))
    word = "line" if write is to_jsonl else "row"
    assert [row["source_row"] for row in result.observations] == [f"{word} 1", f"{word} 2", f"{word} 3"]


@pytest.mark.parametrize(
    "stamp", [EMITTED, str(EMITTED), "2024-10-05T03:00:00Z", "2024-10-05 03:00:00+00:00", "2024-10-05T05:00:00+02:00"]
)
def test_the_time_of_extraction_in_its_spellings(stamp: Any, tmp_path: Path) -> None:
    result = observations_of(lines({"_airbyte_extracted_at": stamp, "_airbyte_data": ROWS[0]}), tmp_path)
    assert result.observations[0]["extracted_at"] == datetime(2024, 10, 5, 3, tzinfo=UTC)


@pytest.mark.parametrize("write", [to_jsonl, to_csv])
@pytest.mark.parametrize(
    "change",
    [
        {"_airbyte_generation_id": "x"},
        {"_airbyte_generation_id": 10**30},
        {"_airbyte_generation_id": {"a": 1}},
        {"_airbyte_meta": {"sync_id": "x", "changes": []}},
        {"_airbyte_meta": {"sync_id": 10**30, "changes": []}},
        {"_airbyte_extracted_at": 10**17},
        {"_airbyte_extracted_at": "soon"},
        {"_airbyte_extracted_at": "-5"},
    ],
    ids=str,
)
def test_an_invalid_envelope_rejects_the_object(
    change: dict[str, Any], write: Callable[[Sequence[dict[str, Any]]], bytes], tmp_path: Path
) -> None:
    good = nested(ROWS[0])
    assert rejected(write([good | change, good | change]), tmp_path)[0] == "bad_envelope"


def test_rows_without_an_envelope_were_extracted_when_the_object_last_changed(tmp_path: Path) -> None:
    result = observations_of(lines(ROWS[0]), tmp_path)
    assert result.observations[0]["extracted_at"] == LISTED


# Compression, names, marks


@pytest.mark.parametrize("write", [to_jsonl, to_csv, to_parquet, to_avro])
def test_content_decides_and_not_the_name(write: Callable[[Sequence[dict[str, Any]]], bytes], tmp_path: Path) -> None:
    content = write([flattened(row) for row in ROWS])
    plain = observations_of(content, tmp_path).observations
    assert len(plain) == 3
    for key in ("wunderground/ITESTB25/a.jsonl", "wunderground/ITESTB25/a.csv.gz", "wunderground/ITESTB25/a"):
        assert observations_of(content, tmp_path, key).observations == plain
        assert observations_of(gzip.compress(content), tmp_path, key).observations == plain


def test_gzip_members_one_after_another_are_all_read(tmp_path: Path) -> None:
    content = gzip.compress(lines(ROWS[0])) + gzip.compress(lines(ROWS[1]))
    assert len(observations_of(content, tmp_path).observations) == 2


@pytest.mark.parametrize("write", [to_jsonl, to_csv])
def test_a_byte_order_mark_is_no_part_of_the_first_name(
    write: Callable[[Sequence[dict[str, Any]]], bytes], tmp_path: Path
) -> None:
    content = write(ROWS)
    assert (
        observations_of(b"\xef\xbb\xbf" + content, tmp_path).observations
        == observations_of(content, tmp_path).observations
    )


@pytest.mark.parametrize("write", [to_csv, to_jsonl])
def test_no_batch_has_more_rows_than_a_chunk_however_short_the_rows_are(
    write: Callable[[Sequence[dict[str, Any]]], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A block of text with three short cells a row has 190 000 of them; row 4 of the CSV has a cell too many."""
    monkeypatch.setattr(batches, "CHUNK_ROWS", 3)
    content = write([{"Date": "2024-10-01", "Time": f"00:0{minute}:00"} for minute in range(7)])
    before, places = ("row ", [1, 2, 3, 5, 6, 7]) if write is to_csv else ("line ", [1, 2, 3, 4, 5, 6, 7])
    if write is to_csv:
        content = content.replace(b"00:03:00", b"00:03:00,1")
    found = batches_of(content, tmp_path)
    assert [len(batch.rows) for batch in found] == [3] * (len(places) // 3) + [1] * (len(places) % 3)
    assert [place for batch in found for place in batch.origin["position"]] == [f"{before}{place}" for place in places]
    assert [one for batch in found for one in batch.rejected["position"]] == (["row 4"] if write is to_csv else [])


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_semicolon_a_tab_and_windows_line_ends_are_tables_too(end: bytes, tmp_path: Path) -> None:
    table = [b"Date;Time;Temperature;Humidity;Pressure", "2024-10-01;00:04;13.8 °C;87 %;998 hPa".encode()]
    for delimiter in (b";", b"\t"):
        content = end.join(line.replace(b";", delimiter) for line in table) + end
        assert observations_of(content, tmp_path).values() == {
            "air_temperature": 13.8,
            "relative_humidity": 87.0,
            "air_pressure_at_mean_sea_level": 998.0,
        }


def test_a_table_row_with_another_number_of_cells_is_quarantined_and_the_others_kept(tmp_path: Path) -> None:
    rows = ["Date,Time,Temperature,Humidity,Pressure", "2024-10-01,00:04,13 °C,87 %,998 hPa", "2024-10-01,00:09"]
    text = "\n".join([*rows, "2024-10-01,00:14,14 °C,87 %,998 hPa", ""])
    result = observations_of(text.encode(), tmp_path)
    assert (result.rows_read, len(result.observations), result.codes) == (3, 2, ["malformed_record"])
    assert "2 cells where the header has 5" in result.rejected[0]["reason"]


def test_a_header_without_rows_gives_no_row(tmp_path: Path) -> None:
    result = observations_of(b"Date,Time,Temperature,Humidity,Pressure\n", tmp_path)
    assert (result.rows_read, result.observations, result.rejected) == (0, [], [])


# Documents


CLIMATE_ROWS = [("07915", "2024-10-05T00:00:00Z"), ("07915", "2024-10-05T01:00:00Z"), ("000T5", "2024-10-05T00:00:00Z")]


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(DOCUMENT).encode(),
        json.dumps(DOCUMENT, indent=2).encode(),
        gzip.compress(json.dumps(DOCUMENT, indent=2).encode()),
        lines(nested(DOCUMENT)),
        lines(as_text(DOCUMENT)),
        lines(flattened(DOCUMENT)),
        to_csv([as_text(DOCUMENT)]),
        to_csv([nested(DOCUMENT)]),
        to_parquet([as_text(DOCUMENT)]),
        lines({"id": "1", "raw_data": DOCUMENT}),
        lines({"id": "1", "raw_data": json.dumps(DOCUMENT)}),
        lines({**new_metadata(), "_airbyte_data": {"id": "1", "raw_data": DOCUMENT}}),
        lines({**new_metadata(), "_airbyte_data": {"id": "1", "raw_data": json.dumps(DOCUMENT)}}),
        to_csv([{"id": "1", "raw_data": json.dumps(DOCUMENT)}]),
    ],
    ids=[
        "file",
        "pretty",
        "gzip",
        "record",
        "text",
        "flat",
        "csv text",
        "csv",
        "parquet",
        "raw",
        "raw text",
        "enveloped raw",
        "enveloped raw text",
        "csv raw",
    ],
)
def test_infoclimats_document_is_read_in_every_envelope(content: bytes, tmp_path: Path) -> None:
    result = observations_of(content, tmp_path)
    assert [
        (row["station_id"], stamp) for row, stamp in zip(result.observations, result.stamps, strict=True)
    ] == CLIMATE_ROWS
    assert (result.rows_read, result.rows_empty, result.rejected) == (3, 0, [])
    assert result.values() == {"air_temperature": 7.6, "relative_humidity": 89.0}
    assert result.observations[2]["source_row"].endswith("hourly.000T5[0]")


@pytest.mark.parametrize("as_record", [dict, nested, as_text], ids=["plain", "record", "text"])
def test_a_document_among_rows_is_read_too(
    as_record: Callable[[dict[str, Any]], dict[str, Any]], tmp_path: Path
) -> None:
    row = CLIMATE | {"dh_utc": "2024-10-04 23:00:00"}
    envelope = nested if as_record is not dict else dict
    result = observations_of(lines(envelope(row)) + lines(as_record(DOCUMENT)), tmp_path)
    expected = [("07915", "2024-10-04T23:00:00Z"), *CLIMATE_ROWS]
    assert [(one["station_id"], at) for one, at in zip(result.observations, result.stamps, strict=True)] == expected


@pytest.mark.parametrize("write", [to_jsonl, to_csv, to_parquet])
def test_one_observation_a_record(write: Callable[[Sequence[dict[str, Any]]], bytes], tmp_path: Path) -> None:
    result = observations_of(write([CLIMATE, CLIMATE | {"id_station": "000T5"}]), tmp_path)
    assert [row["station_id"] for row in result.observations] == ["07915", "000T5"]


def test_a_json_array_is_read_as_its_records(tmp_path: Path) -> None:
    result = observations_of(json.dumps([nested(row) for row in ROWS], indent=1).encode(), tmp_path)
    assert (result.rows_read, result.rows_empty) == (4, 1)
    assert [row["source_row"] for row in result.observations] == ["[0]", "[1]", "[2]"]


def test_an_item_of_an_array_that_is_not_a_record_is_quarantined_and_the_others_kept(tmp_path: Path) -> None:
    result = observations_of(
        json.dumps([ROWS[0], 5, {"_airbyte_data": 5}, {"_airbyte_data": "{"}, ROWS[1]]).encode(), tmp_path
    )
    assert (result.rows_read, len(result.observations)) == (5, 2)
    assert [(row["code"], row["position"]) for row in result.rejected] == [
        ("malformed_record", "[1]"),
        ("malformed_record", "[2]"),
        ("malformed_record", "[3]"),
    ]


@pytest.mark.parametrize("hourly", [[], {}, {"_params": ["temperature"]}, {"07915": []}])
def test_a_document_with_no_rows_has_no_rows(hourly: Any, tmp_path: Path) -> None:
    result = observations_of(json.dumps(DOCUMENT | {"hourly": hourly}).encode(), tmp_path)
    assert (result.rows_read, result.rejected) == (0, [])


def test_a_row_under_another_stations_key_is_rejected(tmp_path: Path) -> None:
    result = observations_of(json.dumps(DOCUMENT | {"hourly": {"000T5": [CLIMATE]}}).encode(), tmp_path)
    assert [(row["code"], row["position"]) for row in result.rejected] == [
        ("station_mismatch", "line 1: hourly.000T5[0]")
    ]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"status": "error", "message": "bad token"}, "bad token"),
        ({"status": "OK", "errors": ["token"], "hourly": []}, "['token']"),
        ({"errors": [{"error": {"code": "CDN-0001"}}]}, "CDN-0001"),
        ({"statusCode": 401}, "401"),
        ({"error": True, "reason": "too many requests"}, "too many requests"),
        ({"error": {"message": "no such key"}}, "no such key"),
    ],
)
@pytest.mark.parametrize("wrap", [None, nested, as_text])
def test_an_apis_error_is_rejected_with_its_message(
    answer: dict[str, Any], said: str, wrap: Callable[[dict[str, Any]], dict[str, Any]] | None, tmp_path: Path
) -> None:
    code, message = rejected(lines(wrap(answer) if wrap else answer), tmp_path)
    assert code == "source_error"
    assert message.startswith("the source answered with an error instead of data: ")
    assert said in message


# What no data is


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        (b"", "empty", "the object is empty"),
        (b"  \n\r\n\t", "empty", "the object contains only whitespace"),
        (b"<!DOCTYPE html><html></html>", "not_data", "the object is an HTML or XML page, not data"),
        (b"\n <?xml version='1.0'?><Error/>", "not_data", "the object is an HTML or XML page, not data"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 99,
            "not_data",
            "the object is an old or protected Excel file (OLE2); save it as .xlsx without a password",
        ),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n",
            "not_data",
            "the object is a Git LFS pointer, not the file it stands for",
        ),
        (
            b"\x7fELF\0\0\0\0",
            "not_data",
            "the object is binary (7F 45 4C 46 00 00 00 00 ...), neither JSON, CSV, Parquet, Avro nor a workbook",
        ),
    ],
    ids=["empty", "blanks", "HTML", "XML", "OLE2", "LFS pointer", "binary"],
)
def test_content_that_is_not_data_is_rejected_with_its_type(
    content: bytes, code: str, message: str, tmp_path: Path
) -> None:
    assert rejected(content, tmp_path) == (code, message)
    if content:
        assert rejected(gzip.compress(content), tmp_path) == (code, message)


@pytest.mark.parametrize("write", [to_jsonl, to_csv, to_parquet, to_avro])
def test_what_was_needed_to_read_a_file_is_released_at_once(
    write: Callable[[Sequence[dict[str, Any]]], bytes], tmp_path: Path
) -> None:
    content = write([flattened(row) for row in ROWS])
    assert len(batches_of(content, tmp_path)) == 1
    gc.collect()
    assert len(batches_of(content, tmp_path)) == 1
    assert gc.collect() == 0


@pytest.mark.parametrize("write", [to_parquet, to_avro])
def test_a_cut_off_file_is_rejected(write: Callable[[Sequence[dict[str, Any]]], bytes], tmp_path: Path) -> None:
    content = write([flattened(row) for row in ROWS])
    assert rejected(content[: len(content) * 2 // 3], tmp_path)[0] in {"not_parquet", "not_avro"}


def test_a_cut_off_document_and_a_cut_off_array_are_rejected(tmp_path: Path) -> None:
    document = json.dumps(DOCUMENT, indent=1).encode()
    array = json.dumps(ROWS).encode()
    assert rejected(document[:-40], tmp_path)[0] == "not_json"
    assert rejected(array[:-40], tmp_path)[0] == "not_json"


def damaged(content: bytes) -> list[bytes]:
    packed = gzip.compress(content)
    return [
        packed[: len(packed) * 7 // 10],
        packed[:-8] + b"\0\0\0\0" + packed[-4:],
        packed[:-4] + b"\1\0\0\0",
        packed[:5],
    ]


@pytest.mark.parametrize("write", [to_jsonl, to_csv, to_parquet, to_avro])
@pytest.mark.parametrize("damage", range(4), ids=["cut", "bad CRC", "bad length", "head only"])
def test_a_damaged_gzip_is_rejected(
    write: Callable[[Sequence[dict[str, Any]]], bytes], damage: int, tmp_path: Path
) -> None:
    code, message = rejected(damaged(write([flattened(row) for row in ROWS]))[damage], tmp_path)
    assert code == "bad_gzip"
    assert message.startswith("the gzip file is damaged or truncated: ")


def bombs() -> list[bytes]:
    depth = 100_000
    return [
        b"[" * depth,
        b"[" * depth + b"]" * depth,
        b'{"a":' * depth,
        b'{"a":' * depth + b"1" + b"}" * depth,
        lines(ROWS[0]) + b'{"a":' * depth + b"1" + b"}" * depth + b"\n",
        lines(ROWS[0]) + b'{"a":' + b"[" * depth + b"]" * depth + b"}\n",
        b'[{"a":' + b"[" * depth + b"]" * depth + b"}]",
        lines({"_airbyte_data": "[" * depth}),
        lines({"_airbyte_data": '{"a":' * depth + "1" + "}" * depth}),
        lines(ROWS[0]) + lines({"_airbyte_data": '{"a":' * 5000 + "1" + "}" * 5000}) + b"broken\n",
        to_csv([{"_airbyte_data": '{"a":' * depth + "1" + "}" * depth}]),
        b'{"hourly": {"07915": [' + b'{"a":' * depth + b"1" + b"}" * depth + b"]}}",
    ]


@pytest.mark.parametrize("number", range(12))
def test_a_depth_bomb_is_rejected_and_crashes_nothing(number: int, tmp_path: Path) -> None:
    assert rejected(bombs()[number], tmp_path)[0] in {"too_deep", "not_json", "malformed_record"}


# One bad line among good ones


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b'{"Time": "00:09:00", "Date": }', "not JSON: Expecting value at character 30"),
        (b'{"Time": "00:09:00", "Da', "not JSON: Unterminated string starting at at character 22"),
        (b'{"Time": "00:09\0:00"}', "a NUL character in the record"),
        (b'{"Time": "56.8 \xb0F"}', "not UTF-8 at byte 16"),
        (b'{"Time": "1", "Time": "2"}', "the key 'Time' appears twice"),
        (b"[1, 2]", "not a JSON object"),
        (b"5", "not a JSON object"),
        (b"{'Time': '00:09:00'}", "not JSON: Expecting property name enclosed in double quotes at character 2"),
        (b'{"_airbyte_data": 5}', "the payload is not an object"),
        (b'{"_airbyte_data": "[]"}', "not a JSON object"),
    ],
)
def test_only_a_bad_line_in_the_middle_is_quarantined(bad: bytes, reason: str, tmp_path: Path) -> None:
    result = observations_of(lines(ROWS[0]) + bad + b"\n" + lines(ROWS[1]), tmp_path)
    assert [row["source_row"] for row in result.observations] == ["line 1", "line 3"]
    assert [(row["code"], row["position"], row["reason"]) for row in result.rejected] == [
        ("malformed_record", "line 2", reason)
    ]
    assert result.rows_read == 3


def test_only_a_bad_first_line_is_quarantined(tmp_path: Path) -> None:
    result = observations_of(b'{"Time": "00:09:00", "Date": }\n' + lines(ROWS[0]), tmp_path)
    assert [row["position"] for row in result.rejected] == ["line 1"]
    assert [row["source_row"] for row in result.observations] == ["line 2"]


@pytest.mark.parametrize("cut", [10, 60, 84, 120])
def test_only_a_truncated_last_line_is_quarantined(cut: int, tmp_path: Path) -> None:
    last = json.dumps(ROWS[1], ensure_ascii=False).encode()[:cut]
    result = observations_of(lines(ROWS[0], ROWS[2]) + last, tmp_path)
    assert [row["source_row"] for row in result.observations] == ["line 1", "line 2"]
    assert [(row["position"], row["code"]) for row in result.rejected] == [("line 3", "malformed_record")]


def test_blank_lines_are_not_rows_and_positions_are_those_of_the_file(tmp_path: Path) -> None:
    result = observations_of(b"\n" + lines(ROWS[0]) + b"\n\n" + lines(ROWS[1]), tmp_path)
    assert [row["source_row"] for row in result.observations] == ["line 2", "line 5"]
    assert result.rows_read == 2


def test_text_in_one_line_and_a_number_in_the_next_are_equal(tmp_path: Path) -> None:
    later = CLIMATE | {"dh_utc": "2024-10-05 01:00:00"}
    texts = observations_of(lines(CLIMATE, later), tmp_path)
    mixed = observations_of(lines(CLIMATE, later | {"temperature": 7.6, "humidite": 89}), tmp_path)
    assert mixed.observations == texts.observations


def test_a_bare_nan_is_a_parse_issue(tmp_path: Path) -> None:
    content = lines(CLIMATE).replace(b'"7.6"', b"NaN") + lines(CLIMATE).replace(b'"7.6"', b"-Infinity")
    result = observations_of(content, tmp_path)
    assert [row["air_temperature"] for row in result.observations] == [None, None]
    assert result.issues(0) == [("air_temperature", "NaN (a constant that JSON does not have)", "not a number")]
    assert result.issues(1) == [("air_temperature", "-Infinity (a constant that JSON does not have)", "not a number")]


# Workbooks


def workbook(sheets: dict[str, list[list[Any]]], hidden: str = "") -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
        if name == hidden:
            sheet.sheet_state = "hidden"
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


HEADER: list[Any] = ["Time", "Temperature", "Humidity", "Pressure", None]
DAY: list[list[Any]] = [HEADER, [None, None, None, None], ["00:04:00", "56.8\u00a0°F", "87\u00a0%", "29.48\u00a0in"]]


def test_a_workbook_with_one_sheet_a_day_hidden_ones_too(tmp_path: Path) -> None:
    result = observations_of(workbook({"011024": DAY, "021024": DAY}, hidden="021024"), tmp_path)
    assert result.stamps == ["2024-09-30T22:04:00Z", "2024-10-01T22:04:00Z"]
    assert [row["source_row"] for row in result.observations] == ["sheet 011024 row 3", "sheet 021024 row 3"]
    assert (result.rows_read, result.rows_empty) == (4, 2)


def test_times_of_every_kind_in_one_column_of_a_sheet(tmp_path: Path) -> None:
    rows = [[clock, *DAY[2][1:]] for clock in (time(0, 4), "00:04:00", "12:04 AM", "0:4", "00h04", 0.00277778)]
    result = observations_of(workbook({"011024": [HEADER, *rows]}), tmp_path)
    assert result.rejected == []
    assert set(result.stamps) == {"2024-09-30T22:04:00Z"}
    assert len(result.stamps) == 6


def test_a_sheet_of_notes_is_rejected_by_its_name(tmp_path: Path) -> None:
    code, message = rejected(workbook({"011024": DAY, "notes": [["Author"], ["me"]]}), tmp_path)
    assert code == "unknown_layout"
    assert message == (
        "sheet 'notes': no known network has rows with these columns: Author. "
        "The key is that of station ITESTB25 (Weather Underground)"
    )


def test_a_cut_off_workbook_is_rejected(tmp_path: Path) -> None:
    assert rejected(workbook({"011024": DAY})[:2000], tmp_path)[0] == "not_workbook"


@pytest.mark.parametrize("name", ["object", "object.csv", "object.plain", "object.unpacked"])
@pytest.mark.parametrize("kind", ["table", "packed"])
def test_an_object_is_only_read_whatever_the_name_of_its_file(kind: str, name: str, tmp_path: Path) -> None:
    text = b"Date,Time,Temperature,Humidity\n2024-10-01,00:04,56.8 F,87 %\n"
    content = text if kind == "table" else gzip.compress(workbook({"011024": DAY}))
    path = tmp_path / name
    path.write_bytes(content)
    assert sum(len(batch.rows) for batch in extract(path, listed(), NETWORKS, Limits(), LISTED)) > 0
    assert path.read_bytes() == content


# The two ways through JSON lines

VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False, allow_infinity=False, width=32)
    | st.text(max_size=8)
)
KINDS = st.sampled_from([st.text(max_size=8), st.integers(-(2**40), 2**40), st.booleans()])


@st.composite
def flat_records(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Records as a source writes them: a field has one kind, and may be null or absent."""
    fields = draw(st.dictionaries(st.text("abcdef", min_size=1, max_size=3), KINDS, min_size=1, max_size=5))
    records = draw(st.lists(st.just(None), min_size=1, max_size=6))
    return [{name: draw(kind | st.none()) for name, kind in fields.items() if draw(st.integers(0, 5))} for _ in records]


@given(flat_records())
@example([{"a": "{"}])
@example([{"a": '{"b": 1}'}, {"a": "{"}])
def test_the_fast_and_the_slow_path_give_the_same_batches(records: list[dict[str, Any]]) -> None:
    block = lines(*records)
    maker = BatchMaker(listed(), shapes_of(NETWORKS), Limits(), Ledger("not_json", "line"))
    table = FastReader().read(block, line_ends(block))
    places = [f"line {index + 1}" for index in range(len(records))]
    (patient,) = maker.of_lines(list(zip(places, block.split(b"\n")[:-1], strict=True)))
    if table is None:
        return
    (fast,) = maker.of_table(table, pa.array(places))
    for batch in (fast, patient):
        assert list(batch.origin["position"]) == places
    assert rows_in(fast) == rows_in(patient)


@pytest.mark.parametrize("block", [b"null\n", b' \tnull\n{"a":1}\n', b'{"a":1}\nnull\n', b'\r\n null\n{"a":1}\n'])
def test_a_null_in_place_of_a_record_takes_the_slow_path(block: bytes) -> None:
    assert FastReader().read(block, line_ends(block)) is None


@pytest.mark.parametrize("first", [True, False])
def test_only_a_null_in_a_list_of_records_is_quarantined(first: bool, tmp_path: Path) -> None:
    records = [None, CLIMATE] if first else [CLIMATE, None]
    result = observations_of(json.dumps(records).encode(), tmp_path)
    rejected = [(row["position"], row["code"], row["reason"]) for row in result.rejected]
    assert (len(result.observations), rejected) == (
        1,
        [("[0]" if first else "[1]", "malformed_record", "not a JSON object")],
    )


@pytest.mark.parametrize("nothing", ["null", " null ", "", "  "])
def test_a_unit_block_that_is_an_empty_text_is_missing(nothing: str, tmp_path: Path) -> None:
    columns = "stationID,obsTimeUtc,humidity,metric,imperial"
    cells = f'ITESTB25,2024-10-01T00:04:00Z,87,{nothing},"{{""temp"": 50}}"'
    result = observations_of(f"{columns}\n{cells}\n".encode(), tmp_path)
    assert ([row["air_temperature"] for row in result.observations], result.rejected) == ([10.0], [])


def rows_in(batch: RawBatch) -> list[dict[str, Any]]:
    """Every row, a missing value as an absent key."""
    if not len(batch.rows.columns):
        return [{}] * len(batch.rows)
    rows = to_table(batch.rows).to_pylist()
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_rows_or_a_rejection_and_never_a_crash(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    try:
        observations_of(content, tmp_path_factory.mktemp("any"))
    except ObjectRejectedError as error:
        said = (error.code, error.message)
    else:
        said = ("read", "to its end")
    assert all(said)
