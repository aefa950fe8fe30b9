"""Times as the sources write them, to UTC to the second."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.transform.values.clocks import read_clock, read_numbers
from forecast.transform.values.timestamps import read_days, read_formatted, read_moments, sheet_day
from forecast.transform.values.zones import between_zones, local_to_utc

FOUR_PAST = 4 * 60


def clock(cell: Any, kind: pa.DataType | None = None) -> int | None:
    """Seconds since midnight, None where the cell is no time."""
    seconds, bad, _ = read_clock(pa.array([cell], kind))
    assert bool(bad[0]) == (seconds[0] == -1 and cell is not None and cell != "")
    return None if seconds[0] == -1 else int(seconds[0])


def moment(cell: Any, kind: pa.DataType | None = None) -> tuple[str | None, bool]:
    """The moment as text, None where there is none, and whether it is UTC."""
    readings = read_moments(pa.array([cell], kind))
    text = str(readings.moments[0])
    return (None if text == "NaT" else text), bool(readings.is_utc[0])


def test_empty_and_non_numeric_text_is_not_a_number() -> None:
    numbers, there = read_numbers(pa.array([1.5, math.nan, None]))
    assert there.tolist() == [True, False, False]
    assert numbers[0] == 1.5


@pytest.mark.parametrize(
    ("cell", "seconds"),
    [
        ("00:04:00", FOUR_PAST),
        ("00:04", FOUR_PAST),
        ("0:4", FOUR_PAST),
        ("00h04", FOUR_PAST),
        ("12:04 AM", FOUR_PAST),
        ("12:04am", FOUR_PAST),
        ("12:04 a.m.", FOUR_PAST),
        (" 00:04 ", FOUR_PAST),
        ("00:04:00.000", FOUR_PAST),
        ("12:04 PM", 12 * 3600 + FOUR_PAST),
        ("1:04 PM", 13 * 3600 + FOUR_PAST),
        ("23:59:59", 86_399),
        ("24:00", 86_400),
        ("24:00:00", 86_400),
        (0.00277778, FOUR_PAST),
        (1.00277778, FOUR_PAST),
        (0.999999, 86_400),
        (0.99999, 86_400),  # 24:00, cut after five decimals
        (0.00277, FOUR_PAST),  # 0.00277778, likewise
        (0.5, 43_200),
        (0.002789, FOUR_PAST + 1),  # cut after six
        (0.002766, FOUR_PAST - 1),
        (86_399 / 86_400, 86_399),
        (round(86_399 / 86_400, 8), 86_399),
        ("5.787037037037037e-05", 5),
        ("00:03:59.999999", FOUR_PAST),
        (time(0, 3, 59, 999_990), FOUR_PAST),
        ("23:59:59.999", 86_400),
        ("00:03:60", FOUR_PAST - 1),
        ("11:59:60 PM", 86_399),
        (0, 0),
        (time(0, 4), FOUR_PAST),
        (datetime.fromisoformat("1899-12-30T00:04"), FOUR_PAST),
        (datetime.fromisoformat("1904-01-01T00:04"), FOUR_PAST),
        ("1899-12-30 00:04:00", FOUR_PAST),
        ("1899-12-30T00:04:00", FOUR_PAST),
        ("1904-01-01 00:04", FOUR_PAST),
        ("0.00277778", FOUR_PAST),
        ("0 days 00:04:00", FOUR_PAST),  # a timedelta of pandas as text
        ("0 days 00:04:00.400000", FOUR_PAST),
    ],
)
def test_four_minutes_past_midnight_however_it_is_written(cell: Any, seconds: int) -> None:
    assert clock(cell) == seconds


@pytest.mark.parametrize(
    "cell",
    [
        "24:01",
        "24:00:60",
        "12:60:60",
        "25:00",
        "12:60",
        "12:00:61",
        "13:04 PM",
        "0:04 AM",
        "noon",
        "1204",
        "00.04",  # four minutes past midnight in Finland, and no share of a day
        "01.34",
        "00",
        "1 days 00:04:00",
        "-1 days +23:56:00",
        1204,
        6,
        "18",
        45_566.00277778,  # of a row whose day is not known
        "-1:00",
        -0.5,
        1e9,
        True,
        {"a": 1},
    ],
)
def test_an_invalid_time_of_day_is_not_guessed(cell: Any) -> None:
    assert clock(cell) is None


@pytest.mark.parametrize("cell", [None, "", "  "])
def test_no_time_is_missing_and_not_unreadable(cell: Any) -> None:
    seconds, bad, _ = read_clock(pa.array([cell], pa.string()))
    assert (int(seconds[0]), bool(bad[0])) == (-1, False)


@pytest.mark.parametrize(
    ("cell", "expected", "is_utc"),
    [
        ("2024-10-01 00:04:00", "2024-10-01T00:04:00", False),
        ("2024-10-01T00:04:00", "2024-10-01T00:04:00", False),
        ("2024-10-01 00:04", "2024-10-01T00:04:00", False),
        ("2024-10-01T00:04:00.123", "2024-10-01T00:04:00", False),
        ("2024-10-01T00:04:00.500", "2024-10-01T00:04:01", False),
        ("2024-10-01T00:04:01.500Z", "2024-10-01T00:04:02", True),
        (1727741040.5, "2024-10-01T00:04:01", True),
        (1727741041500, "2024-10-01T00:04:02", True),
        ("1727741041499999999", "2024-10-01T00:04:01", True),
        (" 2024-10-01 00:04:00 ", "2024-10-01T00:04:00", False),
        ("2024-10-01T24:00:00", "2024-10-02T00:00:00", False),
        ("2024-10-01T00:04:00Z", "2024-10-01T00:04:00", True),
        ("2024-10-01T02:04:00+02:00", "2024-10-01T00:04:00", True),
        ("2024-10-01T02:04:00+0200", "2024-10-01T00:04:00", True),
        ("2024-09-30 16:04:00-08:00", "2024-10-01T00:04:00", True),
        (1727741040, "2024-10-01T00:04:00", True),
        (1727741040.0, "2024-10-01T00:04:00", True),
        (1727741040000, "2024-10-01T00:04:00", True),
        (1727741040000000, "2024-10-01T00:04:00", True),
        (1727741040000000000, "2024-10-01T00:04:00", True),
        ("1727741040", "2024-10-01T00:04:00", True),
        ("1727741040.0", "2024-10-01T00:04:00", True),
        ("1727741040000", "2024-10-01T00:04:00", True),
        ("1727741040000000", "2024-10-01T00:04:00", True),
        ("1727741040000000000", "2024-10-01T00:04:00", True),
        ("2024-10-01 00:04 UTC", "2024-10-01T00:04:00", True),
        ("2024-10-01 02:04 CEST", "2024-10-01T00:04:00", True),
        ("2024-10-01 00:04:00+00", "2024-10-01T00:04:00", True),
        ("2024-10-01T00:03:59.999Z", "2024-10-01T00:04:00", True),
        (datetime.fromisoformat("2024-10-01T00:03:59.999990"), "2024-10-01T00:04:00", False),
        (datetime.fromisoformat("2024-10-01T00:04"), "2024-10-01T00:04:00", False),
        (datetime(2024, 10, 1, 0, 4, tzinfo=UTC), "2024-10-01T00:04:00", True),
        ("2024-02-29 12:00:00", "2024-02-29T12:00:00", False),
    ],
)
def test_a_full_time_in_its_many_spellings(cell: Any, expected: str, is_utc: bool) -> None:
    assert moment(cell) == (expected, is_utc)


@pytest.mark.parametrize(
    "cell",
    [
        "2025-02-29 12:00:00",
        "0000-00-00 00:00:00",
        "2024-10-32 00:00:00",
        "2024-10-01",
        "01/10/2024 00:04",
        "2024-10-01 00:04 CST",
        "2024-10-01 00:04 +99:00",
        "2024-10-01 00:04 +01:60",
        "2024-10-01T25:00:00",
        "24-10-01 00:04:00",
        "yesterday",
        17277410400,
        1727741040000000000000.0,
        -1,
        7,
        True,
        {"$date": 1},
        [1],
    ],
)
def test_a_time_that_could_be_two_or_none_is_unreadable(cell: Any) -> None:
    readings = read_moments(pa.array([cell]))
    assert (str(readings.moments[0]), bool(readings.unreadable[0])) == ("NaT", True)


@pytest.mark.parametrize("cell", [None, "", "  "])
def test_a_missing_time_is_not_an_unreadable_one(cell: Any) -> None:
    readings = read_moments(pa.array([cell], pa.string()))
    assert (str(readings.moments[0]), bool(readings.unreadable[0])) == ("NaT", False)


def test_one_unreadable_time_leaves_the_others_alone() -> None:
    readings = read_moments(pa.array(["2024-10-01 00:04:00", "soon", None, "2024-10-01T00:09:00Z"]))
    assert [str(value) for value in readings.moments] == ["2024-10-01T00:04:00", "NaT", "NaT", "2024-10-01T00:09:00"]
    assert readings.unreadable.tolist() == [False, True, False, False]
    assert readings.is_utc.tolist() == [False, False, False, True]


@pytest.mark.parametrize("cell", ["2024-10-01", "2024-10-01 00:00:00", "2024-10-01T00:00:00", date(2024, 10, 1)])
def test_a_day_is_read(cell: Any) -> None:
    days, _, bad = read_days(pa.array([cell]))
    assert (str(days[0]), bool(bad[0])) == ("2024-10-01", False)


@pytest.mark.parametrize("cell", ["01/10/2024", "10/01/24", "2024-13-01", "2025-02-29", "20241001", 45566, {"a": 1}])
def test_a_day_that_could_be_two_or_none_is_unreadable(cell: Any) -> None:
    days, _, bad = read_days(pa.array([cell]))
    assert (str(days[0]), bool(bad[0])) == ("NaT", True)


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("011024", date(2024, 10, 1)),
        (" 290224 ", date(2024, 2, 29)),
        ("320124", None),
        ("290225", None),
        ("2024-10-01", None),
        ("01-10-24", None),
        ("011024 (2)", None),
        ("Feuil1", None),
        ("١١١٠٢٤", None),
    ],
)
def test_only_ddmmyy_is_a_sheets_day(name: str, day: date | None) -> None:
    assert sheet_day(name) == day


def utc_of(local: str) -> tuple[str, bool, bool]:
    utc, twice, never = local_to_utc(np.array([local], "datetime64[s]"), "Europe/Paris")
    return str(utc[0]), bool(twice[0]), bool(never[0])


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("2024-03-31T01:59:59", ("2024-03-31T00:59:59", False, False)),
        ("2024-03-31T02:00:00", ("NaT", False, True)),
        ("2024-03-31T02:59:59", ("NaT", False, True)),
        ("2024-03-31T03:00:00", ("2024-03-31T01:00:00", False, False)),
        ("2024-10-27T01:59:59", ("2024-10-26T23:59:59", False, False)),
        ("2024-10-27T02:00:00", ("NaT", True, False)),
        ("2024-10-27T02:59:59", ("NaT", True, False)),
        ("2024-10-27T03:00:00", ("2024-10-27T02:00:00", False, False)),
        ("NaT", ("NaT", False, False)),
    ],
)
def test_both_changes_of_the_clock_in_paris(local: str, expected: tuple[str, bool, bool]) -> None:
    assert utc_of(local) == expected


@pytest.mark.parametrize("seconds", [-1, 86_401, 2**31 - 1])
def test_a_typed_time_that_no_day_has_is_unreadable(seconds: int) -> None:
    assert clock(seconds, pa.time32("s")) is None


def test_only_second_sixty_is_marked() -> None:
    assert read_clock(pa.array(["00:03:60", "00:03:59", None])).leap.tolist() == [True, False, False]
    readings = read_moments(pa.array(["2024-10-01 00:03:60", "2024-10-01T00:03:59Z"]))
    assert [str(value) for value in readings.moments] == ["2024-10-01T00:03:59"] * 2
    assert readings.leap.tolist() == [True, False]


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
@pytest.mark.parametrize("number", [9 * 10**18, -9 * 10**18])
def test_a_timestamp_beyond_the_calendar_is_unreadable(number: int, unit: str) -> None:
    readings = read_moments(pa.array([number, 0], pa.timestamp(unit)))
    assert [str(value) for value in readings.moments] == ["NaT", "1970-01-01T00:00:00"]
    assert readings.unreadable.tolist() == [True, False]


@pytest.mark.parametrize(
    ("moment", "second"),
    [(pd.Timestamp.min, "1677-09-21T00:12:43"), (pd.Timestamp.max, "2262-04-11T23:47:17")],
)
def test_the_first_and_the_last_time_in_nanoseconds_are_what_they_are(moment: pd.Timestamp, second: str) -> None:
    readings = read_moments(pa.array([moment.value, None], pa.timestamp("ns")))
    assert [str(value) for value in readings.moments] == [second, "NaT"]


@given(st.integers(86_400, 86_400 * 90_000), st.sampled_from([5, 6, 8, 12]))
def test_a_serial_of_any_length_is_read_to_its_minute(second: int, digits: int) -> None:
    minute = second // 60 * 60
    serial = math.floor(minute % 86_400 / 86_400 * 10**digits) / 10**digits
    assert clock(serial) == minute % 86_400


@pytest.mark.parametrize(
    ("utc", "local", "between"),
    [
        ("2024-10-05T00:04:00", "2024-10-05T02:04:00", False),
        ("2024-10-05T00:04:59", "2024-10-05T02:04:00", False),
        ("2024-10-05T00:04:00", "2024-10-05T01:04:00", False),
        ("2024-10-05T00:04:00", "2024-10-05T00:04:00", True),
        ("2024-10-05T00:04:00", "2024-10-05T02:05:00", True),
        ("2024-10-05T00:04:00", "NaT", False),
        ("NaT", "2024-10-05T02:04:00", False),
        ("NaT", "NaT", False),
    ],
)
def test_two_times_of_a_row_differ_by_an_offset_of_paris_or_contradict_each_other(
    utc: str, local: str, between: bool
) -> None:
    found = between_zones(np.array([utc], "datetime64[s]"), np.array([local], "datetime64[s]"), "Europe/Paris")
    assert found.tolist() == [between]


@pytest.mark.parametrize(
    "cells",
    [
        pa.array(["2024100510"]),
        pa.array([" 2024100510.0 "]),
        pa.array([2024100510]),
        pa.array([2024100510.0]),
        pa.array(["2024100510"]).dictionary_encode(),
    ],
)
def test_digits_of_a_time_are_read_whatever_the_tool_took_them_for(cells: pa.Array) -> None:
    readings = read_formatted(cells, "%Y%m%d%H")
    assert (str(readings.moments[0]), readings.unreadable.tolist()) == ("2024-10-05T10:00:00", [False])


@pytest.mark.parametrize("cell", ["2024100510.5", 2024100510.5, "2024-10-05", {"at": 1}, [2024100510], True, math.inf])
def test_what_is_no_time_in_the_declared_form_is_unreadable_and_nothing_is_nothing(cell: Any) -> None:
    readings = read_formatted(pa.array([cell, None]), "%Y%m%d%H")
    assert (str(readings.moments[0]), readings.unreadable.tolist()) == ("NaT", [True, False])
