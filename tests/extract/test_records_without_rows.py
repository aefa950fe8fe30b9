"""A record that holds no rows costs itself alone, in every envelope and format."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.examples import for_every_change
from tests.extract.test_extract import (
    CLIMATE,
    as_text,
    batches_of,
    flattened,
    lines,
    nested,
    observations_of,
    rejected,
    to_csv,
    to_parquet,
)

Record = dict[str, Any]
Wrap = Callable[[Record], Record]
TOO_LARGE = {"field": "hourly", "change": "NULLED", "reason": "DESTINATION_RECORD_SIZE_LIMITATION"}
LOST = "lost on the way: hourly: NULLED, DESTINATION_RECORD_SIZE_LIMITATION"
PWS = {
    "stationID": "ITESTB25",
    "obsTimeUtc": "2024-10-01T00:04:00Z",
    "humidity": 87,
    "winddir": 270,
    "metric": {"temp": 13.8, "pressure": 998.3},
}


def plain(document: Record) -> Record:
    return document


def as_raw_data(document: Record) -> Record:
    return {"id": "1", "raw_data": document}


def climate(hour: int) -> Record:
    row = CLIMATE | {"dh_utc": f"2024-10-05 {hour:02}:00:00"}
    return {"status": "OK", "errors": [], "hourly": {"07915": [row]}}


def array(*records: Any) -> bytes:
    return json.dumps(records, indent=1).encode()


def table(write: Callable[[Sequence[Record]], bytes]) -> Callable[..., bytes]:
    """A table of documents, flattened or as JSON text: every record with the fields of all."""

    def written(*records: Record) -> bytes:
        names = dict.fromkeys(name for record in records for name in record)
        cells = [{name: record.get(name) for name in names} for record in records]
        return write([{name: cell(name, value) for name, value in record.items()} for record in cells])

    def cell(name: str, value: Any) -> Any:
        return json.dumps(value) if isinstance(value, dict | list) and name != "_airbyte_meta" else value

    return written


NOTHING: list[Any] = [
    {"status": "OK", "errors": [], "hourly": None},
    {"status": "OK", "errors": []},
    {"status": "OK", "errors": [], "hourly": ""},
    {"hourly": None},
    {},
]


@pytest.mark.parametrize("nothing", NOTHING, ids=str)
@pytest.mark.parametrize("place", [0, 2])
@pytest.mark.parametrize("wrap", [plain, nested, *for_every_change(as_text, as_raw_data)])
@pytest.mark.parametrize("write", [lines, array])
def test_case_93_a_record_whose_list_of_rows_is_null_or_not_there_is_counted_as_one_without_rows(
    write: Callable[..., bytes], wrap: Wrap, place: int, nothing: Record, tmp_path: Path
) -> None:
    records = [climate(0), climate(1)]
    records.insert(place, nothing)
    result = observations_of(write(*map(wrap, records)), tmp_path)
    assert (result.rows_read, result.rows_empty, result.rejected) == (3, 1, [])
    assert result.stamps == ["2024-10-05T00:00:00Z", "2024-10-05T01:00:00Z"]


@pytest.mark.parametrize("nothing", NOTHING, ids=str)
@pytest.mark.parametrize("wrap", [as_text, flattened, nested])
@pytest.mark.parametrize("write", [table(to_csv), table(to_parquet)])
def test_case_93_also_in_a_table(write: Callable[..., bytes], wrap: Wrap, nothing: Record, tmp_path: Path) -> None:
    result = observations_of(write(wrap(climate(0)), wrap(nothing), wrap(climate(1))), tmp_path)
    assert (result.rows_read, result.rows_empty, result.rejected) == (3, 1, [])
    assert result.stamps == ["2024-10-05T00:00:00Z", "2024-10-05T01:00:00Z"]


@pytest.mark.parametrize("payload", [None, "", "{}", "null", {}], ids=repr)
@pytest.mark.parametrize("rest", [climate(0), CLIMATE], ids=["documents", "rows"])
def test_case_93_a_payload_that_is_nothing_is_counted_as_a_record_without_rows(
    rest: Record, payload: Any, tmp_path: Path
) -> None:
    for content in (lines(nested(rest), nested(payload)), array(nested(payload), nested(rest))):
        result = observations_of(content, tmp_path)
        assert (result.rows_read, result.rows_empty, len(result.observations)) == (2, 1, 1)


@pytest.mark.parametrize("write", [lines, array])
@pytest.mark.parametrize("payload", [{"status": "OK", "errors": [], "hourly": None}, {"status": "OK"}, {}, None])
@pytest.mark.parametrize("rest", [climate(0), CLIMATE], ids=["documents", "rows"])
def test_case_93_a_record_that_airbyte_lost_is_quarantined_with_its_reason(
    rest: Record, payload: Any, write: Callable[..., bytes], tmp_path: Path
) -> None:
    lost = nested(payload) | {"_airbyte_meta": {"sync_id": 7, "changes": [TOO_LARGE]}}
    result = observations_of(write(nested(rest), lost), tmp_path)
    assert len(result.observations) == 1
    position = "line 2" if write is lines else "[1]"
    assert [(row["position"], row["code"], row["reason"]) for row in result.rejected] == [
        (position, "record_lost_on_the_way", LOST)
    ]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"status": "error", "message": "bad token"}, "bad token"),
        ({"status": "OK", "errors": ["quota"], "hourly": []}, "['quota']"),
        ({"errors": [{"error": {"code": "CDN-0001"}}], "success": False, "metadata": {"id": 1}}, "CDN-0001"),
        ({"statusCode": 429, "message": "slow down"}, "slow down"),
        ({"error": True, "reason": "too many requests"}, "too many requests"),
        ({"timestamp": "2024-10-05", "status": 500, "error": "Internal Server Error", "path": "/x"}, "Internal"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("wrap", [nested, *for_every_change(plain, as_text)])
@pytest.mark.parametrize("write", [lines, array])
@pytest.mark.parametrize("rest", [climate(0), CLIMATE, {"observations": [PWS]}, PWS], ids=["ic", "row", "wu", "pws"])
def test_case_93_an_error_response_among_good_records_is_quarantined_with_its_message(
    rest: Record, write: Callable[..., bytes], wrap: Wrap, answer: Record, said: str, tmp_path: Path
) -> None:
    for records, position in (([rest, answer, rest], 1), ([answer, rest, rest], 0)):
        result = observations_of(write(*map(wrap, records)), tmp_path)
        assert len(result.observations) == 2
        ((place, code, reason),) = [(row["position"], row["code"], row["reason"]) for row in result.rejected]
        assert (place, code) == (f"line {position + 1}" if write is lines else f"[{position}]", "source_error")
        assert reason.startswith("the source answered with an error instead of data: ")
        assert said in reason


@pytest.mark.parametrize("write", [lines, array])
@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize(
    ("record", "code", "message"),
    [
        (
            {"status": "OK", "errors": [], "hourly": None},
            "no_rows",
            "a document without rows; 'hourly' is present but empty",
        ),
        ({"status": "OK", "errors": []}, "no_rows", "a document without rows; it has: 'status', 'errors'"),
        ({"status": "error", "message": "x"}, "source_error", "the source answered with an error instead of data: 'x'"),
    ],
    ids=["null", "absent", "error"],
)
def test_case_93_only_an_object_of_nothing_else_is_rejected(
    record: Record, code: str, message: str, number: int, write: Callable[..., bytes], tmp_path: Path
) -> None:
    place = "line 1" if write is lines else "[0]"
    word = "line" if write is lines else "item"
    several = f"none of its {word}s has rows; {place}: " if number > 1 else ""
    found = rejected(write(*[record] * number), tmp_path)
    assert found[0] == code
    assert found[1].startswith(several + message)


def test_case_93_a_pretty_document_without_rows_is_rejected_as_one(tmp_path: Path) -> None:
    content = json.dumps(climate(0) | {"hourly": None}, indent=1).encode()
    assert rejected(content, tmp_path) == ("no_rows", "a document without rows; 'hourly' is present but empty")


def test_case_93_lines_with_nothing_but_an_envelope_have_no_rows(tmp_path: Path) -> None:
    only = flattened({})
    result = observations_of(lines(only, flattened(CLIMATE)), tmp_path)
    assert (result.rows_read, result.rows_empty, len(result.observations)) == (2, 1, 1)
    assert [len(batch.rows) for batch in batches_of(lines(only, {}), tmp_path)] == [2]


@pytest.mark.parametrize("hourly", [[], {}, {"07915": []}, {"_params": ["x"]}])
def test_case_93_an_empty_list_of_rows_is_accepted(hourly: Any, tmp_path: Path) -> None:
    empty = {"status": "OK", "errors": [], "hourly": hourly}
    result = observations_of(lines(nested(empty), nested(climate(0))), tmp_path)
    assert (result.rows_read, len(result.observations), result.rejected) == (1, 1, [])
    assert observations_of(lines(nested(empty)), tmp_path).rows_read == 0


def test_case_93_a_value_in_place_of_the_list_of_rows_is_quarantined_and_not_an_empty_row(tmp_path: Path) -> None:
    result = observations_of(lines(climate(0), {"status": "OK", "hourly": 5}), tmp_path)
    assert (result.rows_read, result.rows_empty) == (2, 0)
    assert [row["reason"] for row in result.rejected] == ["a value where a list of rows is expected: hourly is '5'"]


def test_case_93_only_a_broken_line_among_documents_is_quarantined(tmp_path: Path) -> None:
    content = lines(climate(0)) + b'{"hourly": {"07915": [{"id_sta\n' + lines(climate(1))
    result = observations_of(content, tmp_path)
    assert len(result.observations) == 2
    assert [(row["position"], row["code"]) for row in result.rejected] == [("line 2", "malformed_record")]


def test_a_row_with_columns_of_an_api_response_is_a_row(tmp_path: Path) -> None:
    row = CLIMATE | {"status": "ok", "error": "", "message": "fine"}
    result = observations_of(lines(row, row | {"dh_utc": "2024-10-05 01:00:00", "error": "sensor 3"}), tmp_path)
    assert (len(result.observations), result.rejected) == (2, [])


@pytest.mark.parametrize("write", [lines, array, table(to_csv)])
@pytest.mark.parametrize("wrap", [plain, nested, as_text])
@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({"errors": ["station 00092 unavailable"]}, "['station 00092 unavailable']"),
        ({"status": "error", "message": "quota"}, "quota"),
    ],
    ids=["errors", "status"],
)
def test_an_error_next_to_rows_is_quarantined_and_the_rows_are_read(
    stated: Record, said: str, wrap: Wrap, write: Callable[..., bytes], tmp_path: Path
) -> None:
    result = observations_of(write(wrap(climate(0) | stated), wrap(climate(1))), tmp_path)
    assert result.stamps == ["2024-10-05T00:00:00Z", "2024-10-05T01:00:00Z"]
    ((place, code, reason),) = [(row["position"], row["code"], row["reason"]) for row in result.rejected]
    assert (code, reason) == ("source_error", f"the source states an error next to the rows: {said!r}")
    assert place in {"line 1: next to the rows", "[0]: next to the rows", "row 1: next to the rows"}


def test_an_error_next_to_the_rows_of_a_pretty_document_is_quarantined(tmp_path: Path) -> None:
    content = json.dumps(climate(0) | {"errors": ["x"]}, indent=1).encode()
    result = observations_of(content, tmp_path)
    assert (len(result.observations), [row["position"] for row in result.rejected]) == (1, ["next to the rows"])
