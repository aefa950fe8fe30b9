"""Hostile encoding and text layout: cases 15 to 26."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.hostile.conftest import TABLE_KEY, RunObject
from tests.hostile.objects import CLIMATE_KEY, TABLE, VALUES, climate, document, lines, table_row, to_csv

WRITERS: dict[str, Callable[[list[dict[str, Any]]], bytes]] = {
    "jsonl": lambda rows: lines(*rows),
    "csv": to_csv,
    "array": lambda rows: json.dumps(rows).encode(),
}
CP1252 = {"FALLBACK_ENCODING": "cp1252"}
HEADER = "Date,Time,Temperature,Humidity,Pressure,Wind"
ROW = "2024-10-01,00:04:00,56.8 °F,87 %,29.48 in,WSW"


def csv(*rows: str, end: str = "\n") -> bytes:
    return "".join(row + end for row in rows).encode()


# 15: byte order marks


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
def test_case_15_a_byte_order_mark_is_no_part_of_the_first_name(
    kind: str, encoding: str, run_object: RunObject
) -> None:
    text = WRITERS[kind](TABLE).decode()
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    ending = run_object((mark + text).encode(encoding))
    ending.assert_accepted(3)
    assert ending.measurements == [VALUES] * 3


def test_case_15_a_document_in_utf_16_is_read(run_object: RunObject) -> None:
    run_object(json.dumps(document(climate(0)), indent=1).encode("utf-16"), CLIMATE_KEY).assert_accepted(1)


def test_case_15_half_a_character_of_utf_16_is_rejected(run_object: RunObject) -> None:
    ending = run_object(lines(*TABLE).decode().encode("utf-16") + b"\0")
    ending.assert_rejected("not_text", "the text cannot be read as utf-16: truncated data")


def test_case_15_utf_32_is_rejected_with_what_it_is(run_object: RunObject) -> None:
    run_object(b"\xff\xfe\0\0{\0\0\0").assert_rejected("not_data", "the text is UTF-32; write it as UTF-8")


# 16: Latin letters of one byte


def test_case_16_lines_that_are_not_utf_8_are_quarantined_and_the_others_loaded(run_object: RunObject) -> None:
    ending = run_object(lines(TABLE[0]) + lines(TABLE[1]).decode().encode("cp1252") + lines(TABLE[2]))
    assert ending.reasons == [("line 2", "malformed_record", "not UTF-8 at byte 64")]
    assert ending.sums == (3, 0, 2, 1)


def test_case_16_rows_of_a_table_that_are_not_utf_8_are_quarantined_and_the_others_loaded(
    run_object: RunObject,
) -> None:
    ending = run_object(csv(HEADER, ROW) + ROW.replace(":04", ":09").encode("cp1252") + b"\n")
    assert ending.reasons == [("row 2", "malformed_record", "a byte in the row that is not UTF-8")]
    assert ending.sums == (2, 0, 1, 1)


def test_case_16_a_header_that_is_not_utf_8_is_rejected_with_the_setting_that_helps(run_object: RunObject) -> None:
    ending = run_object((HEADER + ",Solar w/m²\n" + ROW + ",1\n").encode("cp1252"))
    message = "the header of the table is not UTF-8; FALLBACK_ENCODING=cp1252 reads what old Windows programs write"
    ending.assert_rejected("not_text", message)


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_case_16_cp1252_is_read_where_it_is_configured_with_a_note(kind: str, run_object: RunObject) -> None:
    ending = run_object(WRITERS[kind](TABLE).decode().encode("cp1252"), variables=CP1252)
    ending.assert_accepted(3)
    assert ending.measurements == [VALUES] * 3
    assert ending.warnings == [f"{TABLE_KEY} is not UTF-8 and is read as cp1252"]


def test_case_16_utf_8_stays_utf_8_where_cp1252_is_configured(run_object: RunObject) -> None:
    ending = run_object(lines(*TABLE), variables=CP1252)
    ending.assert_accepted(3)
    assert (ending.measurements, ending.warnings) == ([VALUES] * 3, [])


def test_case_16_a_byte_that_cp1252_does_not_have_rejects_the_object(run_object: RunObject) -> None:
    ending = run_object(lines(TABLE[0]) + b"\x81\n", variables=CP1252)
    ending.assert_rejected("not_text", "the text cannot be read as cp1252: character maps to <undefined>")


# 17: mojibake


def test_case_17_mojibake_of_a_unit_is_read_or_noted_and_never_stored(run_object: RunObject) -> None:
    ending = run_object(lines(table_row(4, Temperature="56.8 Â°F")))
    ending.assert_accepted(1)
    assert (ending.measurements, ending.notes) == ([VALUES], [])
    unknown = run_object(lines(table_row(4, Temperature="56.8 Â°X")))
    unknown.assert_accepted(1, unread=["air_temperature"])
    assert unknown.notes == [("air_temperature", "56.8 Â°X", "unknown unit 'Â°X'")]


# 18: ends of lines


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
@pytest.mark.parametrize("end", [b"\r\n", b"\r", b"\r\r\n", b"\n\n"], ids=repr)
def test_case_18_every_end_of_a_line_is_one(kind: str, end: bytes, run_object: RunObject) -> None:
    content = end.join(WRITERS[kind](TABLE).splitlines()) + end
    ending = run_object(content)
    ending.assert_accepted(3)
    assert ending.measurements == [VALUES] * 3


@pytest.mark.parametrize("start", ["\n", "\r\n\r\n", " \n"])
def test_case_18_blank_lines_before_the_header_and_between_rows_are_no_rows(start: str, run_object: RunObject) -> None:
    content = start + "\n\n".join([HEADER, ROW, ROW.replace(":04:", ":09:")])
    ending = run_object(content.encode())
    ending.assert_accepted(2)
    assert [document["metadata"]["source_row"] for document in ending.documents] == ["row 1", "row 2"]


@pytest.mark.parametrize("mark", ["<br>", "<br />", " <br/>"])
def test_case_18_br_at_the_ends_of_lines_is_no_part_of_a_name_or_a_value(mark: str, run_object: RunObject) -> None:
    header = HEADER.removesuffix(",Wind")
    ending = run_object(csv(header, ROW.removesuffix(",WSW"), end=f"{mark}\n"))
    ending.assert_accepted(1)
    assert ending.measurements == [{name: value for name, value in VALUES.items() if "wind" not in name}]


# 19: control characters


def test_case_19_a_record_with_nul_is_rejected(run_object: RunObject) -> None:
    ending = run_object(lines(TABLE[0]) + lines(TABLE[1]).replace(b"WSW", b"W\0W"))
    assert ending.reasons == [("line 2", "malformed_record", "a NUL character in the record")]
    assert ending.sums == (2, 0, 1, 1)


def test_case_19_a_row_with_nul_is_rejected(run_object: RunObject) -> None:
    ending = run_object(csv(HEADER, ROW, ROW.replace(":04", ":09").replace("WSW", "W\0W")))
    assert ending.reasons == [("row 2", "malformed_record", "a NUL character in the row")]
    assert ending.sums == (2, 0, 1, 1)


ESCAPE = "\x1b]0;owned\x07\x1b[31mN\u2028\x01\x03"


def test_case_19_control_characters_reach_neither_terminal_nor_note(run_object: RunObject) -> None:
    ending = run_object(lines(table_row(4, Wind=ESCAPE, Temperature=ESCAPE)))
    assert ending.sums == (1, 0, 1, 0)
    assert {note[0] for note in ending.notes} == {"air_temperature", "wind_from_direction"}
    shown = ending.stdout + ending.stderr + json.dumps(ending.notes, ensure_ascii=False)
    assert not any(letter in shown for letter in ESCAPE if not letter.isprintable())


def test_case_19_control_characters_in_names_are_not_shown(run_object: RunObject) -> None:
    ending = run_object(lines({f"Time{ESCAPE}": 1}))
    assert ending.outcome == "rejected"
    assert not any(letter in ending.stderr + ending.stdout for letter in "\x1b\x07\x01\x03")


# 20 and 21: between a number and its unit


@pytest.mark.parametrize(
    "text",
    [
        "56.8\u00a0°F",
        "56.8\u202f°F",
        "56.8\u2009°F",
        "56.8\t°F",
        "56.8   °F",
        "56.8°F",
        " 56.8 °F ",
        "56.8 ºF",
        "56.8 ℉",
    ],
)
def test_case_20_every_blank_and_degree_sign_is_read_the_same(text: str, run_object: RunObject) -> None:
    ending = run_object(lines(table_row(4, Temperature=text)))
    ending.assert_accepted(1)
    assert ending.measurements == [VALUES]


def test_case_21_a_unicode_minus_is_a_minus(run_object: RunObject) -> None:
    ending = run_object(lines(table_row(4, Temperature="\u22123.2 °C")))
    ending.assert_accepted(1)
    assert ending.measurements[0]["air_temperature"] == -3.2


@pytest.mark.parametrize("text", ["\u20133.2 °C", "٣ °C", "１３ °C", "३ °C"])
def test_case_21_digits_of_other_scripts_are_noted(text: str, run_object: RunObject) -> None:
    ending = run_object(lines(table_row(4, Temperature=text)))
    assert ending.sums == (1, 0, 1, 0)
    assert "air_temperature" not in ending.measurements[0]
    assert [note[:2] for note in ending.notes] == [("air_temperature", text)]


# 22 and 23: cells


def test_case_22_an_empty_cell_more_than_the_header_has_is_dropped(run_object: RunObject) -> None:
    ending = run_object(csv(HEADER, ROW + ",", ROW.replace(":04:", ":09:") + ","))
    ending.assert_accepted(2)


def test_case_22_a_header_with_an_empty_name_at_its_end_is_dropped(run_object: RunObject) -> None:
    run_object(csv(HEADER + ",", ROW + ",")).assert_accepted(1)


def test_case_22_a_value_more_than_the_header_has_is_rejected(run_object: RunObject) -> None:
    ending = run_object(csv(HEADER, ROW + ",", ROW.replace(":04:", ":09:") + ",5"))
    assert ending.reasons == [("row 2", "malformed_record", "one more cell than the header: '5'")]
    assert ending.sums == (2, 0, 1, 1)


def test_case_23_rows_with_too_few_or_too_many_cells_are_refused_at_their_places(run_object: RunObject) -> None:
    ending = run_object(csv(HEADER, ROW, "1,2", ROW.replace(":04:", ":09:"), ROW + ",,,", ROW.replace(":04:", ":14:")))
    assert ending.reasons == [
        ("row 2", "malformed_record", "2 cells where the header has 6"),
        ("row 4", "malformed_record", "9 cells where the header has 6"),
    ]
    assert [document["metadata"]["source_row"] for document in ending.documents] == ["row 1", "row 3", "row 5"]
    assert ending.sums == (5, 0, 3, 2)


def test_case_23_an_unclosed_quote_that_swallows_the_rest_is_refused_with_it(run_object: RunObject) -> None:
    ending = run_object(csv(HEADER, ROW, '"' + ROW, *[ROW.replace(":04:", f":{minute}:") for minute in range(10, 50)]))
    assert ending.sums == (2, 0, 1, 1)
    assert ending.rejected[0]["position"] == "row 2"


def test_case_23_an_unclosed_quote_before_megabytes_is_rejected(run_object: RunObject) -> None:
    ending = run_object(csv(HEADER, ROW, '"' + ROW) + (ROW + "\n").encode() * 400_000)
    assert ending.error[0] == "not_csv"
    ending.assert_rejected("not_csv", ending.error[1])


@pytest.mark.heavy
def test_case_23_a_large_legal_cell_is_read(run_object: RunObject) -> None:
    rows = [climate(hour, dh_utc=f"2024-10-{day:02} {hour:02}:00:00") for day in range(1, 29) for hour in range(24)]
    rows += [row | {"dh_utc": row["dh_utc"].replace("-10-", "-09-")} for row in rows]
    text = json.dumps(document(*rows))
    assert len(text) > 128_000
    run_object(to_csv([{"_airbyte_data": text}]), CLIMATE_KEY).assert_accepted(len(rows))


# 24: headers


def test_case_24_names_decide_and_not_positions(run_object: RunObject) -> None:
    row = dict(zip(HEADER.split(","), ROW.split(","), strict=True))
    names = ["Wind", "pressure", "TEMPERATURE ", "Humidity", "time", "Date"]
    cells = [row[name.strip().title()] for name in names]
    ending = run_object(csv(",".join(names), ",".join(cells)))
    ending.assert_accepted(1)
    assert ending.measurements == [VALUES]


def test_case_24_a_column_that_is_there_twice_with_equal_values_is_one(run_object: RunObject) -> None:
    ending = run_object(csv(HEADER + ",Temperature", ROW + ",56.8 °F"))
    ending.assert_accepted(1)
    assert ending.measurements == [VALUES]


def test_case_24_a_column_that_is_there_twice_with_other_values_is_rejected(run_object: RunObject) -> None:
    ending = run_object(csv(HEADER + ",Temperature", ROW + ",99 °F"))
    message = "two columns are called 'Temperature' and their values differ; remove one"
    ending.assert_rejected("duplicate_column", message)


OF_STATION = ". The key is that of station ITESTB25 (Weather Underground)"
NO_TIME = (
    ". The nearest layout is Weather Underground's table: there is no column with the time (Time, DateTime, Timestamp)"
)


@pytest.mark.parametrize(
    ("table", "names"),
    [
        ([ROW, ROW.replace(":04:", ":09:")], "2024-10-01, 00:04:00, 56.8 °F, 87 %, 29.48 in, WSW" + OF_STATION),
        (["Date,Heure,Température,Humidité,Pression", "2024-10-01,00:04,1,2,3"],
         "Date, Heure, Température, Humidité, Pression" + OF_STATION + NO_TIME
         + "; columns that it does not have: Heure, Température, Humidité, Pression"),
        (["Date,Temperature,Humidity,Pressure", "2024-10-01,1,2,3"],
         "Date, Temperature, Humidity, Pressure" + OF_STATION + NO_TIME),
    ],
    ids=["no header", "translated", "no time"],
)  # fmt: skip
def test_case_24_a_table_without_known_names_is_rejected_with_those_it_has(
    table: list[str], names: str, run_object: RunObject
) -> None:
    message = f"no known network has rows with these columns: {names}"
    run_object(csv(*table)).assert_rejected("unknown_layout", message)


# 25: separators and decimal marks


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_case_25_a_semicolon_or_a_tab_separates_cells(delimiter: str, run_object: RunObject) -> None:
    run_object(csv(HEADER.replace(",", delimiter), ROW.replace(",", delimiter))).assert_accepted(1)


@pytest.mark.parametrize("text", ["1,013 °C", "-1,013 °C", " 14,400°C", "1,013"])
@pytest.mark.parametrize("delimiter", [";", ","])
def test_case_25_a_comma_that_may_part_thousands_or_decimals_quarantines_the_row(
    delimiter: str, text: str, run_object: RunObject
) -> None:
    row = (
        f'2024-10-01,00:04:00,"{text}",87 %,29.48 in,WSW'
        if delimiter == ","
        else (f"2024-10-01;00:04:00;{text};87 %;29.48 in;WSW")
    )
    ending = run_object(csv(HEADER.replace(",", delimiter), row))
    assert ending.sums == (1, 0, 0, 1)
    assert [(found["code"], found["field"], found["value"]) for found in ending.rejected] == [
        ("ambiguous_number", "air_temperature", text)
    ]
    assert ending.reasons[0][2] == "the comma may separate thousands or decimals, and the source does not say which"
    assert json.loads(ending.rejected[0]["row"])["Temperature"] == text


@pytest.mark.parametrize("text", ["1 013,2 °C", "1,013.2 °C", "0,125 °C", "1,013,200 °C"])
def test_case_25_a_comma_that_parts_anything_else_is_never_guessed(text: str, run_object: RunObject) -> None:
    ending = run_object(csv(HEADER.replace(",", ";"), f"2024-10-01;00:04:00;{text};87 %;29.48 in;WSW"))
    ending.assert_accepted(1, unread=["air_temperature"])
    assert "air_temperature" not in ending.measurements[0]
    assert [note[:2] for note in ending.notes] == [("air_temperature", text)]


# 26: formulas


@pytest.mark.parametrize("text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", '=HYPERLINK("http://x")'])
@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_case_26_a_formula_is_text(kind: str, text: str, run_object: RunObject) -> None:
    rows: list[dict[str, Any]] = [table_row(4, Temperature=text), table_row(9)]
    ending = run_object(WRITERS[kind](rows))
    assert ending.sums == (2, 0, 2, 0)
    assert [note[:2] for note in ending.notes] == [("air_temperature", text)]
