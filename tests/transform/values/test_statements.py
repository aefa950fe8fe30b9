"""A row that tells its time more than once: the statements are compared, and a column that never changes is no time."""

from __future__ import annotations

import itertools
import logging
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.core.errors import ObjectRejectedError
from tests.examples import examples
from tests.transform.networks.test_networks import API, TABLE, without
from tests.transform.samples import Result, batch_of, transform

Row = dict[str, Any]
TWO_LOCAL = "the row states its local time twice, and the two differ"
BETWEEN_ZONES = "UTC and local time do not differ by an offset of the station's time zone"
TWO_INSTANTS = "the row states its time in UTC twice, and the two differ by more than a second"


def table(*rows: Row) -> list[Row]:
    """Rows of the history table with these cells instead; each has another humidity."""
    return [{**without(TABLE, "Date", "Time"), "Humidity": f"{number} %", **row} for number, row in enumerate(rows)]


def told(result: Result) -> list[tuple[str, str, str | None, str]]:
    return [(row["code"], row["field"], row["value"], row["reason"]) for row in result.rejected]


AT_FOUR = {"Date": "2024-10-01", "Time": "00:04:00"}
AT_NINE = {"Date": "2024-10-01", "Time": "00:09:00"}
UTC_FOUR = "2024-09-30T22:04:00Z"


@pytest.mark.parametrize(
    ("more", "rejected"),
    [
        ({"DateTime": "2024-10-01 00:04:00"}, None),
        ({"DateTime": "2024-10-01 00:04:59"}, None),  # the table tells whole minutes
        ({"DateTime": "2024-10-01T00:04:00+02:00"}, None),
        ({"DateTime": "2024-10-01 00:05:00"}, ("Time", "00:04:00", TWO_LOCAL)),
        ({"Timestamp": "2024-10-01 00:05:00"}, ("Time", "00:04:00", TWO_LOCAL)),
        ({"Timestamp": "2024-10-02 06:00:00"}, ("Time", "00:04:00", TWO_LOCAL)),
        ({"Timestamp": "2024-10-02T06:00:00Z"}, ("Time", "00:04:00", BETWEEN_ZONES)),
        ({"DateUTC": "2024-09-30 22:04:00"}, None),
        ({"DateUTC": "2024-10-02 22:04:00"}, ("Time", "00:04:00", BETWEEN_ZONES)),
        ({"DateUTC": "2024-09-30 22:04:00", "epoch": 1727733840}, None),
        ({"DateUTC": "2024-09-30 22:04:00", "epoch": 1727733841}, None),
        ({"DateUTC": "2024-09-30 22:04:00", "epoch": 1727733842}, ("epoch", "1727733842", TWO_INSTANTS)),
        ({"DateTime": None}, None),
    ],
)
def test_two_statements_of_a_rows_time_agree_or_the_row_is_rejected(
    more: Row, rejected: tuple[str, ...] | None
) -> None:
    result = transform(batch_of(table({**AT_FOUR, **more})))
    assert told(result) == ([] if rejected is None else [("contradicting_times", *rejected)])
    assert [stamp[:16] for stamp in result.stamps] == ([] if rejected else [UTC_FOUR[:16]])


@pytest.mark.parametrize(
    ("row", "rejected"),
    [
        ({"Date": "2024-10-01", "DateTime": "2024-10-01 23:59:00"}, None),
        ({"Date": "2024-10-01", "DateTime": "2024-10-02 00:00:00"}, None),  # 24:00 of the day
        ({"Date": "2024-10-01", "DateTime": "2024-10-02 00:01:00"}, ("Date", "2024-10-01")),
        ({"Date": "2024-10-01", "DateTime": "2024-09-30T22:04:00Z"}, None),
        ({"Date": "2024-10-01", "DateTime": "2024-09-30T21:59:00Z"}, ("Date", "2024-10-01")),
        ({"Time": "00:04:00", "DateTime": "2024-10-01 00:04:30"}, None),
        ({"Time": "00:00:00", "DateTime": "2024-09-30T22:00:00Z"}, None),
        ({"Time": "00:09:00", "DateTime": "2024-10-01 00:04:00"}, ("Time", "00:09:00")),
        ({"Date": "2024-10-01", "Time": "2024-10-01 00:04:00"}, None),
        ({"Date": "2024-10-01", "Time": "2024-10-03 00:04:00"}, ("Date", "2024-10-01")),
    ],
)
def test_a_day_or_a_clock_alone_is_compared_with_the_whole_time(row: Row, rejected: tuple[str, str] | None) -> None:
    found = told(transform(batch_of(table(row))))
    assert [entry[:3] for entry in found] == ([] if rejected is None else [("contradicting_times", *rejected)])


