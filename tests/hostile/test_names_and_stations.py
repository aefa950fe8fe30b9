"""Columns that are one and another by their names, columns without a name, and what names the station of a row."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pyarrow as pa
import pytest

from tests.hostile.endings import RunObject
from tests.hostile.objects import (
    HEADER,
    TABLE,
    VALUES,
    climate,
    enveloped,
    lines,
    pws,
    sheet_row,
    table_row,
    to_avro,
    to_csv,
    to_parquet,
    workbook,
)

Record = dict[str, Any]
MORE = "_airbyte_additional_properties"


def lower(row: Record) -> Record:
    """A row as Airbyte's old envelope spells its names."""
    return {name.lower(): value for name, value in row.items()}


def flattened(row: Record) -> Record:
    return {name: value for name, value in enveloped({}).items() if name != "_airbyte_data"} | row


@pytest.mark.parametrize(
    "content",
    [
        lines(table_row(4), lower(table_row(9))),
        lines(enveloped(table_row(4)), flattened(lower(table_row(9)))),
        json.dumps([lower(table_row(4)), table_row(9)]).encode(),
        to_parquet([table_row(4) | dict.fromkeys(lower(TABLE[0])), dict.fromkeys(TABLE[0]) | lower(table_row(9))]),
        to_csv([table_row(4) | dict.fromkeys(lower(TABLE[0])), dict.fromkeys(TABLE[0]) | lower(table_row(9))]),
    ],
    ids=["root", "two envelopes", "array", "parquet", "csv"],
)
def test_case_55_rows_of_two_spellings_in_one_object(content: bytes, run_object: RunObject) -> None:
    ending = run_object(content)
    ending.assert_accepted(2)
    assert ending.measurements == [VALUES, VALUES]


def test_case_24_two_spellings_with_other_values_in_a_row_reject_the_object(run_object: RunObject) -> None:
    message = "the columns 'Temperature' and 'temperature' are one field and their values differ; remove one"
    run_object(lines(table_row(4, temperature="99 °F"))).assert_rejected("duplicate_column", message)


def test_case_24_a_number_and_its_text_under_two_spellings_are_one(run_object: RunObject) -> None:
    ending = run_object(lines(pws(4), lower(pws(9)) | {"Humidity": "87"}))
    ending.assert_accepted(2)
    assert [values["relative_humidity"] for values in ending.measurements] == [87.0, 87.0]


@pytest.mark.parametrize(("first", "second"), [("備考", "メモ"), ("№", "Σ"), ("", "")])
def test_names_without_latin_letters_are_names_of_their_own(first: str, second: str, run_object: RunObject) -> None:
    header, row = ["Date", "Time", first, second, *HEADER[1:]], ["2024-10-01", "00:04:00", "1", "2", *sheet_row(4)[1:]]
    ending = run_object("\n".join([",".join(header), ",".join(row)]).encode())
    ending.assert_accepted(1)
    ((entry),) = ending.quality["unknown_columns"]
    assert entry["columns"] == list(dict.fromkeys([first, second]))


def test_cells_of_a_sheet_below_no_name_are_reported(run_object: RunObject) -> None:
    row = sheet_row(4)
    ending = run_object(workbook({"011024": [HEADER[:-1], row, [*sheet_row(9), "", "a note"]]}))
    assert ending.sums == (2, 0, 2, 0)
    assert [entry["columns"] for entry in ending.quality["unknown_columns"]] == [["column E", "column G"]]
    assert [(e["parameter"], e["candidates"]) for e in ending.quality["renamed_parameters"]] == [
        ("wind_from_direction", ["column E"])
    ]
    assert ending.exit_code == 3


def test_columns_of_a_sheet_without_name_or_cell_are_ignored(run_object: RunObject) -> None:
    ending = run_object(workbook({"011024": [["", *HEADER], ["", *sheet_row(4)]]}))
    ending.assert_accepted(1)
    assert ending.quality["unknown_columns"] == []


