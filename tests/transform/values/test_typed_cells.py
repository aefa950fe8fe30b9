"""A table of times and numbers in text, JSON, Excel, Parquet and Avro: equal or rejected; never laxer than text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.transform.objects import as_avro, as_csv, as_jsonl, as_parquet, as_xlsx, read_object, stamps_of

PARIS = ZoneInfo("Europe/Paris")
SERIAL = 45_566  # this day's in Excel
MIDNIGHT = datetime(2024, 9, 30, 22, tzinfo=UTC)  # this day's in Paris
_ROW = {"Temperature": "56.8 °F", "Humidity": "87 %", "Wind": "WSW"}
Stamps = dict[int, str | None]


def rows_of(name: str, cells: Sequence[Any], **more: Any) -> list[dict[str, Any]]:
    return [{**more, name: cell, **_ROW, "Humidity": f"{10 + number} %"} for number, cell in enumerate(cells)]


def clock_of(milliseconds: int) -> time:
    return (datetime.min + timedelta(milliseconds=milliseconds)).time()  # noqa: DTZ901  a time of day


def written(milliseconds: int) -> str:
    return f"{clock_of(milliseconds):%H:%M:%S}.{milliseconds % 1000:03}"


CLOCKS: dict[str, Callable[[int], Any]] = {
    "time": clock_of,
    "duration": lambda milliseconds: timedelta(milliseconds=milliseconds),
    "empty day": lambda milliseconds: datetime(1899, 12, 30) + timedelta(milliseconds=milliseconds),
    "own day": lambda milliseconds: datetime(2024, 10, 1) + timedelta(milliseconds=milliseconds),
}


@settings(max_examples=examples(0.15))
@given(st.lists(st.integers(0, 86_399_999), min_size=1, max_size=5))
def test_case_86_a_time_of_day_is_the_same_second_in_every_type(clocks: list[int]) -> None:
    expected = {
        number: (MIDNIGHT + timedelta(seconds=(clock + 500) // 1000)).strftime("%Y-%m-%dT%H:%M:%SZ")
        for number, clock in enumerate(clocks, 1)
    }

    def rows(make: Callable[[int], Any]) -> list[dict[str, Any]]:
        return rows_of("Time", [make(clock) for clock in clocks], Date="2024-10-01")

    times, durations = rows(CLOCKS["time"]), rows(CLOCKS["duration"])
    tables = {
        "csv": as_csv(rows(written)),
        "json": as_jsonl(rows(written)),
        "json serial": as_jsonl(rows(lambda clock: clock / 86_400_000)),
        "json serial of the day": as_jsonl(rows(lambda clock: SERIAL + clock / 86_400_000)),
        "csv serial": as_csv(rows(lambda clock: repr(clock / 86_400_000))),
        "xlsx": as_xlsx(times),
        "xlsx duration": as_xlsx(durations),
        "xlsx serial": as_xlsx(rows(lambda clock: clock / 86_400_000)),
        "time32": as_parquet(times, Time=pa.time32("ms")),
        "time64": as_parquet(times, Time=pa.time64("us")),
        "double": as_parquet(rows(lambda clock: clock / 86_400_000), Time=pa.float64()),
        "empty day": as_parquet(rows(CLOCKS["empty day"]), Time=pa.timestamp("ms")),
        "own day": as_parquet(rows(CLOCKS["own day"]), Time=pa.timestamp("us")),
        "avro": as_avro(times, Time={"type": "int", "logicalType": "time-millis"}),
        "avro double": as_avro(rows(lambda clock: clock / 86_400_000), Time="double"),
        **{unit: as_parquet(durations, Time=pa.duration(unit)) for unit in ("ms", "us", "ns")},
    }
    assert {name: stamps_of(*table) for name, table in tables.items()} == dict.fromkeys(tables, expected)


NUMBERS = st.one_of(
    st.floats(0, 1),
    st.floats(-2, 3),
    st.integers(-3, 2400),
    st.sampled_from([0, 1, 1.0, 0.5, 1.25, 2.0, 1462, 1462.25, SERIAL, SERIAL + 0.25, SERIAL + 1, SERIAL + 1.25, 60.5]),
    st.floats(SERIAL - 1, SERIAL + 2),
    st.integers(0, 1440).map(lambda minute: minute / 1440),
)


def all_floats(cells: list[float], name: str, **more: Any) -> dict[str, tuple[bytes, str]]:
    """These numbers in the types that hold them to the last digit."""
    numbers = rows_of(name, [float(cell) for cell in cells], **more)
    return {
        "json": as_jsonl(rows_of(name, cells, **more)),
        "json text": as_jsonl(rows_of(name, [repr(cell) for cell in cells], **more)),
        "xlsx": as_xlsx(rows_of(name, cells, **more)),
        "xlsx text": as_xlsx(rows_of(name, [repr(cell) for cell in cells], **more)),
        "double": as_parquet(numbers, **{name: pa.float64()}),
        "avro double": as_avro(numbers, **{name: "double"}),
    }


def is_laxer(found: Stamps, text: Stamps) -> bool:
    return any(stamp not in (None, text[number]) for number, stamp in found.items())


@settings(max_examples=examples(0.3))
@example([-0.0, 1e-300, 5e-324, 1e300])
@given(st.lists(NUMBERS, min_size=1, max_size=6))
def test_case_79_a_number_as_time_is_what_its_text_is(cells: list[float]) -> None:
    text = stamps_of(*as_csv(rows_of("Time", [repr(cell) for cell in cells], Date="2024-10-01")))
    assert list(text) == list(range(1, len(cells) + 1))
    tables = all_floats(cells, "Time", Date="2024-10-01")
    assert {name: stamps_of(*table) for name, table in tables.items()} == dict.fromkeys(tables, text)


@pytest.mark.parametrize(("short", "numpy", "avro"), [("float", np.float32, True), ("halffloat", np.float16, False)])
@settings(max_examples=examples(0.3))
@given(cells=st.lists(NUMBERS, min_size=1, max_size=6))
def test_a_short_float_as_time_is_its_decimal_or_rejected(
    short: str, numpy: Any, avro: bool, cells: list[float]
) -> None:
    numbers = [numpy(cell) for cell in cells]
    text = stamps_of(*as_csv(rows_of("Time", [str(number) for number in numbers], Date="2024-10-01")))
    rows = rows_of("Time", numbers, Date="2024-10-01")
    assert not is_laxer(stamps_of(*as_parquet(rows, Time=pa.type_for_alias(short))), text)
    if avro:
        assert not is_laxer(
            stamps_of(
                *as_avro(rows_of("Time", [float(number) for number in numbers], Date="2024-10-01"), Time="float")
            ),
            text,
        )


@pytest.mark.parametrize(
    ("number", "stamp"),
    [
        (0, "2024-09-30T22:00:00Z"),
        (0.25, "2024-10-01T04:00:00Z"),
        (1, "2024-10-01T22:00:00Z"),
        (1.25, "2024-10-01T04:00:00Z"),
        (1462.25, "2024-10-01T04:00:00Z"),
        (SERIAL + 0.25, "2024-10-01T04:00:00Z"),
        *((number, None) for number in (-0.25, 2, SERIAL + 1, SERIAL - 0.5)),
        *(pytest.param(number, None, marks=pytest.mark.whole) for number in (2.25, 6, 18, 1430, 2359, SERIAL + 1.25)),
    ],
)
def test_case_79_a_number_is_a_share_of_the_day_and_its_whole_part_excels_empty_day_or_the_rows_own(
    number: float, stamp: str | None
) -> None:
    for table in all_floats([number], "Time", Date="2024-10-01").values():
        assert stamps_of(*table) == {1: stamp}


@pytest.mark.parametrize(
    ("span", "stamp"),
    [
        (timedelta(hours=24), "2024-10-01T22:00:00Z"),
        (timedelta(hours=24, milliseconds=1), None),
        (timedelta(hours=36), None),
        (timedelta(milliseconds=-1), None),
    ],
)
def test_case_85_a_duration_of_more_than_a_day_or_below_zero_is_no_time(span: timedelta, stamp: str | None) -> None:
    rows = rows_of("Time", [span], Date="2024-10-01")
    assert stamps_of(*as_xlsx(rows)) == {1: stamp}
    for unit in ("ms", "us", "ns"):
        assert stamps_of(*as_parquet(rows, Time=pa.duration(unit))) == {1: stamp}


@settings(max_examples=examples(0.3))
@given(
    st.lists(
        st.one_of(
            st.integers(-48, 48).map(lambda halves: MIDNIGHT + timedelta(minutes=30 * halves)),
            st.datetimes(datetime(2024, 3, 29), datetime(2024, 11, 1), timezones=st.just(UTC)).map(
                lambda moment: moment.replace(microsecond=0)
            ),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_case_80_a_day_typed_as_an_instant_is_local_or_utc_midnight_or_rejected(days: list[datetime]) -> None:
    def stamp(moment: datetime) -> str | None:
        local = moment.astimezone(PARIS)
        day = moment if not moment.hour and not moment.minute and not moment.second else local
        if (day.hour, day.minute, day.second) != (0, 0, 0):
            return None
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=PARIS)
        return noon.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    expected = {number: stamp(day) for number, day in enumerate(days, 1)}
    texts = [f"{day:%Y-%m-%dT%H:%M:%S}.000Z" for day in days]
    rows = rows_of("Date", days, Time="12:00:00")
    tables = {
        "csv": as_csv(rows_of("Date", texts, Time="12:00:00")),
        "json": as_jsonl(rows_of("Date", [day.astimezone(PARIS).isoformat() for day in days], Time="12:00:00")),
        "timestamp": as_parquet(rows, Date=pa.timestamp("ms", "UTC")),
        "avro": as_avro(rows, Date={"type": "long", "logicalType": "timestamp-millis"}),
    }
    assert {name: stamps_of(*table) for name, table in tables.items()} == dict.fromkeys(tables, expected)


@pytest.mark.parametrize(
    ("day", "stamp"),
    [
        (datetime(2024, 10, 1), "2024-10-01T10:00:00Z"),
        (datetime(2024, 10, 1, 23, 30), None),
        (datetime(2024, 10, 1, 0, 0, 1), None),
    ],
)
def test_case_80_a_day_without_a_zone_is_midnight_or_rejected(day: datetime, stamp: str | None) -> None:
    rows = rows_of("Date", [day], Time="12:00:00")
    for table in (
        as_csv(rows_of("Date", [day.isoformat()], Time="12:00:00")),
        as_xlsx(rows),
        as_parquet(rows, Date=pa.timestamp("us")),
        as_avro(rows, Date={"type": "long", "logicalType": "local-timestamp-millis"}),
    ):
        assert stamps_of(*table) == {1: stamp}


def test_a_midnight_among_the_times_of_a_workbook_is_a_time() -> None:
    moments = [datetime(2024, 10, 1, 23, 55), datetime(2024, 10, 2)]
    assert stamps_of(*as_xlsx(rows_of("DateTime", moments))) == {1: "2024-10-01T21:55:00Z", 2: "2024-10-01T22:00:00Z"}


@settings(max_examples=examples(0.3))
@given(
    st.lists(
        st.datetimes(datetime(2001, 9, 10), datetime(2024, 10, 1)).map(
            lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
        ),
        min_size=1,
        max_size=5,
    )
)
def test_case_86_an_instant_is_the_same_second_as_text_timestamp_and_epoch(moments: list[datetime]) -> None:
    expected = {
        number: (moment + timedelta(milliseconds=500)).strftime("%Y-%m-%dT%H:%M:%SZ")
        for number, moment in enumerate(moments, 1)
    }
    epochs = [round(moment.replace(tzinfo=UTC).timestamp() * 1000) for moment in moments]

    def rows(cells: Sequence[Any]) -> list[dict[str, Any]]:
        return [{"id_station": "07915", "dh_utc": cell, "temperature": "7.6"} for cell in cells]

    tables = {
        "csv": as_csv(rows([moment.isoformat(" ", "milliseconds") for moment in moments])),
        "json zone": as_jsonl(rows([f"{moment.isoformat('T', 'milliseconds')}Z" for moment in moments])),
        "epoch": as_jsonl(rows(epochs)),
        "epoch text": as_csv(rows(epochs)),
        "epoch in nanoseconds": as_jsonl(rows([epoch * 10**6 for epoch in epochs])),
        "epoch with fraction": as_jsonl(rows([epoch / 1000 for epoch in epochs])),
        "epoch with fraction, text": as_csv(rows([repr(epoch / 1000) for epoch in epochs])),
        **{unit: as_parquet(rows(moments), dh_utc=pa.timestamp(unit)) for unit in ("ms", "us", "ns")},
        "with zone": as_parquet(rows(moments), dh_utc=pa.timestamp("ms", "UTC")),
        "avro": as_avro(rows(moments), dh_utc={"type": "long", "logicalType": "local-timestamp-millis"}),
    }
    assert {name: stamps_of(*table) for name, table in tables.items()} == dict.fromkeys(tables, expected)


def test_an_epoch_of_32_bits_is_minutes_off_and_rejected() -> None:
    rows = [{"id_station": "07915", "dh_utc": np.float32(1727741040), "temperature": "7.6"}]
    assert stamps_of(*as_parquet(rows, dh_utc=pa.float32())) == {1: None}


@settings(max_examples=examples(0.3))
@given(
    st.lists(st.one_of(st.floats(-60, 60, width=32), st.decimals(-60, 60, places=1).map(float)), min_size=1, max_size=6)
)
def test_case_87_a_value_equals_itself_in_every_type(values: list[float]) -> None:
    shortest = [float(str(np.float32(value))) for value in values]

    def read(table: tuple[bytes, str]) -> list[float]:
        return [row["air_temperature"] for row in read_object(*table).observations]

    def rows(cells: Sequence[Any]) -> list[dict[str, Any]]:
        return [
            {"id_station": "07915", "dh_utc": f"2024-10-01 {hour:02}:00:00", "temperature": cell}
            for hour, cell in enumerate(cells)
        ]

    expected = read(as_csv(rows([repr(value) for value in shortest])))
    assert len(expected) == len(values)
    numbers = rows(shortest)
    for table in (
        as_jsonl(numbers),
        as_jsonl(rows([repr(value) for value in shortest])),
        as_parquet(numbers, temperature=pa.float64()),
        as_parquet(numbers, temperature=pa.float32()),
        as_avro(numbers, temperature="double"),
        as_avro(numbers, temperature="float"),
        as_avro(numbers, temperature=["null", "string", "float"]),
    ):
        assert read(table) == expected


@pytest.mark.parametrize(
    ("cell", "kind"), [(Decimal("7.6"), pa.decimal128(5, 1)), (np.float16(7.6), pa.float16()), (7.6, pa.float32())]
)
def test_a_decimal_and_half_a_float_are_what_their_text_is(cell: Any, kind: pa.DataType) -> None:
    row = {"id_station": "07915", "dh_utc": "2024-10-01 00:00:00", "temperature": cell}
    (found,) = read_object(*as_parquet([row], temperature=kind)).observations
    assert found["air_temperature"] == 7.6
