"""Tables whose headers people and programs wrote in many ways, text that is no table, and stations beside payloads."""

from __future__ import annotations

import gzip
import io
import itertools
import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.hostile.endings import RunObject
from tests.hostile.objects import TABLE, enveloped, lines, table_row, to_csv

Record = dict[str, Any]
NAMES = ["Date", "Time", "Temperature", "Humidity", "Wind"]
CELLS = [["2024-10-01", f"00:{minute:02}:00", "56.8 °F", "87 %", "WSW"] for minute in (4, 9)]
VALUES = {"air_temperature": 13.777777777777775, "relative_humidity": 87.0, "wind_from_direction": 247.5}


def written(
    delimiter: str, ending: str, *, trailing: bool, blank: bool, named: bool, broken: bool, marked: bool, packed: bool
) -> bytes:
    """A table with everything at once that exports do to it."""
    names = [*NAMES[:-1], '"Wi\nnd"'.replace("\n", ending)] if broken else NAMES
    rows = [delimiter.join(cells) + (delimiter if trailing else "") for cells in CELLS]
    parts = [f"sep={delimiter}"] if named else []
    parts += [delimiter.join(names), *rows]
    text = (ending * (2 if blank else 1)).join(parts) + ending
    content = text.encode("utf-8-sig" if marked else "utf-8")
    return gzip.compress(content) if packed else content


OPTIONS = ("trailing", "blank", "named", "broken", "marked", "packed")
# Each alone, every two together, and all.
CHOSEN = [*itertools.combinations(OPTIONS, 1), *itertools.combinations(OPTIONS, 2), OPTIONS]


@pytest.mark.parametrize("chosen", CHOSEN, ids="+".join)
def test_case_98_a_table_is_read_however_its_header_was_written(chosen: tuple[str, ...], run_object: RunObject) -> None:
    options = {name: name in chosen for name in OPTIONS}
    delimiter, ending = (";", "\r\n") if len(chosen) % 2 else (",", "\n")
    key = "wunderground/ILAMAD25/table.csv" + (".gz" if options["packed"] else "")
    ending_of_run = run_object(written(delimiter, ending, **options), key=key)
    ending_of_run.assert_accepted(2)
    assert ending_of_run.measurements == [VALUES] * 2


EXPORT = """# METADATA:
# 000R5 Bergues, 12 m
station_id;dh_utc;temperature;pression
string;YYYY-MM-DD hh:mm:ss;degC;hPa
000R5;2024-10-01 00:00:00;13.8;1012.3
"""
NO_TABLE = "the object is text that is no table; its first line with letters is "


def test_case_91_infoclimats_csv_export_is_called_what_it_is(run_object: RunObject) -> None:
    run_object(EXPORT.encode()).assert_rejected(
        "unknown_layout",
        "the object is InfoClimat's CSV export, whose units stand in a row of their own; sync format=json instead",
    )


@pytest.mark.parametrize(
    ("text", "telling"),
    [
        ("METAR LFQQ 010000Z 24008KT 9999 FEW030 13/12 Q1012 NOSIG=\n", "METAR LFQQ 010000Z 24008KT 9999 FEW030"),
        ("\x01\r\r\n123\r\r\nSAFR31 LFPW 010000\r\r\nMETAR LFQQ 010000Z\r\r\n\x03", "SAFR31 LFPW 010000"),
        ("AAXX 01001\n07005 32970 00000 10138 20121 30123 40125\n", "AAXX 01001"),
        ("0029029070999991901010106004+64333+023450FM-12+000599999V0202701N015919999999N\n" * 3, "002902907099999190"),
        ("# Stations of the north\n\nThey are six.\n", "# Stations of the north"),
        ("# Stations, sensors and more\n\nThey are six.\n", "# Stations, sensors and more"),
    ],
    ids=["METAR", "bulletin", "FM-12", "fixed width", "Markdown", "Markdown with commas"],
)
def test_case_100_text_that_is_no_table_is_told_by_its_first_words(
    text: str, telling: str, run_object: RunObject
) -> None:
    ending = run_object(text.encode())
    code, message = ending.error
    assert code == "unknown_layout"
    assert message.startswith(f"{NO_TABLE}'{telling}")
    ending.assert_rejected(code, message)


@pytest.mark.parametrize(
    "content",
    [
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0",
        b"\xff\xd8\xff\xe0\0\x10JFIF\0\1",
        b"BZh91AY&SY\x8c\x12\x01\x02\0\xff",
        b"\xfd7zXZ\0\0\4\xe6",
        b"SQLite format 3\0\x10\0\1\1",
    ],
    ids=["PNG", "JPEG", "bzip2", "xz", "SQLite"],
)
def test_case_100_binary_data_is_called_so_without_advice_on_encodings(content: bytes, run_object: RunObject) -> None:
    ending = run_object(content)
    code, message = ending.error
    assert code == "not_data"
    beginning = "the object is neither JSON, CSV, Parquet, Avro nor a workbook, but binary data; it begins with '"
    assert message.startswith(beginning)
    assert "FALLBACK_ENCODING" not in message
    ending.assert_rejected(code, message)


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
def test_case_92_the_station_beside_the_payload_is_the_rows_own(
    shape: Callable[..., bytes], field: str, run_object: RunObject
) -> None:
    """The object lies in the folder of another station."""
    ending = run_object(shape(TABLE[0], **{field: "IICHTE19"}))
    ending.assert_accepted(1)
    assert [document["station"]["id"] for document in ending.documents] == ["IICHTE19"]


@pytest.mark.parametrize("shape", SHAPES)
def test_case_92_two_stations_that_differ_quarantine_the_row(
    shape: Callable[..., bytes], run_object: RunObject
) -> None:
    ending = run_object(shape(TABLE[0] | {"StationID": "ILAMAD25"}, StationID="IICHTE19"))
    assert (ending.documents, [code for _, code, _ in ending.reasons]) == ([], ["contradicting_stations"])


@pytest.mark.parametrize("shape", SHAPES)
def test_case_92_other_fields_beside_the_payload_are_named(shape: Callable[..., bytes], run_object: RunObject) -> None:
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
        f"columns, not rows: {names} hold lists of values; known networks have an object for each time",
    )


def test_case_92_what_is_measured_beside_an_empty_payload_does_not_vanish(run_object: RunObject) -> None:
    row = {name: cell for name, cell in table_row(9).items() if name != "Date"}
    ending = run_object(lines(enveloped(TABLE[0]), enveloped({"Date": "2024-10-01"}, **row)))
    ending.assert_accepted(2)
