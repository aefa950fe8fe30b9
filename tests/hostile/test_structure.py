"""Hostile structure, in JSON, Airbyte's envelope, workbooks, Parquet and Avro: cases 51 to 65."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import openpyxl
import pyarrow as pa
import pytest
from openpyxl.comments import Comment

from forecast.core.errors import MAX_LETTERS
from tests.hostile.conftest import TABLE_KEY, RunObject, run_in
from tests.hostile.objects import (
    CLIMATE_KEY,
    HEADER,
    TABLE,
    VALUES,
    climate,
    document,
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
from tests.integration.worlds import WorldMaker

DEEP = 100_000
CLIMATE_VALUES = {"air_temperature": 7.6, "relative_humidity": 89.0}
PWS_VALUES = {
    "air_temperature": 13.8,
    "wind_speed": 1.0,
    "wind_from_direction": 210.0,
    "relative_humidity": 87.0,
}

# 51: depth and length


@pytest.mark.parametrize(
    "make",
    [
        lambda: b"[" * DEEP,
        lambda: b'{"a":' * DEEP + b"1" + b"}" * DEEP,
        lambda: lines(TABLE[0]) + b'{"a":' * DEEP + b"1" + b"}" * DEEP + b"\n",
        lambda: lines({"_airbyte_data": "[" * DEEP}),
        lambda: b'{"hourly": {"07915": [' + b'{"a":' * DEEP + b"1" + b"}" * DEEP + b"]}}",
        lambda: to_csv([{"_airbyte_data": '{"a":' * DEEP + "1" + "}" * DEEP}]),
        lambda: to_csv([{"_airbyte_meta": "[" * DEEP, **TABLE[0]}]),
        lambda: to_parquet([{"_airbyte_data": '{"a":' * DEEP + "1" + "}" * DEEP}]),
    ],
    ids=["array", "object", "line", "text", "document", "cell", "envelope", "Parquet"],
)
def test_case_51_a_depth_bomb_is_rejected(make: Callable[[], bytes], run_object: RunObject) -> None:
    ending = run_object(make())
    ending.assert_rejected("too_deep", "JSON nested deeper than 64 levels")


@pytest.mark.heavy
def test_case_51_a_line_longer_than_a_record_may_be_is_rejected(run_object: RunObject) -> None:
    ending = run_object(lines(TABLE[0]) + b'{"a":"' + b"x" * (32 << 20) + b'"}\n')
    ending.assert_rejected("record_too_long", "a line of more than 32 MB (MAX_RECORD_MB)")


@pytest.mark.heavy
@pytest.mark.parametrize("start", [b'["', b'{"hourly": {"07915": [{"a": "', b"[1"], ids=["array", "document", "number"])
def test_case_51_a_text_longer_than_a_record_may_be_is_rejected(start: bytes, run_object: RunObject) -> None:
    ending = run_object(start + b"1" * (34 << 20))
    ending.assert_rejected("record_too_long", "a string or a number of more than 32 MB (MAX_RECORD_MB)")


def test_case_51_one_long_row_among_others_is_refused_alone(run_object: RunObject) -> None:
    ending = run_object(lines(TABLE[0], table_row(9, Wind="x" * (2 << 20)), TABLE[2]))
    assert ending.reasons == [("line 2", "malformed_record", "a record of more than 1 MB")]
    assert ending.sums == (3, 0, 2, 1)


# 52: keys


def test_case_52_a_key_that_is_there_twice_refuses_the_record(run_object: RunObject) -> None:
    twice = lines(TABLE[1]).replace(b'"Wind": "WSW"', b'"Wind": "N", "Wind": "S"')
    ending = run_object(lines(TABLE[0]) + twice)
    assert ending.reasons == [("line 2", "malformed_record", "the key 'Wind' appears twice")]
    assert ending.sums == (2, 0, 1, 1)


@pytest.mark.parametrize("kind", ["document", "array"])
def test_case_52_a_key_that_is_there_twice_in_a_list_refuses_the_row(kind: str, run_object: RunObject) -> None:
    rows = [climate(0), climate(1)]
    text = json.dumps(document(*rows) if kind == "document" else rows)
    one = text.rindex('"temperature": "7.6"')
    ending = run_object((text[:one] + '"temperature": "99", ' + text[one:]).encode(), CLIMATE_KEY)
    in_document = ("line 1: hourly.07915[1]", "malformed_record", "a key appears twice")
    in_array = ("[1]", "malformed_record", "the key 'temperature' appears twice")
    assert ending.reasons == [in_document if kind == "document" else in_array]
    assert ending.sums == (2, 0, 1, 1)


@pytest.mark.parametrize(
    "key",
    [
        *("__proto__", "$where", "a.b", "", "\0", "_id", "$set", "hourly "),
        pytest.param("x" * 500_000, id="half a million letters", marks=pytest.mark.heavy),
    ],
)
def test_case_52_odd_keys_are_data(key: str, run_object: RunObject) -> None:
    ending = run_object(lines(table_row(4, **{key: {"$gt": ""}}), table_row(9)))
    ending.assert_accepted(2)
    assert ending.measurements == [VALUES] * 2
    assert [sorted(document) for document in ending.documents] == [
        ["_id", "data_quality", "measurements", "metadata", "station", "timestamp"]
    ] * 2


@pytest.mark.parametrize("kind", ["jsonl", "csv", "array"])
def test_case_52_more_keys_than_any_table_has_are_rejected(kind: str, run_object: RunObject) -> None:
    rows = [{f"k{index}": "" for index in range(3000)} | table_row(4)]
    content = {"jsonl": lines(*rows), "csv": to_csv(rows), "array": json.dumps(rows).encode()}[kind]
    ending = run_object(content)
    assert ending.error[0] == "too_many_columns"
    ending.assert_rejected("too_many_columns", ending.error[1])


def test_case_52_rows_that_share_no_key_are_rejected(run_object: RunObject) -> None:
    rows = [table_row(4)] + [{f"k{number}-{index}": 1 for index in range(10)} for number in range(9000)]
    ending = run_object(lines(*rows))
    assert ending.error[0] == "too_many_columns"
    ending.assert_rejected("too_many_columns", ending.error[1])


# 53: answers that are errors


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"status": "error"}, "error"),
        ({"status": "OK", "errors": ["token"], "hourly": []}, "['token']"),
        ({"errors": [{"error": {"code": "CDN-0001"}}]}, "[{'error': {'code': 'CDN-0001'}}]"),
        ({"statusCode": 401}, "401"),
        ({"error": True, "reason": "too many requests"}, "too many requests"),
        ({"error": {"message": "no such key"}}, "{'message': 'no such key'}"),
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_case_53_an_error_answer_is_rejected_with_its_message(
    answer: dict[str, Any], said: str, indent: int | None, run_object: RunObject
) -> None:
    ending = run_object(json.dumps(answer, indent=indent).encode(), CLIMATE_KEY)
    ending.assert_rejected("source_error", f"the source answered with an error instead of data: {said!r}")


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"<!DOCTYPE html><title>Login</title>", "not_data"), (b"204 No Content", "unknown_layout")],
)
def test_case_53_a_page_or_an_empty_answer_is_no_success(content: bytes, code: str, run_object: RunObject) -> None:
    ending = run_object(content, CLIMATE_KEY)
    assert ending.error[0] == code
    ending.assert_rejected(code, ending.error[1])


# 54: InfoClimat's document


@pytest.mark.parametrize("hourly", [[], {}, {"_params": ["temperature"]}, {"07915": []}, {"07915": None}], ids=str)
def test_case_54_a_document_without_rows_has_no_rows(hourly: Any, run_object: RunObject) -> None:
    run_object(json.dumps(document(hourly=hourly)).encode(), CLIMATE_KEY).assert_accepted(0)


def test_case_54_params_first_or_missing_is_no_station(run_object: RunObject) -> None:
    for hourly in ({"_params": ["temperature"], "07915": [climate(0)]}, {"07915": [climate(0)]}):
        run_object(json.dumps(document(hourly=hourly)).encode(), CLIMATE_KEY).assert_accepted(1)


def test_case_54_a_row_under_another_stations_key_is_rejected(run_object: RunObject) -> None:
    hourly = {"07915": [climate(0)], "000T5": [climate(1)]}
    ending = run_object(json.dumps(document(hourly=hourly)).encode(), CLIMATE_KEY)
    assert [(row["position"], row["code"]) for row in ending.rejected] == [
        ("line 1: hourly.000T5[0]", "station_mismatch")
    ]
    assert ending.sums == (2, 0, 1, 1)


def test_case_54_a_station_that_the_document_does_not_list_is_looked_up_in_the_registry(run_object: RunObject) -> None:
    hourly = {"99999": [climate(0, id_station="99999")], "07915": [climate(1)]}
    ending = run_object(json.dumps(document(hourly=hourly)).encode(), CLIMATE_KEY)
    assert [(row["position"], row["code"]) for row in ending.rejected] == [
        ("line 1: hourly.99999[0]", "unknown_station")
    ]
    assert ending.sums == (2, 0, 1, 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": [climate(0)], "hourly": []}, "the rows are in 'data', not where a known network has them"),
        ({"hourly": {"07915": {"0": climate(0)}}},
         "a value where a list of rows is expected: 'hourly.07915.0.id_station'"),
        ({"hourly": {"07915": "none"}}, "a value where a list of rows is expected: 'hourly.07915'"),
    ],
    ids=["data", "rows by number", "a word"],
)  # fmt: skip
def test_case_54_rows_in_another_place_are_not_skipped(
    changes: dict[str, Any], message: str, run_object: RunObject
) -> None:
    run_object(json.dumps(document(**changes)).encode(), CLIMATE_KEY).assert_rejected("unknown_layout", message)


def test_case_54_an_item_that_is_not_a_row_is_rejected(run_object: RunObject) -> None:
    ending = run_object(json.dumps(document(climate(0), 5, ["x"], climate(1))).encode(), CLIMATE_KEY)
    assert ending.reasons == [
        ("line 1: hourly.07915[1]", "malformed_record", "not a JSON object"),
        ("line 1: hourly.07915[2]", "malformed_record", "not a JSON object"),
    ]
    assert ending.sums == (4, 0, 2, 2)


@pytest.mark.heavy
@pytest.mark.parametrize("wrap", [lambda one: one, enveloped, lambda one: [one, one]], ids=["", "v2", "array"])
def test_case_54_a_document_has_as_many_rows_as_it_likes(wrap: Any, run_object: RunObject) -> None:
    """What bounds the memory is what stands around the rows."""
    rows = [climate(0, dh_utc=f"2024-{month:02}-{day:02} 00:00:00", note=list(range(999)))
            for month in range(1, 9) for day in range(1, 29)]  # fmt: skip
    ending = run_object(json.dumps(wrap(document(*rows))).encode(), CLIMATE_KEY, neighbour=True)
    assert ending.outcome == "loaded", ending.error
    assert ending.status["counts"]["inserted"] == len(rows) + 1


# 55 to 57: Airbyte's envelope

SHAPES: dict[str, Any] = {
    "nested": enveloped,
    "text": lambda row: enveloped(row) | {"_airbyte_data": json.dumps(row)},
    "flattened": lambda row: {name: cell for name, cell in enveloped(row).items() if name != "_airbyte_data"} | row,
    "before 1.0": lambda row: {"_airbyte_ab_id": "0b1c", "_airbyte_emitted_at": 1728097200000, "_airbyte_data": row},
    "names of Avro": lambda row: enveloped({name.lower().replace(" ", "_"): cell for name, cell in row.items()}),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", ["jsonl", "csv", "array"])
def test_case_55_the_same_rows_in_every_envelope_give_the_same_documents(
    shape: str, kind: str, run_object: RunObject
) -> None:
    rows = [SHAPES[shape](row) for row in TABLE]
    ending = run_object({"jsonl": lines(*rows), "csv": to_csv(rows), "array": json.dumps(rows).encode()}[kind])
    ending.assert_accepted(3)
    assert ending.measurements == [VALUES] * 3
    assert not any("airbyte" in json.dumps(document, default=str) for document in ending.documents)


FLATTENED: dict[str, Any] = {"jsonl": lines, "csv": lambda row: to_csv([row]),
                             "parquet": lambda row: to_parquet([row])}  # fmt: skip


def flattened(content: dict[str, Any]) -> dict[str, Any]:
    """A document as Airbyte flattens it where a column takes no object: each of its parts as JSON text."""
    texts = {name: json.dumps(part) if isinstance(part, dict | list) else part for name, part in content.items()}
    return {name: cell for name, cell in enveloped({}).items() if name != "_airbyte_data"} | texts


@pytest.mark.parametrize("kind", FLATTENED)
def test_case_55_a_flattened_document_is_read_from_the_texts_of_its_parts(kind: str, run_object: RunObject) -> None:
    ending = run_object(FLATTENED[kind](flattened(document(climate(0), climate(1)))), CLIMATE_KEY)
    ending.assert_accepted(2)
    assert ending.measurements == [CLIMATE_VALUES] * 2
    assert ending.documents[0]["metadata"]["generation_id"] == 3


@pytest.mark.heavy
@pytest.mark.parametrize("kind", FLATTENED)
def test_case_55_a_flattened_document_of_megabytes_is_read(kind: str, run_object: RunObject) -> None:
    rows = [climate(0, dh_utc=f"2024-{month:02}-{day:02} 00:00:00", note="x" * 5000)
            for month in range(1, 9) for day in range(1, 29)]  # fmt: skip
    content = FLATTENED[kind](flattened(document(*rows)))
    assert len(content) > (1 << 20) or kind == "parquet"
    run_object(content, CLIMATE_KEY).assert_accepted(len(rows))


@pytest.mark.parametrize("kind", FLATTENED)
def test_case_55_a_flattened_document_with_a_broken_part_is_rejected(kind: str, run_object: RunObject) -> None:
    row = flattened(document(climate(0))) | {"hourly": '{"07915": [oops]}'}
    ending = run_object(FLATTENED[kind](row), CLIMATE_KEY)
    ending.assert_rejected("not_json", "the JSON cannot be read to its end: lexical error: invalid char in json text.")


@pytest.mark.parametrize("kind", FLATTENED)
def test_case_53_a_flattened_error_response_is_rejected(kind: str, run_object: RunObject) -> None:
    ending = run_object(FLATTENED[kind](flattened(document(hourly={}, errors=["token"]))), CLIMATE_KEY)
    assert ending.error[1].startswith("the source answered with an error instead of data: ")
    assert "token" in ending.error[1]
    ending.assert_rejected("source_error", ending.error[1])


@pytest.mark.parametrize("metric", [[1, 2], 5, True, "none", "[1]"], ids=str)
def test_case_55_a_row_without_an_object_in_place_of_its_values_is_quarantined(
    metric: Any, run_object: RunObject
) -> None:
    ending = run_object(lines(pws(4, metric=metric), pws(9, metric=metric), pws(14)))
    assert [(row["position"], row["code"], row["field"]) for row in ending.rejected] == [
        ("line 1", "malformed_record", "metric"),
        ("line 2", "malformed_record", "metric"),
    ]
    assert ending.sums == (3, 0, 1, 2)


@pytest.mark.parametrize("metric", [[1, 2], 5, True], ids=str)
def test_case_55_also_where_no_row_has_an_object(metric: Any, run_object: RunObject) -> None:
    ending = run_object(lines(pws(4, metric=metric), pws(9, metric=metric)))
    assert ending.reasons == [(f"line {line}", "malformed_record", "not a JSON object") for line in (1, 2)]
    assert ending.sums == (2, 0, 0, 2)


@pytest.mark.parametrize("metric", ["", " ", None], ids=repr)
def test_case_56_blank_and_null_are_one_where_an_object_belongs(metric: Any, run_object: RunObject) -> None:
    ending = run_object(lines(pws(4, metric=metric), pws(9)))
    ending.assert_accepted(2)
    assert ending.measurements == [{"wind_from_direction": 210.0, "relative_humidity": 87.0}, PWS_VALUES]


def test_case_55_two_shapes_in_one_object_are_both_read(run_object: RunObject) -> None:
    run_object(
        lines(SHAPES["nested"](TABLE[0]), SHAPES["text"](TABLE[1]), SHAPES["flattened"](TABLE[2]))
    ).assert_accepted(3)


def test_case_55_a_broken_object_in_a_cell_only_affects_its_row(run_object: RunObject) -> None:
    rows = [pws(minute, metric=json.dumps(pws(minute)["metric"])) for minute in (4, 9, 14)]
    rows[1]["metric"] = '{"temp": 13.8, "win'
    ending = run_object(lines(*rows))
    assert [(row["position"], row["field"], row["value"]) for row in ending.rejected] == [
        ("line 2", "metric", '{"temp": 13.8, "win')
    ]
    assert ending.sums == (3, 0, 2, 1)
    assert ending.measurements == [PWS_VALUES] * 2


def test_case_55_a_text_in_place_of_an_object_only_affects_its_row(run_object: RunObject) -> None:
    ending = run_object(lines(pws(4), pws(9, metric="none"), pws(14)))
    assert [(row["position"], row["field"]) for row in ending.rejected] == [("line 2", "metric")]
    assert ending.measurements == [PWS_VALUES] * 2


def test_case_55_members_of_several_kinds_are_read_each_as_it_is(run_object: RunObject) -> None:
    metric = {"temp": "13.8", "windSpeed": 3.6}
    ending = run_object(lines(pws(4), pws(9, metric=metric), pws(14)))
    ending.assert_accepted(3)
    assert ending.measurements == [PWS_VALUES] * 3


@pytest.mark.parametrize("indent", [None, 1], ids=["one line", "pretty"])
def test_rows_in_another_list_of_a_document_are_reported(indent: int | None, run_object: RunObject) -> None:
    """What a document says of itself, its stations and its units, is no such list."""
    more = {
        "daily": {"07915": [climate(1)]},
        "data": [climate(2)],
        "note": "x",
        "crs": {"type": "name"},
        "bbox": [1, 2],
    }
    ending = run_object(json.dumps(document(climate(0), **more), indent=indent).encode(), CLIMATE_KEY)
    ending.assert_accepted(1)
    assert [entry["columns"] for entry in ending.quality["unknown_columns"]] == [
        ["data (a list next to the rows)", "daily (a list next to the rows)"]
    ]


def test_case_56_null_blank_and_absent_are_one(local_world: WorldMaker) -> None:
    digests = []
    absent = {name: cell for name, cell in climate(0).items() if name != "humidite"}
    for row in (absent, absent | {"humidite": None}, absent | {"humidite": ""}):
        world = local_world()
        ending = run_in(world, lines(row), CLIMATE_KEY)
        ending.assert_accepted(1)
        digests.append(ending.documents[0]["metadata"]["digest"])
    assert len(set(digests)) == 1


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_case_57_a_value_that_airbyte_lost_is_a_parse_issue(kind: str, run_object: RunObject) -> None:
    change = {"field": "Pressure", "change": "NULLED", "reason": "DESTINATION_SERIALIZATION_ERROR"}
    rows = [enveloped(table_row(4, Pressure=None), _airbyte_meta={"sync_id": 7, "changes": [change]})]
    ending = run_object(lines(*rows) if kind == "jsonl" else to_csv(rows))
    assert ending.sums == (1, 0, 1, 0)
    reason = "lost on the way: NULLED, DESTINATION_SERIALIZATION_ERROR"
    assert ending.notes == [("air_pressure_at_mean_sea_level", "", reason)]


@pytest.mark.parametrize("value", [-1, 2**63, 7.5, [1], "x"], ids=str)
@pytest.mark.parametrize("shape", ["nested", "text"])
def test_case_57_an_invalid_counter_rejects_the_object(value: Any, shape: str, run_object: RunObject) -> None:
    """The same through both readers of JSON lines: rows of two shapes take the patient one."""
    row = SHAPES[shape](TABLE[0]) | {"_airbyte_generation_id": value}
    ending = run_object(lines(row, SHAPES["nested"](TABLE[1])))
    message = f"an Airbyte counter is not a whole number ({str(value)!r}; expected one from 0 to 2^53)"
    ending.assert_rejected("bad_envelope", message)


@pytest.mark.parametrize("stamp", [1234, "1234", "1970-01-01 00:00:01.234000+00:00", "1970-01-01T00:00:01.234Z"])
def test_case_57_the_time_of_extraction_in_its_spellings(stamp: Any, run_object: RunObject) -> None:
    ending = run_object(lines(enveloped(TABLE[0], _airbyte_extracted_at=stamp)))
    ending.assert_accepted(1)
    assert ending.documents[0]["metadata"]["extracted_at"] == datetime(1970, 1, 1, 0, 0, 1, 234000, UTC)


def test_case_57_a_lower_generation_does_not_overwrite_a_higher_one(local_world: WorldMaker) -> None:
    world = local_world()
    run_in(world, lines(enveloped(table_row(4, Wind="N"), _airbyte_generation_id=5)), "wunderground/ITESTB25/1.jsonl")
    run_in(world, lines(enveloped(table_row(4, Wind="S"), _airbyte_generation_id=4)), "wunderground/ITESTB25/2.jsonl")
    (document,) = [found for name, found in world.documents().items() if name.startswith("ITESTB25")]
    assert document["measurements"]["wind_from_direction"] == 360.0


def test_case_57_one_raw_id_twice_is_one_row(run_object: RunObject) -> None:
    ending = run_object(lines(enveloped(TABLE[0]), enveloped(TABLE[0])))
    assert (len(ending.documents), ending.exit_code) == (1, 0)


# 58 to 60: stations and empty rows

IDS = ["iichte19", "$where", "a.b", "../x", "\U0001f326", "7915", "x" * 10_000, '{"$gt": ""}', "ITESTA19\u200b"]


@pytest.mark.parametrize("name", IDS, ids=lambda name: name[:12])
def test_case_58_an_unknown_station_is_quarantined_and_never_guessed_from_a_name(
    name: str, run_object: RunObject
) -> None:
    ending = run_object(lines(climate(0), climate(1, id_station=name)), CLIMATE_KEY)
    assert [(row["position"], row["code"]) for row in ending.rejected] == [("line 2", "unknown_station")]
    assert ending.sums == (2, 0, 1, 1)
    assert all(name not in key for key in ending.processed_keys)


def test_case_58_a_station_id_with_blanks_is_known_and_a_number_is_not(run_object: RunObject) -> None:
    ending = run_object(lines(climate(0, id_station=" 07915 "), climate(1, id_station=7915)), CLIMATE_KEY)
    assert [(row["position"], row["code"]) for row in ending.rejected] == [("line 2", "unknown_station")]
    assert ending.sums == (2, 0, 1, 1)


def test_case_60_records_without_any_field_are_empty_rows(run_object: RunObject) -> None:
    ending = run_object(b"{}\n{}\n")
    assert (ending.outcome, ending.exit_code, ending.sums) == ("loaded", 0, (2, 2, 0, 0))


def test_case_59_rows_without_a_station_outside_of_any_prefix_are_rejected(run_object: RunObject) -> None:
    ending = run_object(lines(*TABLE), "elsewhere/ITESTB25.jsonl")
    assert ending.error[0] == "no_station"
    ending.assert_rejected("no_station", ending.error[1])


@pytest.mark.parametrize("kind", ["jsonl", "csv", "array", "parquet"])
def test_case_60_a_row_without_a_value_is_counted_as_empty(kind: str, run_object: RunObject) -> None:
    nothing = dict.fromkeys(TABLE[0])
    rows = [TABLE[0], nothing, nothing | {"Date": "2024-10-01"}, nothing | {"Time": "00:05:00"}]
    write = {"jsonl": lambda: lines(*rows), "csv": lambda: to_csv(rows), "array": lambda: json.dumps(rows).encode(),
             "parquet": lambda: to_parquet(rows)}  # fmt: skip
    ending = run_object(write[kind]())
    assert (ending.sums, ending.exit_code) == ((4, 3, 1, 0), 0)


# 61: workbooks


def test_case_61_lines_of_text_above_the_header_are_not_rows(run_object: RunObject) -> None:
    above: list[list[Any]] = [["Weather station La Madeleine"], [], ["Downloaded", "2024-10-09"]]
    ending = run_object(workbook({"011024": [*above, HEADER, sheet_row(4)]}))
    ending.assert_accepted(1)
    assert ending.documents[0]["metadata"]["source_row"] == "sheet 011024 row 5"


def test_case_61_a_merged_value_stands_where_its_cell_is(run_object: RunObject) -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = "011024"
    for row in (HEADER, sheet_row(4), sheet_row(9)):
        sheet.append(row)
    sheet.merge_cells("B2:B3")
    sink = io.BytesIO()
    book.save(sink)
    ending = run_object(sink.getvalue())
    ending.assert_accepted(2)
    assert ["air_temperature" in measured for measured in ending.measurements] == [True, False]


@pytest.mark.parametrize("error", ["#N/A", "#DIV/0!", "#REF!"])
def test_case_61_an_error_cell_is_noted(error: str, run_object: RunObject) -> None:
    ending = run_object(workbook({"011024": [HEADER, ["00:04:00", error, *sheet_row(4)[2:]]]}))
    assert ending.sums == (1, 0, 1, 0)
    assert [note[:2] for note in ending.notes] == [("air_temperature", error)]


def test_case_61_a_formula_without_a_value_is_noted(run_object: RunObject) -> None:
    ending = run_object(workbook({"011024": [HEADER, ["00:04:00", "=A1*2", *sheet_row(4)[2:]]]}))
    assert ending.sums == (1, 0, 1, 0)
    assert [note[:2] for note in ending.notes] == [("air_temperature", "formula without a value")]


def test_case_61_comments_filters_and_frozen_panes_change_nothing(run_object: RunObject) -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = "011024"
    for row in (HEADER, sheet_row(4), sheet_row(9)):
        sheet.append(row)
    sheet["B2"].comment = Comment("99 °F", "someone")
    sheet.auto_filter.ref = "A1:E3"
    sheet.auto_filter.add_filter_column(0, ["00:04:00"])
    sheet.row_dimensions[3].hidden = True
    sheet.freeze_panes = "B2"
    sink = io.BytesIO()
    book.save(sink)
    ending = run_object(sink.getvalue())
    ending.assert_accepted(2)
    assert ending.measurements == [VALUES] * 2


def test_case_61_the_message_about_a_damaged_workbook_is_bounded(run_object: RunObject) -> None:
    """A part's name said to be as long as the rest of the file: zipfile's own message holds all of it."""
    content = workbook({"011024": [HEADER, *[sheet_row(minute) for minute in range(60)]]})
    second = content.index(b"PK\x03\x04", 4)
    damaged = content[: second + 26] + (3000).to_bytes(2, "little") + content[second + 28 :]
    code, message = run_object(damaged).error
    assert code == "not_workbook"
    assert message.startswith("the workbook is not a complete zip file: File name in directory ")
    assert (len(message), message[-1]) == (MAX_LETTERS, "…")


def test_case_61_stations_as_columns_are_rejected_with_their_names(run_object: RunObject) -> None:
    ending = run_object(workbook({"011024": [["Hour", "Lille", "Bergues"], ["00:00", 12.5, 13.1]]}))
    ending.assert_rejected(
        "unknown_layout",
        "sheet '011024': no known network has rows with these columns: Hour, Lille, Bergues. "
        "The key is that of station ITESTB25 (Weather Underground)",
    )


# 62: JSON that is not quite JSON lines


def test_case_62_objects_one_after_another_on_a_line_are_read(run_object: RunObject) -> None:
    ending = run_object(lines(*TABLE).replace(b"\n", b" "))
    ending.assert_accepted(3)
    places = [document["metadata"]["source_row"] for document in ending.documents]
    assert places == ["line 1", "line 1 object 2", "line 1 object 3"]


@pytest.mark.parametrize("indent", [None, 2])
def test_case_62_an_array_is_read_as_its_records(indent: int | None, run_object: RunObject) -> None:
    ending = run_object(json.dumps(TABLE, indent=indent).encode())
    ending.assert_accepted(3)
    assert [document["metadata"]["source_row"] for document in ending.documents] == ["[0]", "[1]", "[2]"]


OTHER_UNITS = "the document's metadata gives units that differ from those of InfoClimat: "
ANSWERS = [document(climate(0)), document(climate(1))]


def as_text(answer: dict[str, Any]) -> dict[str, Any]:
    return enveloped({}, _airbyte_data=json.dumps(answer))


@pytest.mark.parametrize("wrap", [dict, enveloped, as_text], ids=["", "v2", "text"])
@pytest.mark.parametrize("indent", [None, 2])
def test_case_62_an_array_of_whole_documents_is_read_as_each_of_them(
    indent: int | None, wrap: Any, run_object: RunObject
) -> None:
    ending = run_object(json.dumps([wrap(answer) for answer in ANSWERS], indent=indent).encode(), CLIMATE_KEY)
    ending.assert_accepted(2)
    assert ending.measurements == [CLIMATE_VALUES] * 2
    inside = "_airbyte_data." if wrap is enveloped else ""
    places = [document["metadata"]["source_row"] for document in ending.documents]
    assert places == [f"[{index}]: {inside}hourly.07915[0]" for index in (0, 1)]


def test_case_62_an_array_of_the_apis_responses_is_read(run_object: RunObject) -> None:
    ending = run_object(json.dumps([{"observations": [pws(4)]}, {"observations": [pws(9)]}]).encode())
    ending.assert_accepted(2)
    assert ending.measurements == [PWS_VALUES] * 2


def test_case_62_a_document_in_other_units_rejects_the_array(run_object: RunObject) -> None:
    content = json.dumps([*ANSWERS, document(climate(2), metadata={"temperature": "temperature,degF"})])
    message = f"{OTHER_UNITS}temperature in 'degF' instead of 'degC'"
    run_object(content.encode(), CLIMATE_KEY).assert_rejected("changed_unit", message)


@pytest.mark.parametrize("records", [[climate(2), ANSWERS[0]], [ANSWERS[0], climate(2)]], ids=["row first", "last"])
def test_case_62_documents_and_rows_in_one_array_are_read(records: list[Any], run_object: RunObject) -> None:
    run_object(json.dumps(records).encode(), CLIMATE_KEY).assert_accepted(2)


ROW = lines(TABLE[0])[:-1]
WIDTH = len(ROW.decode())
ARRAY = json.dumps(TABLE).encode()
PRETTY = json.dumps(TABLE, indent=1).encode()
DOCUMENT = json.dumps(document(climate(0)), indent=1).encode()
LONG_ROW = json.dumps(table_row(4, note="é" * 99), ensure_ascii=False)
LONG = "[\n" + ",\n".join([LONG_ROW] * 6000) + "\n]"
TO_THE_END = "the JSON cannot be read to its end: "
BEGINS = "JSON begins with a brace or a bracket, but the object begins with "
COMMAS = "not JSON: the lines end with commas, as in a list without its brackets "
NO_LINE = "none of its lines can be read; line 1: not JSON: Expecting "
QUOTES = f"{TO_THE_END}lexical error: invalid char in json text. "

UNALLOWED = f"{TO_THE_END}parse error: unallowed token at this point in JSON text "
NO_COMMENTS = f"{TO_THE_END}lexical error: probable comment found in input text, comments are not enabled. "


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (str(TABLE[0]).encode() + b"\n", f"{QUOTES}(line 1 column 2)"),
        (str(TABLE).encode(), f"{QUOTES}(line 1 column 3)"),
        (b"".join(str(row).encode() + b"\n" for row in TABLE), f"{QUOTES}(line 1 column 2)"),
        (str(document(climate(0))).encode(), f"{QUOTES}(line 1 column 2)"),
        (f"{LONG[:-2]},\n{TABLE[0]}]".encode(), f"{QUOTES}(line 6002 column 2)"),
    ],
    ids=["object", "array", "lines", "document", "long"],
)
def test_case_62_what_python_prints_is_rejected_with_its_place(
    content: bytes, message: str, run_object: RunObject
) -> None:
    run_object(content).assert_rejected("not_json", message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"// comment\n" + ROW, f"{BEGINS}'// comment' (line 1 column 1)"),
        (b"\n\n# comment\n" + ROW, f"{BEGINS}'# comment' (line 3 column 1)"),
        (b"/* a, comment */\n" + ROW, f"{BEGINS}'/* a, comment */' (line 1 column 1)"),
        (ROW + b" // comment\n", f"{NO_LINE}value at character {WIDTH + 2}"),
        (PRETTY.replace(b"{\n", b"{ // comment\n", 1), f"{NO_COMMENTS}(line 2 column 4)"),
        (DOCUMENT.replace(b"{\n", b"{ # comment\n", 1), f"{QUOTES}(line 1 column 3)"),
        (b'rows = {"Time": "00:04:00"}', f'{BEGINS}\'rows = {{"Time": "00:04:00"}}\' (line 1 column 1)'),
    ],
    ids=["//", "#", "/* */", "behind", "within", "in a document", "a program"],
)
def test_case_62_comments_are_rejected_with_their_place(content: bytes, message: str, run_object: RunObject) -> None:
    run_object(content).assert_rejected("not_json", message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lines(*TABLE).replace(b"}\n", b"},\n"), f"{COMMAS}(line 1 column {WIDTH + 1})"),
        (b"\n" + lines(*TABLE).replace(b"}\n{", b"},\n{"), f"{COMMAS}(line 2 column {WIDTH + 1})"),
        (
            lines(*TABLE).replace(b"}", b",}"),
            f"{NO_LINE}property name enclosed in double quotes at character {WIDTH + 1}",
        ),
        (
            ARRAY.replace(b"]", b",]"),
            f"{UNALLOWED}(line 1 column {len(ARRAY) + 1})",
        ),
        (
            PRETTY.replace(b"\n]", b",\n]"),
            f"{UNALLOWED}(line 26 column 1)",
        ),
        (
            PRETTY.replace(b",", b",,", 1),
            f"{TO_THE_END}parse error: invalid object key (must be a string) (line 3 column 24)",
        ),
        (
            DOCUMENT.replace(b"\n}", b",\n}"),
            f"{TO_THE_END}parse error: invalid object key (must be a string) (line 29 column 1)",
        ),
        (
            LONG.replace("}\n]", "},]").encode(),
            f"{UNALLOWED}(line 6001 column {len(LONG_ROW) + 2})",
        ),
        (json.dumps(ANSWERS).encode()[:-1] + b",]", f"{UNALLOWED}(line 1 column {len(json.dumps(ANSWERS)) + 1})"),
    ],
    ids=["lines", "lines but the last", "objects", "array", "long array", "two", "document", "long", "documents"],
)
def test_case_62_commas_too_many_are_rejected_with_their_place(
    content: bytes, message: str, run_object: RunObject
) -> None:
    run_object(content).assert_rejected("not_json", message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"```json\n" + lines(*TABLE) + b"```\n", f"{BEGINS}'```json' (line 1 column 1)"),
        (
            b"# Samples, as they are\n\nOf the API:\n\n```json\n" + PRETTY + b"\n```\n",
            f"{BEGINS}'# Samples, as they are' (line 1 column 1)",
        ),
        (PRETTY + b"\n```\n", f"{TO_THE_END}parse error: trailing garbage (line 27 column 1)"),
    ],
    ids=["fence", "page", "end of a fence"],
)
def test_case_62_json_in_markdown_is_rejected_with_its_place(
    content: bytes, message: str, run_object: RunObject
) -> None:
    run_object(content).assert_rejected("not_json", message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (ARRAY[:-2], f"{TO_THE_END}parse error: premature EOF (line 1 column {len(ARRAY) - 1})"),
        (
            b"".join(json.dumps(row, indent=1).encode() + b"\n" for row in TABLE),
            f"{TO_THE_END}parse error: trailing garbage (line 9 column 1)",
        ),
        (
            b"".join(json.dumps([row]).encode() + b"\n" for row in TABLE),
            f"{TO_THE_END}parse error: trailing garbage (line 2 column 1)",
        ),
    ],
    ids=["cut array", "pretty objects", "arrays"],
)
def test_case_62_other_invalid_json_is_rejected_with_its_position(
    content: bytes, message: str, run_object: RunObject
) -> None:
    run_object(content).assert_rejected("not_json", message)


def test_case_62_only_a_line_after_a_document_that_is_not_json_is_quarantined(run_object: RunObject) -> None:
    ending = run_object(json.dumps(document(climate(0))).encode() + b"\n```\n", CLIMATE_KEY)
    assert ending.sums == (2, 0, 1, 1)
    assert ending.reasons == [("line 2", "malformed_record", "not JSON: Expecting value at character 1")]


def test_case_62_only_a_line_that_is_a_comment_is_quarantined(run_object: RunObject) -> None:
    ending = run_object(ROW + b"\n// comment\n")
    assert (ending.outcome, ending.sums) == ("loaded", (2, 0, 1, 1))
    assert ending.reasons == [("line 2", "malformed_record", "not JSON: Expecting value at character 1")]


# 63: Parquet and Avro


def parquet(**changes: Any) -> bytes:
    columns: dict[str, Any] = {name: pa.array([row[name] for row in (climate(0), climate(1))]) for name in climate(0)}
    return to_parquet(pa.table(columns | changes))


@pytest.mark.parametrize(
    "column",
    [
        pa.array([7.6, 7.6]),
        pa.array([7.6, 7.6], pa.float64()).cast(pa.decimal128(5, 1)),
        pa.array(["7.6", "7.6"]).dictionary_encode(),
        pa.array(["7.6", "7.6"], pa.large_string()),
        pa.array([b"7.6", b"7.6"], pa.binary()),
    ],
    ids=lambda column: str(column.type),
)
def test_case_63_another_type_that_says_the_same_is_read(column: pa.Array, run_object: RunObject) -> None:
    ending = run_object(parquet(temperature=column), CLIMATE_KEY)
    ending.assert_accepted(2)
    assert ending.measurements == [CLIMATE_VALUES] * 2


@pytest.mark.parametrize("zone", ["UTC", "Europe/Paris", None])
def test_case_63_a_timestamp_is_read_by_its_declared_kind(zone: str | None, run_object: RunObject) -> None:
    moments = [datetime(2024, 10, 5, hour, tzinfo=UTC) for hour in (0, 1)]
    stamps = pa.array(moments, pa.timestamp("us", tz="UTC")).cast(pa.timestamp("us", tz=zone))
    ending = run_object(parquet(dh_utc=stamps), CLIMATE_KEY)
    ending.assert_accepted(2)
    assert [document["timestamp"] for document in ending.documents] == moments


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ([7.6], "list<element: double>"),
        ({"value": 7.6}, "struct<value: double>"),
        (True, "bool"),
        (datetime(2024, 10, 5, tzinfo=UTC), "timestamp[us, tz=UTC]"),
    ],
    ids=["list", "object", "boolean", "time"],
)
def test_case_63_a_type_that_no_measured_value_has_rejects_the_object(
    value: Any, kind: str, run_object: RunObject
) -> None:
    message = f"the file declares 'temperature' as {kind}, but a measured value is a number or a string"
    run_object(parquet(temperature=pa.array([value, value])), CLIMATE_KEY).assert_rejected("changed_type", message)


def test_case_63_also_in_avro_and_in_a_table(run_object: RunObject) -> None:
    avro = to_avro([climate(0, temperature=True)], {"temperature": "boolean"})
    message = "the file declares 'temperature' as bool, but a measured value is a number or a string"
    run_object(avro, CLIMATE_KEY).assert_rejected("changed_type", message)
    run_object(to_parquet([table_row(4, Temperature=True)])).assert_rejected("changed_type", message)


def test_case_63_the_type_of_a_column_that_is_not_known_does_not_matter(run_object: RunObject) -> None:
    run_object(parquet(checked=pa.array([[True], [False]])), CLIMATE_KEY).assert_accepted(2)


def test_case_63_a_nested_payload_with_missing_members_is_read(run_object: RunObject) -> None:
    rows = [{"_airbyte_data": climate(0)}, {"_airbyte_data": {"id_station": "07915", "dh_utc": "2024-10-05 01:00:00",
                                                              "humidite": "89"}}]  # fmt: skip
    ending = run_object(to_parquet(rows), CLIMATE_KEY)
    ending.assert_accepted(2)
    assert ending.measurements == [CLIMATE_VALUES, {"relative_humidity": 89.0}]


def test_case_63_a_file_without_row_groups_has_no_rows(run_object: RunObject) -> None:
    run_object(to_parquet(pa.table({name: pa.array([], pa.string()) for name in climate(0)}))).assert_accepted(0)


@pytest.mark.parametrize("part", [0.5, 0.9, 0.99])
@pytest.mark.parametrize("write", [to_parquet, to_avro], ids=["Parquet", "Avro"])
def test_case_63_a_cut_off_file_is_rejected(write: Any, part: float, run_object: RunObject) -> None:
    content = write([climate(hour) for hour in range(20)])
    ending = run_object(content[: int(len(content) * part)], CLIMATE_KEY)
    assert ending.error[0] == ("not_avro" if write is to_avro else "not_parquet")
    ending.assert_rejected(*ending.error)


@pytest.mark.parametrize(
    ("sound", "damaged"),
    [
        # A text, and the name of a column, that are no UTF-8.
        ("été".encode(), b"\xe9t\xe9!!"),
        ("Tempé".encode(), b"Temp\xe9!"),
        # A column that may miss values, said to miss none: its statistics contradict that, and Arrow's metadata would
        # end the process.
        (b"\x25\x02\x18", b"\x25\x00\x18"),
    ],
    ids=["text", "name", "statistics"],
)
def test_case_63_a_damaged_file_is_rejected(sound: bytes, damaged: bytes, run_object: RunObject) -> None:
    content = to_parquet([table_row(4, Note="été", Tempé="1")], compression="none", use_dictionary=False)
    assert len(sound) == len(damaged)
    assert sound in content
    ending = run_object(content.replace(sound, damaged))
    assert ending.error[0] == "not_parquet"
    ending.assert_rejected(*ending.error)


@pytest.mark.parametrize("codec", ["null", "deflate", "bzip2", "xz", "snappy", "zstandard"])
def test_case_63_every_codec_of_avro_is_read(codec: str, run_object: RunObject) -> None:
    run_object(to_avro([climate(0), climate(1)], codec=codec), CLIMATE_KEY).assert_accepted(2)


def test_case_63_a_codec_that_does_not_exist_is_rejected(run_object: RunObject) -> None:
    content = to_avro([climate(0)], codec="deflate").replace(b"deflate", b"defl8te")
    message = "the Avro file is compressed with 'defl8te', which is not supported"
    run_object(content, CLIMATE_KEY).assert_rejected("not_avro", message)


def test_case_63_numbers_of_avro_are_read(run_object: RunObject) -> None:
    rows = [climate(hour, temperature=7.6, humidite=89) for hour in (0, 1)]
    types = {"temperature": "double", "humidite": "long"}
    ending = run_object(to_avro(rows, types), CLIMATE_KEY)
    ending.assert_accepted(2)
    assert ending.measurements == [CLIMATE_VALUES] * 2


def test_case_63_a_decimal_of_avro_is_read(run_object: RunObject) -> None:
    kind = {"type": "bytes", "logicalType": "decimal", "precision": 5, "scale": 1}
    ending = run_object(to_avro([climate(0, temperature=Decimal("7.6"))], {"temperature": kind}), CLIMATE_KEY)
    ending.assert_accepted(1)
    assert ending.measurements == [CLIMATE_VALUES]


# 64: drift


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_case_64_a_new_variable_is_ignored_and_named(kind: str, run_object: RunObject) -> None:
    rows = [row | {"pm25": "12"} for row in TABLE]
    ending = run_object({"jsonl": lines(*rows), "csv": to_csv(rows), "parquet": to_parquet(rows)}[kind])
    ending.assert_accepted(3)
    assert ending.measurements == [VALUES] * 3
    assert ending.warnings == [f"{TABLE_KEY} has unknown columns, which are ignored: 'pm25'"]


def test_case_64_a_variable_with_another_name_is_reported_with_what_it_could_be(run_object: RunObject) -> None:
    row = {name: cell for name, cell in climate(0).items() if name != "temperature"} | {"temp": "7.6"}
    ending = run_object(lines(row), CLIMATE_KEY)
    ending.assert_accepted(1, renamed=["air_temperature"])
    assert ending.measurements == [{"relative_humidity": 89.0}]
    words = "it lacks air_temperature, which the station reports, but has unknown columns. Was it renamed to 'temp'?"
    assert ending.warnings == [
        f"{CLIMATE_KEY} has unknown columns, which are ignored: 'temp'",
        f"{CLIMATE_KEY}: {words}",
    ]
    assert ending.error == ("renamed_parameter", words)


def test_case_64_of_many_new_variables_some_are_named_and_none_is_long(run_object: RunObject) -> None:
    ending = run_object(lines(TABLE[0] | {f"{'x' * 60}{number}": "1" for number in range(20)}))
    ending.assert_accepted(1)
    shown = ", ".join([repr("x" * 40)] * 12)
    assert ending.warnings == [f"{TABLE_KEY} has unknown columns, which are ignored: {shown} and 8 more"]


def test_case_64_an_optional_variable_that_is_gone_is_missing(run_object: RunObject) -> None:
    rows = [{name: cell for name, cell in row.items() if name != "Wind"} for row in TABLE]
    ending = run_object(lines(*rows))
    ending.assert_accepted(3)
    assert ending.measurements == [{name: value for name, value in VALUES.items() if "wind" not in name}] * 3


@pytest.mark.parametrize("name", ["id_station", "dh_utc"])
def test_case_64_a_required_column_that_is_gone_rejects_the_object(name: str, run_object: RunObject) -> None:
    rows = [{field: cell for field, cell in climate(hour).items() if field != name} for hour in (0, 1)]
    ending = run_object(lines(*rows), CLIMATE_KEY)
    names = ", ".join(rows[0])
    ending.assert_rejected(
        "unknown_layout",
        f"no known network has rows with these columns: {names}. "
        f"The nearest layout is InfoClimat: there is no column {name}",
    )


# 65: text attacks

ATTACKS = [
    {"$gt": ""},
    {"$where": "sleep(1000)"},
    '{"$gt": ""}',
    "'; DROP TABLE x;--",
    "${jndi:ldap://127.0.0.1/a}",
    "{{7*7}}",
    "<script>alert(1)</script>",
    "%s%s%n",
    "x" * 500_000,
]


@pytest.mark.parametrize("value", ATTACKS, ids=lambda value: str(value)[:12])
@pytest.mark.parametrize("kind", ["jsonl", "array", "document"])
def test_case_65_an_attack_in_a_value_is_noted_as_text(value: Any, kind: str, run_object: RunObject) -> None:
    rows = [climate(0, temperature=value), climate(1)]
    text = {"jsonl": lines(*rows).decode(), "array": json.dumps(rows), "document": json.dumps(document(*rows))}[kind]
    ending = run_object(text.encode(), CLIMATE_KEY)
    assert ending.sums == (2, 0, 2, 0)
    assert ending.measurements == [{"relative_humidity": 89.0}, CLIMATE_VALUES]
    ((parameter, raw, _),) = ending.notes
    shown = value if isinstance(value, str) else json.dumps(value)
    assert parameter == "air_temperature"
    assert raw == (shown if len(shown) <= 80 else shown[:79] + "…")


@pytest.mark.parametrize("text", ["{", "{}", '{"$gt": ""}', '{"temp": 1}', "[", "{{7*7}}"])
@pytest.mark.parametrize("kind", ["jsonl", "csv", "array"])
def test_case_65_a_text_that_looks_like_an_object_is_a_text(kind: str, text: str, run_object: RunObject) -> None:
    """Also where every row has one."""
    rows: list[dict[str, Any]] = [table_row(4, Temperature=text), table_row(9, Temperature=text)]
    ending = run_object({"jsonl": lines(*rows), "csv": to_csv(rows), "array": json.dumps(rows).encode()}[kind])
    ending.assert_accepted(2, unread=["air_temperature"])
    assert ending.notes == [("air_temperature", text, "not a number")] * 2


def test_case_65_a_record_with_a_string_of_5_mb_is_quarantined(run_object: RunObject) -> None:
    ending = run_object(lines(climate(0), climate(1, temperature="x" * (5 << 20))), CLIMATE_KEY)
    assert ending.reasons == [("line 2", "malformed_record", "a record of more than 1 MB")]
    assert ending.sums == (2, 0, 1, 1)


@pytest.mark.parametrize("number", ["1" * 30, "1" * 10_000, "1e400", "-1e999", "NaN", "-Infinity"], ids=lambda n: n[:9])
@pytest.mark.parametrize("kind", ["jsonl", "array", "document"])
def test_a_number_that_no_double_holds_is_noted_in_every_layout(number: str, kind: str, run_object: RunObject) -> None:
    rows = [climate(0), climate(1, temperature=12345)]
    text = {"jsonl": lines(*rows).decode(), "array": json.dumps(rows), "document": json.dumps(document(*rows))}[kind]
    ending = run_object(text.replace("12345", number).encode(), CLIMATE_KEY)
    assert ending.sums == (2, 0, 2, 0)
    assert ending.measurements == [CLIMATE_VALUES, {"relative_humidity": 89.0}]
    assert [note[0] for note in ending.notes] == ["air_temperature"]
