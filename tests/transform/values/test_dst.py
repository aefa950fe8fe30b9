"""The hour that occurs twice: two passes only where the clock went back by its own size; equal rows are one row."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.transform.networks.test_networks import table_row
from tests.transform.samples import Result, batch_of, transform

Told = list[tuple[str, str]]
FIVE = [f"02:{minute:02}" for minute in range(4, 60, 5)]


def rows_of(told: Told) -> list[dict[str, Any]]:
    """A row for each local time of 27 October 2024; rows with the same letter have the same values."""
    return [
        table_row(f"2024-10-27 {clock if clock.count(':') == 2 else f'{clock}:00'}", Temperature=f"{ord(letter)} °F")
        for clock, letter in told
    ]


def passed(result: Result) -> list[str]:
    """The time of each row in UTC, "-" where it is rejected as ambiguous."""
    found = {row["source_row"]: stamp[11:16] for row, stamp in zip(result.observations, result.stamps, strict=True)}
    for row in result.rejected:
        assert row["code"] == "ambiguous_local_time"
        found[row["position"]] = "-"
    return [found[f"line {number}"] for number in range(1, len(found) + 1)]


def letters(clocks: list[str], first: str = "a") -> Told:
    return [(clock, chr(ord(first) + index)) for index, clock in enumerate(clocks)]


FIRST, SECOND = letters(FIVE), letters(FIVE, "A")
BEFORE, AFTER = [("01:54", "x"), ("01:59", "y")], [("03:04", "v"), ("03:09", "w")]
UTC_FIRST = [f"00:{clock[3:]}" for clock in FIVE]
UTC_SECOND = [f"01:{clock[3:]}" for clock in FIVE]
AROUND = ["23:54", "23:59"], ["02:04", "02:09"]


@pytest.mark.parametrize(
    "hour",
    [
        pytest.param([*FIRST[:4], FIRST[5], FIRST[4], *FIRST[6:]], id="a late row"),
        pytest.param([*FIRST[:3], ("02:14:59", "m"), ("02:14:58", "n"), *FIRST[3:]], id="jitter of a second"),
        pytest.param([*FIRST[:4], FIRST[3], *FIRST[4:]], id="one row twice"),
        pytest.param([*FIRST, *FIRST], id="a pass delivered twice"),
        pytest.param([*FIRST, *FIRST[:3], ("02:19", "z"), *FIRST[4:]], id="a pass delivered twice, a value mended"),
        pytest.param([*FIRST, *FIRST[:6], *SECOND[6:]], id="half of the values are equal"),
        pytest.param([*FIRST[:8], *FIRST[4:]], id="overlapping exports"),
        pytest.param([*FIRST, *FIRST[6:], *FIRST[:3]], id="parts delivered again"),
        pytest.param(FIRST, id="one pass"),
        pytest.param([*FIRST, *SECOND[:5], SECOND[6], SECOND[5], *SECOND[7:]], id="two passes and a late row"),
    ],
)
def test_case_84_what_may_be_one_pass_is_never_made_two(hour: Told) -> None:
    result = transform(batch_of(rows_of([*BEFORE, *hour, *AFTER])))
    assert passed(result) == [*AROUND[0], *["-"] * len(hour), *AROUND[1]]


@pytest.mark.parametrize(
    ("hour", "utc"),
    [
        pytest.param([*FIRST, *SECOND], [*UTC_FIRST, *UTC_SECOND], id="both passes"),
        pytest.param([*FIRST[6:], *SECOND[:4]], [*UTC_FIRST[6:], *UTC_SECOND[:4]], id="with rows missing"),
        pytest.param(
            [*FIRST[:3], FIRST[2], *FIRST[3:], *SECOND],
            [*UTC_FIRST[:3], UTC_FIRST[2], *UTC_FIRST[3:], *UTC_SECOND],
            id="one row twice",
        ),
        pytest.param([*FIRST, *SECOND] * 2, [*UTC_FIRST, *UTC_SECOND] * 2, id="both delivered twice"),
        pytest.param(
            [*FIRST, *SECOND[:6], *FIRST[6:], *SECOND],
            [*UTC_FIRST, *UTC_SECOND[:6], *UTC_FIRST[6:], *UTC_SECOND],
            id="overlapping exports of both",
        ),
        pytest.param([*FIRST, *FIRST[:3], *SECOND[3:]], [*UTC_FIRST, *UTC_SECOND], id="some equal values"),
    ],
)
def test_case_84_two_proper_passes_are_detected(hour: Told, utc: list[str]) -> None:
    result = transform(batch_of(rows_of([*BEFORE, *hour, *AFTER])))
    assert passed(result) == [*AROUND[0], *utc, *AROUND[1]]
    assert result.rows_read == len(hour) + 4


@pytest.mark.parametrize("rows", [12, 4])
def test_two_passes_are_detected_with_the_newest_row_first(rows: int) -> None:
    hour = [*FIRST[-rows:], *SECOND[:rows]]
    result = transform(batch_of(rows_of([*BEFORE, *hour, *AFTER])[::-1]))
    assert passed(result)[::-1] == [*AROUND[0], *UTC_FIRST[-rows:], *UTC_SECOND[:rows], *AROUND[1]]


@pytest.mark.parametrize(
    ("hour", "utc"),
    [
        ([("02:00", "a"), ("02:00", "b")], ["00:00", "01:00"]),
        ([("02:00", "a"), ("02:00", "a")], ["-", "-"]),
        ([("02:00", "a"), ("02:00", "b"), ("02:00", "a"), ("02:00", "b")], ["00:00", "01:00", "00:00", "01:00"]),
        ([("02:00", "a"), ("02:00", "b"), ("02:00", "c")], ["-", "-", "-"]),
        ([("02:00", "a")], ["-"]),
    ],
)
def test_hourly_values_of_the_two_passes_have_one_local_time(hour: Told, utc: list[str]) -> None:
    around = [("00:00", "v"), ("01:00", "w")], [("03:00", "x"), ("04:00", "y")]
    result = transform(batch_of(rows_of([*around[0], *hour, *around[1]])))
    assert passed(result)[2:-2] == utc


@pytest.mark.parametrize(
    ("hour", "utc"),
    [
        ([("02:30", "a"), ("02:00", "b")], ["-", "-"]),  # a row came late
        ([("02:00", "a"), ("02:30", "b"), ("02:00", "c"), ("02:30", "d")], ["00:00", "00:30", "01:00", "01:30"]),
    ],
)
def test_where_rows_are_half_an_hour_apart_a_late_row_is_no_second_pass(hour: Told, utc: list[str]) -> None:
    around = [("01:00", "v"), ("01:30", "w")], [("03:00", "x"), ("03:30", "y")]
    result = transform(batch_of(rows_of([*around[0], *hour, *around[1]])))
    assert passed(result)[2:-2] == utc


def test_two_rows_of_one_time_in_a_table_of_five_minutes_are_no_two_passes() -> None:
    result = transform(batch_of(rows_of([*BEFORE, ("02:04", "a"), ("02:04", "b"), *AFTER])))
    assert passed(result)[2:-2] == ["-", "-"]


@pytest.mark.parametrize("order", [1, -1], ids=["oldest first", "newest first"])
@pytest.mark.parametrize(
    ("minutes", "hour", "utc"),
    [
        (["00"], [("02:00", "a"), ("02:00", "b")], ["00:00", "01:00"]),
        (
            ["00", "30"],
            [("02:00", "a"), ("02:30", "b"), ("02:00", "c"), ("02:30", "d")],
            ["00:00", "00:30", "01:00", "01:30"],
        ),
    ],
    ids=["hours", "half hours"],
)
def test_the_order_of_a_few_rows_counts_only_where_all_rows_are_in_order(
    minutes: list[str], hour: Told, utc: list[str], order: int
) -> None:
    """Of rows that were shuffled, two thirds may go forwards, too."""
    before, after = (
        [(f"{hour:02}:{minute}", "v") for hour in hours for minute in minutes] for hours in ((0, 1), range(3, 9))
    )
    in_order = rows_of([*before, *hour, *after])[::order]
    shuffled = rows_of([before[1], before[0], *before[2:], *hour, *after[:3], after[4], after[3], *after[5:]])[::order]
    found = [passed(transform(batch_of(rows)))[::order][len(before) : -len(after)] for rows in (in_order, shuffled)]
    assert found == [utc, ["-"] * len(hour)]


def test_two_passes_of_many_rows_are_detected_although_others_came_late() -> None:
    late = rows_of([*BEFORE[::-1], *FIRST, *SECOND, *AFTER[::-1]])
    assert passed(transform(batch_of(late)))[2:-2] == [*UTC_FIRST, *UTC_SECOND]


@settings(max_examples=examples(0.5))
@given(
    st.lists(st.sampled_from([*FIRST, *SECOND]), min_size=1, max_size=30),
    st.sampled_from([[], [*FIRST, *SECOND]]),
    st.lists(st.integers(0, 60), max_size=4),
)
def test_passes_do_not_depend_on_batches_and_no_row_is_lost(hour: Told, proper: Told, cuts: list[int]) -> None:
    rows = rows_of([*BEFORE, *proper, *hour, *AFTER])
    edges = [0, *sorted(cut for cut in cuts if cut < len(rows)), len(rows)]
    batches = [
        batch_of(rows[start:end], first=start + 1) for start, end in itertools.pairwise(edges) if rows[start:end]
    ]
    whole = passed(transform(batch_of(rows)))
    assert len(whole) == len(rows)
    assert passed(transform(*batches)) == whole


@settings(max_examples=examples(0.5))
@given(st.lists(st.integers(0, 11), min_size=1, max_size=12, unique=True).map(sorted), st.data())
def test_one_pass_with_rows_late_or_delivered_again_is_never_two(there: list[int], data: st.DataObject) -> None:
    """Whatever is made of one pass, nothing of it comes out at a time of the other."""
    hour = [FIRST[index] for index in there]
    again = data.draw(st.lists(st.sampled_from(hour), max_size=8))
    for row in again:
        hour.insert(data.draw(st.integers(0, len(hour))), row)
    result = transform(batch_of(rows_of([*BEFORE, *hour, *AFTER])))
    assert passed(result)[2:-2] == ["-"] * len(hour)


def test_two_passes_are_detected_where_every_row_is_a_batch_of_its_own() -> None:
    rows = rows_of([*BEFORE, *FIRST, *SECOND, *AFTER])
    result = transform(*(batch_of([row], first=number) for number, row in enumerate(rows, 1)))
    assert passed(result) == [*AROUND[0], *UTC_FIRST, *UTC_SECOND, *AROUND[1]]