def test_case_82_a_sheet_and_a_date_of_another_day() -> None:
    rows = table({"Date": "2024-10-02", "Time": "00:04:00"}, AT_FOUR, {"Date": None, "Time": "00:09:00"})
    result = transform(batch_of(rows, sheet="011024"))
    assert sorted(result.stamps) == [UTC_FOUR, "2024-09-30T22:09:00Z"]
    assert told(result) == [
        ("contradicting_times", "Date", "2024-10-02", "the day differs from that of sheet '011024'"),
    ]


@pytest.mark.parametrize("cell", [datetime(2024, 10, 2, 0, 4), "2024-10-02 00:04:00", "2024-10-01T22:04:00Z"])
def test_case_82_a_typed_time_of_another_day_than_its_sheet(cell: Any) -> None:
    result = transform(batch_of(table({"Time": cell}), sheet="011024"))
    assert told(result) == [
        ("contradicting_times", "Time", "2024-10-02T00:04:00", "the row's time is on a different day from its date")
    ]


@pytest.mark.parametrize(
    ("more", "rejected"),
    [
        ({"epoch": 1728086640}, []),
        ({"epoch": 1728086641}, []),
        ({"epoch": 1728086641500}, [("contradicting_times", "epoch", "1728086641500", TWO_INSTANTS)]),
        ({"epoch": "1728086645"}, [("contradicting_times", "epoch", "1728086645", TWO_INSTANTS)]),
        ({"epoch": None}, []),
        (
            {"obsTimeLocal": "2024-10-05T02:04:02+02:00"},
            [("contradicting_times", "obsTimeLocal", "2024-10-05T02:04:02+02:00", TWO_INSTANTS)],
        ),
        (
            {"obsTimeLocal": "2024-10-05 16:55:00"},
            [("contradicting_times", "obsTimeLocal", "2024-10-05 16:55:00", BETWEEN_ZONES)],
        ),
    ],
)
def test_case_83_epoch_and_the_utc_time_of_the_api(more: Row, rejected: list[tuple[str, str, str, str]]) -> None:
    assert told(transform(batch_of([{**API, **more}]))) == rejected


def test_whole_times_in_the_column_of_the_time_are_times() -> None:
    result = transform(batch_of(table({"Time": "2024-10-01 00:04:00"}, {"Time": "2024-09-30T22:09:00Z"})))
    assert result.stamps == [UTC_FOUR, "2024-09-30T22:09:00Z"]
    with pytest.raises(ObjectRejectedError, match="a time of day and no day"):
        transform(batch_of(table({"Time": "2024-10-01 00:04:00"}, {"Time": "00:09:00"})))


@pytest.mark.parametrize("day", ["01/10/2024", "2024-10-01T10:00:00", 1727733600000, 45566])
def test_where_the_date_is_at_fault_the_date_is_shown(day: Any) -> None:
    result = transform(batch_of(table({"Date": day, "Time": "00:04:00"})))
    assert told(result) == [
        ("bad_timestamp", "Date", str(day), "not a day (YYYY-MM-DD, or the midnight that begins it)")
    ]


# A column that holds one value in the whole object


SCRAPED = "2024-10-02 06:00:00"


@pytest.mark.parametrize("column", ["Timestamp", "DateTime", "epoch"])
@pytest.mark.parametrize("cut", [1, 2, 3])
def test_case_81_one_time_in_all_rows_is_that_of_the_scrape_and_named(
    column: str, cut: int, caplog: pytest.LogCaptureFixture
) -> None:
    value: Any = 1727848800 if column == "epoch" else SCRAPED
    rows = table(*({**AT_FOUR, "Time": f"00:{minute:02}:00", column: value} for minute in (4, 9, 14)))
    batches = [batch_of(rows[:cut]), batch_of(rows[cut:], first=cut + 1)]
    with caplog.at_level(logging.WARNING):
        result = transform(*(batch for batch in batches if len(batch.rows)))
    assert result.stamps == [f"2024-09-30T22:{minute:02}:00Z" for minute in (4, 9, 14)]
    assert (result.rows_read, result.rejected) == (3, [])
    assert (
        f"column '{column}' has the same time in all rows, while their other times vary, so it is not used"
        in caplog.text
    )