@pytest.mark.parametrize("write", [lines, lambda row: to_csv([row]), lambda row: to_parquet([row])])
def test_case_98_a_line_break_between_a_name_and_its_unit(write: Any, run_object: RunObject) -> None:
    names = {"Temperature\n(°F)": 56.8, "Humidity\r\n(%)": 87, "Pressure\n[in]": 29.48}
    ending = run_object(write({"Date": "2024-10-01", "Time": "00:04:00"} | names))
    ending.assert_accepted(1)
    assert ending.measurements == [{name: value for name, value in VALUES.items() if "wind" not in name}]


def test_case_98_a_line_break_between_a_name_and_its_unit_in_a_sheet(run_object: RunObject) -> None:
    header = ["Date", "Time", "Temperature\n(°F)", "Humidity\n(%)", "Pressure\n(in)"]
    row = [dt.datetime(2024, 10, 1), dt.time(0, 4), 56.8, 87, 29.48]
    run_object(workbook({"Data": [header, row]})).assert_accepted(1)


@pytest.mark.parametrize(
    "write",
    [
        lambda row, more: to_parquet(
            pa.table(
                {
                    **{name: [value] for name, value in row.items()},
                    MORE: pa.array([list(more.items())], pa.map_(pa.string(), pa.string())),
                }
            )
        ),
        lambda row, more: to_avro([row | {MORE: more}], {MORE: ["null", {"type": "map", "values": "string"}]}),
        lambda row, more: lines(row | {MORE: more}),
        lambda row, more: lines(enveloped(row | {MORE: more})),
    ],
    ids=["parquet", "avro", "jsonl", "nested"],
)
def test_case_64_the_fields_that_airbyte_has_no_column_for_belong_to_their_row(
    write: Any, run_object: RunObject
) -> None:
    ending = run_object(write(table_row(4), {"Solar": "3 w/m²", "AQI": "7"}))
    ending.assert_accepted(1)
    assert ending.measurements == [VALUES | {"surface_downwelling_shortwave_flux_in_air": 3.0}]
    assert [entry["columns"] for entry in ending.quality["unknown_columns"]] == [["AQI"]]


def test_case_64_where_airbyte_has_a_column_for_every_field_nothing_is_reported(run_object: RunObject) -> None:
    ending = run_object(to_avro([table_row(4) | {MORE: None}], {MORE: ["null", {"type": "map", "values": "string"}]}))
    ending.assert_accepted(1)
    assert ending.quality["unknown_columns"] == []


@pytest.mark.parametrize("found", [{"id": "ITESTA19"}, ["ITESTA19"], True], ids=str)
@pytest.mark.parametrize("write", [lambda row, found: row | {"station": found},
                                   lambda row, found: enveloped(row, station=found)],
                         ids=["payload", "beside"])  # fmt: skip
def test_case_92_a_station_that_cannot_be_read_is_never_that_of_the_folder(
    write: Any, found: Any, run_object: RunObject
) -> None:
    ending = run_object(lines(write(table_row(4), found), table_row(9)))
    assert [document["_id"] for document in ending.documents] == ["ITESTB25@2024-09-30T22:09:00Z"]
    assert ending.reasons == [("line 1", "no_station", "the row does not name its station")]


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (pws(9), pws(4, station="ITESTA19")),
        (table_row(9), table_row(4, station_id="ITESTA19", Station="ITESTB25")),
        (climate(1), climate(2, stationID="000T5")),
    ],
    ids=["api", "table", "infoclimat"],
)
def test_case_92_a_row_that_names_two_stations_is_rejected(good: Record, bad: Record, run_object: RunObject) -> None:
    ending = run_object(lines(good, bad))
    assert ending.sums == (2, 0, 1, 1)
    reason = "two fields of the row name different stations"
    assert ending.reasons == [("line 2", "contradicting_stations", reason)]


@pytest.mark.parametrize("name", ["Lille-Lesquin", "07915", " 07915 ", ""])
def test_case_92_the_name_of_a_station_contradicts_nothing(name: str, run_object: RunObject) -> None:
    run_object(lines(climate(1, station=name))).assert_accepted(1)


def test_case_92_an_object_beside_the_payload_contradicts_no_station_in_it(run_object: RunObject) -> None:
    row = enveloped(table_row(4, stationID="ITESTB25"), station={"id": "ITESTB25", "name": "La Madeleine"})
    run_object(lines(row)).assert_accepted(1)
