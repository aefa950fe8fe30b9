"""Airbyte's envelope in whatever type a file declares it: read, or the object is rejected by name."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.core.errors import ObjectRejectedError
from forecast.extract.envelope import origin_of_record, own_names
from forecast.extract.envelope_columns import origin_of_table
from tests.extract.test_extract import (
    LISTED,
    as_text,
    lines,
    listed,
    nested,
    observations_of,
    rejected,
    to_avro,
    to_csv,
    to_jsonl,
)
from tests.transform.samples import Result

Record = dict[str, Any]
EXTRACTED_AT = datetime(2024, 10, 5, 3, tzinfo=UTC)
STAMP = 1728097200000
ROW = {"id_station": "07915", "dh_utc": "2024-10-01 00:00:00", "temperature": "5"}
COLUMN = st.sampled_from(["_airbyte_extracted_at", "_airbyte_emitted_at", "_airbyte_generation_id", "_airbyte_meta"])


def parquet(**columns: pa.Array) -> bytes:
    """A Parquet file of two rows with these columns of the envelope."""
    rows = {name: pa.array([value, value]) for name, value in ROW.items()}
    sink = io.BytesIO()
    pq.write_table(pa.table({**rows, **columns}), sink)
    return sink.getvalue()


def origins(result: Result) -> set[tuple[datetime, int, int]]:
    return {(row["extracted_at"], row["generation_id"], row["sync_id"]) for row in result.observations}


@pytest.mark.parametrize(
    "cells",
    [
        pa.array([STAMP] * 2),
        pa.array([float(STAMP)] * 2),
        pa.array([Decimal(STAMP)] * 2),
        pa.array([str(STAMP)] * 2),
        pa.array([str(STAMP)] * 2, pa.large_string()),
        pa.array([str(STAMP)] * 2, pa.binary()),
        pa.array([b"1728097200000"] * 2, pa.binary(13)),
        pa.array([str(STAMP)] * 2).dictionary_encode(),
        pa.array(["2024-10-05T03:00:00Z", str(STAMP)]),
        pa.array(["2024-10-05T05:00:00+02:00", "2024-10-05 03:00:00"]),
        *(pa.array([EXTRACTED_AT] * 2, pa.timestamp(unit, "UTC")) for unit in ("s", "ms", "us", "ns")),
        pa.array([EXTRACTED_AT] * 2, pa.timestamp("ms", "Europe/Paris")),
        pa.array([datetime(2024, 10, 5, 3)] * 2, pa.timestamp("us")),
    ],
    ids=lambda cells: str(cells.type),
)
def test_a_time_of_extraction_is_read_in_every_type_that_can_hold_one(cells: pa.Array, tmp_path: Path) -> None:
    assert origins(observations_of(parquet(_airbyte_extracted_at=cells), tmp_path)) == {(EXTRACTED_AT, 0, 0)}


@pytest.mark.parametrize(
    "meta",
    [
        pa.array([{"errors": ["Problem with `humidite`"]}, None]),
        pa.array([{"sync_id": 7, "changes": [], "errors": ["Problem with `humidite`"]}, None]),
        pa.array(['{"errors": ["Problem with `humidite`"]}', "{}"]),
    ],
    ids=["errors", "both", "text"],
)
def test_an_error_in_the_envelope_is_a_lost_value(meta: pa.Array, tmp_path: Path) -> None:
    """Before `changes` there was `errors`."""
    result = observations_of(parquet(_airbyte_meta=meta), tmp_path)
    assert result.issues(0) == [("relative_humidity", "", "lost on the way: NULLED, Problem with `humidite`")]
    assert result.issues(1) == []


def in_capitals(record: Record) -> Record:
    """The names of its fields as Snowflake and Oracle write those that are not quoted."""
    return {name.upper(): value for name, value in record.items()}


@pytest.mark.parametrize("wrap", [nested, as_text])
@pytest.mark.parametrize("payload", [ROW, {"hourly": {"07915": [ROW]}}], ids=["row", "document"])
@pytest.mark.parametrize(
    "write", [lines, lambda *records: json.dumps(records, indent=1).encode(), lambda *records: to_csv(records)]
)
def test_an_envelope_in_capitals_is_the_same_envelope(
    write: Callable[..., bytes], payload: Record, wrap: Callable[[Record], Record], tmp_path: Path
) -> None:
    record = wrap(payload)
    if write(record)[:1] not in b"{[":
        record = {name: json.dumps(cell) if isinstance(cell, dict) else cell for name, cell in record.items()}
    small, capital = (observations_of(write(one, one), tmp_path) for one in (record, in_capitals(record)))
    assert [row | {"source_row": None} for row in small.observations] == [
        row | {"source_row": None} for row in capital.observations
    ]
    assert len(small.observations) == 2


def test_columns_of_an_envelope_in_capitals_are_the_same_envelope(tmp_path: Path) -> None:
    cells = pa.array([STAMP] * 2)
    assert origins(observations_of(parquet(_AIRBYTE_EXTRACTED_AT=cells), tmp_path)) == {(EXTRACTED_AT, 0, 0)}


def test_two_payloads_whose_names_differ_in_case_are_not_guessed_between(tmp_path: Path) -> None:
    both = {"_airbyte_data": ROW, "_AIRBYTE_DATA": ROW | {"temperature": "6"}}
    assert rejected(lines(both), tmp_path) == (
        "duplicate_column",
        "two columns are called '_airbyte_data' and their values differ",
    )


@pytest.mark.parametrize("errors", [[], "humidite", ["something"], [5, {"a": 1}], None, {"humidite": "x"}], ids=str)
def test_errors_of_another_shape_do_not_crash(errors: Any, tmp_path: Path) -> None:
    meta = pa.array([json.dumps({"errors": errors})] * 2)
    assert observations_of(parquet(_airbyte_meta=meta), tmp_path).issues(0) == []


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        (pa.array(["9" * 25] * 2), "9" * 25),
        (pa.array(["9" * 400] * 2), "9" * 40),
        (pa.array(["soon"] * 2), "soon"),
        (pa.array([-1, STAMP]), "-1"),
        (pa.array([STAMP, 10**15]), str(10**15)),
        (pa.array([2**62] * 2, pa.timestamp("us")), str(2**62)),
        (pa.array([2**62] * 2, pa.timestamp("ms", "UTC")), str(2**62)),
        (pa.array([float("nan")] * 2), "nan"),
        (pa.array([float("inf")] * 2), "inf"),
        (pa.array([Decimal(10) ** 30] * 2), str(10**30)),
        (pa.array([True] * 2), "True"),
        (pa.array([timedelta(days=1)] * 2), "1 day, 0:00:00"),
        (pa.array([{"a": 1}] * 2), "{'a': 1}"),
        (pa.array([[STAMP]] * 2), f"[{STAMP}]"),
        (pa.array([2**31 - 1] * 2, pa.date32()), "OverflowError"),
        (pa.array([b"\xff\xfe"] * 2), "xff"),
        (pa.array([b"\xff\xfe"] * 2, pa.binary(2)), "xff"),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_an_invalid_extraction_time_rejects_the_object_by_name(cells: pa.Array, found: str, tmp_path: Path) -> None:
    code, message = rejected(parquet(_airbyte_extracted_at=cells), tmp_path)
    assert code == "bad_envelope"
    assert message.startswith("Airbyte's ")
    assert found in message


@pytest.mark.parametrize(
    "cells",
    [
        pa.array([3, 3], pa.int8()),
        pa.array([3, 3], pa.uint64()),
        pa.array([3.0, 3.0], pa.float32()),
        pa.array([Decimal(3)] * 2),
        pa.array(["3"] * 2),
        pa.array([b"3"] * 2),
        pa.array(["3"] * 2).dictionary_encode(),
    ],
    ids=lambda cells: str(cells.type),
)
def test_a_counter_is_read_in_every_type_that_can_hold_one(cells: pa.Array, tmp_path: Path) -> None:
    meta = pa.StructArray.from_arrays([cells], ["sync_id"])
    result = observations_of(parquet(_airbyte_generation_id=cells, _airbyte_meta=meta), tmp_path)
    assert origins(result) == {(LISTED, 3, 3)}


COUNTERS_THAT_ARE_NONE = [
    pa.array([9 * 10**18] * 2),
    pa.array([2**53, 1]),
    pa.array([2**64 - 1] * 2, pa.uint64()),
    pa.array([-1, 1]),
    pa.array([3.5, 3.0]),
    pa.array([float("nan")] * 2),
    pa.array([Decimal("3.5")] * 2),
    pa.array(["9" * 30] * 2),
    pa.array(["x"] * 2),
    pa.array([True] * 2),
    pa.array([date(2024, 10, 1)] * 2, pa.date32()),
    pa.array([2**31 - 1] * 2, pa.date32()),
    pa.array([date(2024, 10, 1)] * 2, pa.date64()),
    pa.array([2**62] * 2, pa.timestamp("us")),
    pa.array([EXTRACTED_AT] * 2),
    pa.array([timedelta(seconds=1)] * 2),
    pa.array([b"\xff"] * 2),
    pa.array([{"a": 1}] * 2),
    pa.array([[1]] * 2),
]


@pytest.mark.parametrize("cells", COUNTERS_THAT_ARE_NONE, ids=lambda cells: str(cells.type))
@pytest.mark.parametrize("place", ["generation", "sync"])
def test_an_invalid_counter_rejects_the_object_by_name(place: str, cells: pa.Array, tmp_path: Path) -> None:
    meta = pa.StructArray.from_arrays([cells], ["sync_id"])
    content = parquet(_airbyte_generation_id=cells) if place == "generation" else parquet(_airbyte_meta=meta)
    code, message = rejected(content, tmp_path)
    assert code == "bad_envelope"
    assert message.startswith(("an Airbyte counter is not a whole number (", "Airbyte's _airbyte_generation_id is "))


@pytest.mark.parametrize(
    "cells",
    [
        pa.array([{"sync_id": 7, "changes": []}] * 2),
        pa.array(['{"sync_id": 7, "changes": []}'] * 2),
        pa.array([b'{"sync_id": 7}'] * 2),
        pa.array(['{"sync_id": "7"}'] * 2).dictionary_encode(),
        pa.array([{"sync_id": 7, "changes": [{"field": b"humidite", "change": "NULLED"}]}] * 2),
        pa.array([[("sync_id", 7)]] * 2, pa.map_(pa.string(), pa.int64())),
    ],
    ids=lambda cells: str(cells.type)[:40],
)
def test_meta_is_read_in_every_type_that_can_hold_an_object(cells: pa.Array, tmp_path: Path) -> None:
    assert origins(observations_of(parquet(_airbyte_meta=cells), tmp_path)) == {(LISTED, 0, 7)}


@pytest.mark.parametrize("cells", [pa.nulls(2), pa.array(["", None]), pa.array(["[]", "{}"])])
def test_missing_meta_is_accepted(cells: pa.Array, tmp_path: Path) -> None:
    assert origins(observations_of(parquet(_airbyte_meta=cells), tmp_path)) == {(LISTED, 0, 0)}


@pytest.mark.parametrize(
    "cells",
    [
        pa.array([2**31 - 1] * 2, pa.date32()),
        pa.array([2**62] * 2, pa.date64()),
        pa.array([2**62] * 2, pa.timestamp("us")),
        pa.array([5, 5]),
        pa.array(["x"] * 2),
        pa.array(["[1]"] * 2),
        pa.array([b"\xff"] * 2),
        pa.array([b"\xff"] * 2, pa.binary(1)),
        pa.array([[1]] * 2),
        pa.array([{"sync_id": 7, "changes": [{"field": b"\xff\xfe"}]}] * 2),
        pa.array([{"sync_id": 7, "changes": [{"field": datetime(2024, 1, 1)}]}] * 2),
    ],
    ids=lambda cells: str(cells.type)[:40],
)
def test_invalid_meta_rejects_the_object_by_name(cells: pa.Array, tmp_path: Path) -> None:
    code, message = rejected(parquet(_airbyte_meta=cells), tmp_path)
    assert code == "bad_envelope"
    assert message.startswith("Airbyte's _airbyte_meta is ")


@pytest.mark.parametrize(
    "cells",
    [
        pa.array([b"07915"] * 2),
        pa.array([b"07915"] * 2, pa.large_binary()),
        pa.array([b"07915"] * 2, pa.binary(5)),
        pa.array([b"07915\0\0"] * 2, pa.binary(7)),
        pa.array([b"07915"] * 2, pa.binary_view()),
    ],
    ids=lambda cells: str(cells.type),
)
def test_a_station_is_read_from_bytes_that_are_text(cells: pa.Array, tmp_path: Path) -> None:
    result = observations_of(parquet(id_station=cells), tmp_path)
    assert [row["station_id"] for row in result.observations] == ["07915", "07915"]


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.binary(2)], ids=str)
def test_a_station_of_bytes_that_are_not_text_rejects_the_object(kind: pa.DataType, tmp_path: Path) -> None:
    assert rejected(parquet(id_station=pa.array([b"\xff\xfe"] * 2, kind)), tmp_path) == (
        "bad_envelope",
        "the field 'id_station', which names the station, holds bytes that are not text: '\\\\xff\\\\xfe'",
    )


def test_one_station_of_bytes_that_are_not_text_only_affects_its_row(tmp_path: Path) -> None:
    result = observations_of(parquet(id_station=pa.array([b"07915", b"\xff"])), tmp_path)
    assert [row["station_id"] for row in result.observations] == ["07915"]
    assert [(row["code"], row["value"]) for row in result.rejected] == [("unknown_station", "\\xff")]


def test_the_two_times_of_extraction_fill_each_others_gaps_row_by_row(tmp_path: Path) -> None:
    older = EXTRACTED_AT - timedelta(days=1)
    content = parquet(
        _airbyte_extracted_at=pa.array([EXTRACTED_AT, None]), _airbyte_emitted_at=pa.array([older, older])
    )
    assert [row["extracted_at"] for row in observations_of(content, tmp_path).observations] == [EXTRACTED_AT, older]


def test_a_column_of_the_envelope_that_is_there_twice_is_one_where_it_is_equal(tmp_path: Path) -> None:
    table = b"_airbyte_generation_id,id_station,dh_utc,temperature,_airbyte_generation_id\n"
    equal = observations_of(table + b"3,07915,2024-10-01 00:00:00,5,3\n", tmp_path)
    assert origins(equal) == {(LISTED, 3, 0)}
    code, message = rejected(table + b"3,07915,2024-10-01 00:00:00,5,4\n", tmp_path)
    assert (code, message) == (
        "duplicate_column",
        "two columns are called '_airbyte_generation_id' and their values differ",
    )


@pytest.mark.parametrize("write", [to_jsonl, to_csv, to_avro])
@pytest.mark.parametrize(
    "stamp",
    [
        int((LISTED + timedelta(minutes=11)).timestamp() * 1000),
        f"{LISTED + timedelta(minutes=11):%Y-%m-%dT%H:%M:%SZ}",
        "9999-12-31T23:59:59Z",
        253402300799999,
    ],
)
def test_an_extraction_time_in_the_future_is_rejected_with_that_time(
    stamp: Any, write: Callable[[list[dict[str, Any]]], bytes], tmp_path: Path
) -> None:
    code, message = rejected(write([ROW | {"_airbyte_extracted_at": stamp}]), tmp_path)
    shown = "9999-12-31T23:59:59Z" if "9999" in str(stamp) or stamp == 253402300799999 else "2024-10-09T12:11:00Z"
    assert code == "bad_envelope"
    assert message == (
        f"Airbyte's time of extraction is {shown}, more than 10 minutes in the future (now: 2024-10-09T12:00:00Z); "
        "check the clocks of this machine and of the one that extracted it"
    )


def test_an_extraction_time_up_to_ten_minutes_in_the_future_is_accepted(tmp_path: Path) -> None:
    stamp = int((LISTED + timedelta(minutes=10)).timestamp() * 1000)
    result = observations_of(lines(ROW | {"_airbyte_extracted_at": stamp}), tmp_path)
    assert origins(result) == {(LISTED + timedelta(minutes=10), 0, 0)}


def test_a_schema_of_avro_that_declares_other_types_is_read_or_rejected(tmp_path: Path) -> None:
    fields = [{"name": name, "type": "string"} for name in ROW]
    logical = {"type": "int", "logicalType": "date"}
    for kind, value, ends in (
        ({"type": "long", "logicalType": "timestamp-micros"}, EXTRACTED_AT, {(EXTRACTED_AT, 0, 0)}),
        (logical, date(2024, 10, 5), {(datetime(2024, 10, 5, tzinfo=UTC), 0, 0)}),
        ("bytes", b"\xff", "bad_envelope"),
        ({"type": "fixed", "size": 2, "name": "two"}, b"\xff\xfe", "bad_envelope"),
    ):
        sink = io.BytesIO()
        schema = {"type": "record", "name": "r", "fields": [*fields, {"name": "_airbyte_extracted_at", "type": kind}]}
        fastavro.writer(sink, fastavro.parse_schema(schema), [ROW | {"_airbyte_extracted_at": value}])
        if isinstance(ends, str):
            assert rejected(sink.getvalue(), tmp_path)[0] == ends
        else:
            assert origins(observations_of(sink.getvalue(), tmp_path)) == ends


VALUES = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(0, 2 * STAMP),
    st.floats(),
    st.booleans(),
    st.text("0123456789T:-Z+ ", max_size=24),
    st.datetimes(min_value=datetime(1960, 1, 1), timezones=st.sampled_from([None, UTC])),
    st.binary(max_size=4),
    st.dictionaries(st.sampled_from(["sync_id", "changes", "x"]), st.integers() | st.text(max_size=3), max_size=2),
    st.dictionaries(st.sampled_from(["sync_id", "changes"]), st.integers(0, 9), max_size=2).map(json.dumps),
)


@given(COLUMN, VALUES)
def test_a_record_and_a_table_with_the_same_envelope_have_the_same_origin(column: str, value: Any) -> None:
    try:
        table = pa.table({column: pa.array([value])})
    except (pa.ArrowException, OverflowError):
        return
    try:
        expected = origin_of_record({column: value}, listed())
    except ObjectRejectedError as error:
        with pytest.raises(ObjectRejectedError) as caught:
            origin_of_table(table, pa.array(["row 1"]), listed())
        assert caught.value.code == error.code == "bad_envelope"
        return
    (found,) = origin_of_table(table, pa.array(["row 1"]), listed()).to_pylist()
    assert found == {"position": "row 1", **expected}


def flattened(separator: str, **more: Any) -> dict[str, Any]:
    """A record as a tool writes it that makes every member of its objects a column."""
    payload = {f"_airbyte_data{separator}{name}": value for name, value in (ROW | more).items()}
    return {"_airbyte_extracted_at": STAMP, f"_airbyte_meta{separator}sync_id": 7, **payload}


@pytest.mark.parametrize("separator", [".", "_", "__", "/", ":"])
@pytest.mark.parametrize(
    "write", [to_jsonl, to_csv, lambda rows: json.dumps(rows).encode()], ids=["jsonl", "csv", "list"]
)
def test_a_payload_that_a_tool_has_flattened_is_read(
    separator: str, write: Callable[[list[dict[str, Any]]], bytes], tmp_path: Path
) -> None:
    result = observations_of(
        write([flattened(separator), flattened(separator, dh_utc="2024-10-01 01:00:00")]), tmp_path
    )
    assert [(row["timestamp"].hour, row["air_temperature"]) for row in result.observations] == [(0, 5.0), (1, 5.0)]
    assert (origins(result), result.rejected) == ({(EXTRACTED_AT, 0, 0)}, [])


def test_of_two_fields_that_would_have_one_name_none_is_lost() -> None:
    assert own_names(["_airbyte_data.temp", "temp", "_airbyte_data.hum", "hum_"]) == [
        "_airbyte_data.temp",
        "temp",
        "hum",
        "hum_",
    ]


def test_the_hash_of_a_stream_called_data_is_not_a_field_of_a_payload(tmp_path: Path) -> None:
    result = observations_of(lines(ROW | {"_airbyte_data_hashid": "c0ffee"}), tmp_path)
    assert ([row["air_temperature"] for row in result.observations], result.rejected) == ([5.0], [])