def test_case_81_a_column_that_changes_once_is_a_time_and_contradicts() -> None:
    rows = table({**AT_FOUR, "Timestamp": SCRAPED}, {**AT_NINE, "Timestamp": SCRAPED}, AT_NINE)
    rows[2]["Timestamp"] = "2024-10-02 07:00:00"
    result = transform(batch_of(rows))
    assert result.codes == ["contradicting_times"] * 3
    assert result.observations == []


def test_case_81_where_nothing_else_varies_one_value_is_no_scrape() -> None:
    rows = table({**AT_FOUR, "Timestamp": SCRAPED}, {**AT_FOUR, "Timestamp": SCRAPED})
    assert transform(batch_of(rows)).codes == ["contradicting_times"] * 2
    same = table({**AT_FOUR, "Timestamp": "2024-10-01 00:04:00"})
    assert transform(batch_of(same)).stamps == [UTC_FOUR]


def test_a_row_with_nothing_but_the_time_of_the_scrape_has_no_time() -> None:
    rows = table(*({**AT_FOUR, "Time": clock, "Timestamp": SCRAPED} for clock in ("00:04:00", "00:09:00", None)))
    result = transform(batch_of(rows))
    assert (len(result.observations), result.codes) == (2, ["no_timestamp"])


def test_rows_wait_for_so_many_others_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forecast.transform.values.statements.MAX_WAITING_ROWS", 2)
    stamps = [SCRAPED, SCRAPED, "2024-10-02 07:00:00"]
    rows = table(*({**AT_FOUR, "Time": f"00:0{at}:00", "Timestamp": stamp} for at, stamp in enumerate(stamps)))
    for cut in (1, 2, 3):
        batches = [batch_of(rows[:cut]), batch_of(rows[cut:], first=cut + 1)]
        result = transform(*(batch for batch in batches if len(batch.rows)))
        assert (len(result.observations), result.rejected) == (3, [])


CLOCKS = [(datetime(2024, 10, 27, 1, 30) + timedelta(minutes=10 * step)) for step in range(8)]
CELLS = st.sampled_from([None, SCRAPED, *(f"{clock:%Y-%m-%d %H:%M:%S}" for clock in CLOCKS[:4]), "soon"])


@settings(max_examples=examples(0.5))
@given(
    st.lists(st.tuples(st.sampled_from(CLOCKS), CELLS, CELLS), min_size=1, max_size=12),
    st.lists(st.integers(0, 12), max_size=3),
    st.booleans(),
)
def test_the_outcome_of_a_row_does_not_depend_on_how_the_object_was_cut(
    cells: list[tuple[datetime, str | None, str | None]], cuts: list[int], scraped: bool
) -> None:
    rows = table(
        *(
            {
                "Date": f"{clock:%Y-%m-%d}",
                "Time": f"{clock:%H:%M:%S}",
                "DateTime": first,
                "Timestamp": SCRAPED if scraped else second,
            }
            for clock, first, second in cells
        )
    )
    edges = [0, *sorted(cuts), len(rows)]
    parts = [(start, rows[start:end]) for start, end in itertools.pairwise(edges) if rows[start:end]]

    def became(result: Result) -> set[tuple[str, str]]:
        loaded = {(row["source_row"], stamp) for row, stamp in zip(result.observations, result.stamps, strict=True)}
        return loaded | {(row["position"], row["code"]) for row in result.rejected}

    whole = became(transform(batch_of(rows)))
    assert len(whole) == len(rows)
    assert became(transform(*(batch_of(part, first=start + 1) for start, part in parts))) == whole


def test_case_81_a_single_value_is_not_constant_but_a_contradiction() -> None:
    rows = table({**AT_FOUR, "Timestamp": SCRAPED}, {**AT_NINE, "Timestamp": None})
    result = transform(batch_of(rows))
    assert (result.codes, result.stamps) == (["contradicting_times"], ["2024-09-30T22:09:00Z"])
