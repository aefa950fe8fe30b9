"""Rows of the PWS API whose values stand in something else than an object, and records that are JSON's null."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest

from tests.hostile.endings import RunObject
from tests.hostile.objects import climate, document, lines, pws, to_csv, to_parquet

ROW = {"stationID": "ITESTB25", "obsTimeUtc": "2024-10-01T00:04:00Z"}
NAMED = {"stationID": ["ITESTB25", "ITESTB25"], "obsTimeUtc": ["2024-10-01T00:04:00Z", "2024-10-01T00:09:00Z"]}


def as_lines(*rows: Any) -> bytes:
    return lines(*rows)


def as_array(*rows: Any) -> bytes:
    return json.dumps(rows).encode()


def as_document(*rows: Any) -> bytes:
    return json.dumps({"observations": rows}).encode()


@pytest.mark.parametrize("found", [[{"temp": 13.8}], 13.8, True], ids=str)
@pytest.mark.parametrize("write", [as_lines, as_array, as_document])
def test_only_a_row_without_its_object_of_values_is_quarantined_and_it_is_never_empty(
    write: Any, found: Any, run_object: RunObject
) -> None:
    ending = run_object(write(ROW | {"metric": found}, pws(9)))
    assert ending.sums == (2, 0, 1, 1)
    assert [document["_id"] for document in ending.documents] == ["ITESTB25@2024-10-01T00:09:00Z"]
    ((_, code, reason),) = ending.reasons
    assert (code, ending.rejected[0]["field"], ending.rejected[0]["value"]) == (
        "malformed_record",
        "metric",
        json.dumps(found),
    )
    assert reason == "not a JSON object"


@pytest.mark.parametrize("write", [as_lines, as_array, as_document])
def test_where_every_row_has_a_list_none_is_empty(write: Any, run_object: RunObject) -> None:
    ending = run_object(write(ROW | {"metric": [{"temp": 13.8}]}))
    assert ending.sums == (1, 0, 0, 1)


@pytest.mark.parametrize("write", [as_lines, as_array, as_document])
def test_an_object_that_is_written_as_an_empty_list_has_no_members(write: Any, run_object: RunObject) -> None:
    ending = run_object(write(pws(4, metric=[]), pws(9)))
    ending.assert_accepted(2)
    assert ending.measurements[0] == {"relative_humidity": 87.0, "wind_from_direction": 210.0}


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.string_view(), pa.large_string()], ids=str)
def test_the_text_of_an_object_is_read_in_every_type(kind: pa.DataType, run_object: RunObject) -> None:
    texts = pa.array(['{"temp": 13.8}', '{"temp": 13.9}']).cast(kind)
    ending = run_object(to_parquet(pa.table({**NAMED, "metric": texts})))
    ending.assert_accepted(2)
    assert ending.measurements == [{"air_temperature": 13.8}, {"air_temperature": 13.9}]


def test_bytes_that_are_not_text_only_affect_their_row(run_object: RunObject) -> None:
    found = pa.array([b'{"temp": 13.8}', b"\xff"], pa.binary())
    ending = run_object(to_parquet(pa.table({**NAMED, "metric": found})))
    assert ending.measurements == [{"air_temperature": 13.8}]
    assert ending.reasons == [("row 2", "malformed_record", "not JSON: Expecting value at character 1")]


def test_a_payload_that_is_not_text_only_affects_its_record(run_object: RunObject) -> None:
    payloads = pa.array([json.dumps(pws(4)).encode(), b'{"a": "\xff"}'], pa.binary())
    ending = run_object(to_parquet(pa.table({"_airbyte_data": payloads})))
    assert ending.sums == (2, 0, 1, 1)
    assert ending.reasons == [("row 2", "malformed_record", "not JSON: Invalid \\escape at character 8")]


@pytest.mark.parametrize("write", [as_lines, lambda *rows: to_csv(rows)], ids=["jsonl", "csv"])
def test_the_word_null_in_place_of_an_object_is_null(write: Any, run_object: RunObject) -> None:
    """What a program writes that turns the objects of each column into JSON."""
    row = ROW | {"metric": "null", "imperial": '{"temp": 50}'}
    ending = run_object(write(row))
    ending.assert_accepted(1)
    assert ending.measurements == [{"air_temperature": 10.0}]


@pytest.mark.parametrize(
    ("content", "position"),
    [
        (as_array(None, pws(4)), "[0]"),
        (as_array(pws(4), None), "[1]"),
        (json.dumps([pws(4), None], indent=4).encode(), "[1]"),
        (as_lines(pws(4)) + b"null\n", "line 2"),
        (as_lines(pws(4)) + b" null\r\n", "line 2"),
        (as_lines(pws(4)) + b"null {}\n", "line 2"),
        (as_document(None, pws(4)), "line 1: observations[0]"),
    ],
)
def test_case_93_only_a_record_that_is_null_is_quarantined(
    content: bytes, position: str, run_object: RunObject
) -> None:
    ending = run_object(content)
    assert ending.sums == (2, 0, 1, 1)
    assert ending.reasons == [(position, "malformed_record", "not a JSON object")]


def test_case_93_an_array_of_nothing_but_null_is_rejected(run_object: RunObject) -> None:
    run_object(b"[null]").assert_rejected("not_json", "none of its items can be read; [0]: not a JSON object")


def test_a_row_of_which_nothing_can_be_read_among_others(run_object: RunObject) -> None:
    ending = run_object(as_lines(pws(4), ROW | {"obsTimeUtc": "2024-10-01T00:09:00Z", "humidity": "?"}))
    ending.assert_accepted(2)
    assert ending.measurements[1] == {}
    assert ending.notes == [("relative_humidity", "?", "not a number")]


@pytest.mark.parametrize("swap", [False, True])
def test_documents_of_two_networks_as_texts_in_one_table(swap: bool, run_object: RunObject) -> None:
    hourly, observations = json.dumps(document(climate(1))["hourly"]), json.dumps([pws(4)])
    rows = [{"hourly": hourly, "observations": ""}, {"hourly": "", "observations": observations}]
    ending = run_object(to_csv([dict(reversed(row.items())) if swap else row for row in rows]))
    ending.assert_accepted(2)
