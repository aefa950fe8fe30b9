"""What bad times get: each case by its number. A table's times are local to the station, in Europe/Paris."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

import openpyxl
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from tests.hostile.conftest import Ending, RunObject, run_in
from tests.integration.worlds import WorldMaker

CLIMATE_KEY = "infoclimat/api/2024_10_05_1728097200000_0.jsonl"
WORKBOOK_KEY = "wunderground/ITESTB25/book.xlsx"
HEADER = ["Time", "Temperature", "Humidity", "Wind"]
VALUES = ["50 °F", "80 %", "West"]
Row = dict[str, Any]


def lines(rows: Sequence[Row]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def table(*rows: Row) -> bytes:
    """Rows of Weather Underground's table with these times; each has another temperature."""
    return lines(
        [{"Temperature": f"{50 + i / 10} °F", "Humidity": "80 %", "Wind": "West", **row} for i, row in enumerate(rows)]
    )


def local_times(*clocks: str, day: str = "2024-10-27") -> list[Row]:
    return [{"Date": day, "Time": f"{clock}:00"} for clock in clocks]


def climate(*stamps: Any, **more: Any) -> bytes:
    return lines([{"id_station": "07915", "dh_utc": stamp, "humidite": "80", **more} for stamp in stamps])


def api(**times: Any) -> Row:
    return {"stationID": "ITESTB25", "humidityAvg": 80, **times}


def workbook(sheets: dict[str, Sequence[Any]], change: Callable[[Any], None] = lambda book: None) -> bytes:
    """A sheet for each name, with a row for each time."""
    book = openpyxl.Workbook()
    change(book)
    del book["Sheet"]
    for name, clocks in sheets.items():
        sheet = book.create_sheet(name)
        sheet.append(HEADER)
        for clock in clocks:
            sheet.append([clock, *VALUES])
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


def stamps(ending: Ending) -> list[str]:
    return [str(document["_id"]).partition("@")[2] for document in ending.documents]


def written(ending: Ending) -> tuple[int, int, int]:
    """How many records were inserted, left as they are, and superseded; the neighbour's one is not counted."""
    counts = ending.status["counts"]
    return counts["inserted"] - 1, counts["unchanged"], counts["superseded"]


def told(ending: Ending) -> list[tuple[str, str, str | None]]:
    """Code, field and value of the rejected rows."""
    return [(row["code"], row["field"], row["value"]) for row in ending.rejected]


def test_case_39_one_minute_in_all_its_spellings(run_object: RunObject) -> None:
    cells: list[Any] = [
        "00:04:00",
        "12:04 AM",
        "0:4",
        "00h04",
        0.00277778,
        "1899-12-30 00:04:00",
        "1904-01-01T00:04:00",
    ]
    cells += ["5.787037037037037e-05", 0.99999, "0.99999", "24:00", "noon", "13:04 PM"]
    rows = [{"Date": f"2024-10-{day:02}", "Time": cell} for day, cell in enumerate(cells, 1)]
    ending = run_object(table(*rows))
    assert stamps(ending) == [
        *(f"2024-{'09-30' if day == 1 else f'10-{day - 1:02}'}T22:04:00Z" for day in range(1, 8)),
        "2024-10-07T22:00:05Z",
        "2024-10-09T22:00:00Z",
        "2024-10-10T22:00:00Z",
        "2024-10-11T22:00:00Z",
    ]
    assert told(ending) == [("bad_timestamp", "Time", "noon"), ("bad_timestamp", "Time", "13:04 PM")]


def test_case_39_times_serials_texts_and_dates_in_one_column_of_a_workbook(run_object: RunObject) -> None:
    cells: list[Any] = [time(0, 4), "00:09:00", 14 / 1440, datetime(1899, 12, 30, 0, 19), "12:24 AM", 0.99999]
    ending = run_object(workbook({"011024": cells}), WORKBOOK_KEY)
    ending.assert_accepted(6)
    assert stamps(ending) == [
        *(f"2024-09-30T22:{minute:02}:00Z" for minute in (4, 9, 14, 19, 24)),
        "2024-10-01T22:00:00Z",
    ]


def test_case_40_a_workbook_in_the_1904_date_system(run_object: RunObject) -> None:
    def mac(book: Any) -> None:
        book.epoch = CALENDAR_MAC_1904

    content = workbook({"011024": [time(0, 4), datetime(1904, 1, 1, 0, 9), 14 / 1440]}, mac)
    ending = run_object(content, WORKBOOK_KEY)
    ending.assert_accepted(3)
    assert stamps(ending) == [f"2024-09-30T22:{minute:02}:00Z" for minute in (4, 9, 14)]


def test_case_40_an_ambiguous_day_is_not_guessed(run_object: RunObject) -> None:
    days = ["2024-10-01", "01/10/2024", "10/01/24", "20241001"]
    ending = run_object(table(*({"Date": day, "Time": "10:00:00"} for day in days)))
    assert stamps(ending) == ["2024-10-01T08:00:00Z"]
    assert [json.loads(row["row"])["Date"] for row in ending.rejected] == days[1:]
    assert {row["code"] for row in ending.rejected} == {"bad_timestamp"}


@pytest.mark.parametrize("name", ["021024 (2)", "290225", "2024-10-01", "01-10-24", "Feuil1", "320124"])
def test_case_41_a_sheet_whose_name_is_no_day_rejects_the_workbook(run_object: RunObject, name: str) -> None:
    run_object(workbook({"011024": ["10:00:00"], name: ["10:00:00"]}), WORKBOOK_KEY).assert_rejected(
        "lost_day", f"the name of sheet {name!r} is not a day (ddmmyy, such as 011024), and its rows have only times"
    )


def test_case_41_a_second_sheet_for_the_same_day_rejects_the_workbook(run_object: RunObject) -> None:
    run_object(workbook({"011024": ["10:00:00"], "011024 ": ["11:00:00"]}), WORKBOOK_KEY).assert_rejected(
        "same_day_twice", "sheets '011024' and '011024 ' are both for 2024-10-01"
    )


def test_case_41_a_hidden_sheet_is_data_like_any_other(run_object: RunObject) -> None:
    content = workbook({"011024": ["10:00:00"], "021024": ["10:00:00"]})
    book = openpyxl.load_workbook(io.BytesIO(content))
    book["021024"].sheet_state = "hidden"
    book.create_chartsheet("graph")
    sink = io.BytesIO()
    book.save(sink)
    ending = run_object(sink.getvalue(), WORKBOOK_KEY)
    ending.assert_accepted(2)
    assert stamps(ending) == ["2024-10-01T08:00:00Z", "2024-10-02T08:00:00Z"]


def test_case_41_a_sheet_of_notes_rejects_the_workbook_by_its_name(run_object: RunObject) -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbook({"011024": ["10:00:00"]})))
    notes = book.create_sheet("notes")
    notes.append(["What was done"])
    notes.append(["sensor cleaned"])
    sink = io.BytesIO()
    book.save(sink)
    run_object(sink.getvalue(), WORKBOOK_KEY).assert_rejected(
        "unknown_layout",
        "sheet 'notes': no known network has rows with these columns: What was done. "
        "The key is that of station ITESTB25 (Weather Underground)",
    )


def test_case_42_a_table_that_lost_its_days_is_rejected_and_never_guessed(run_object: RunObject) -> None:
    run_object(table({"Time": "23:59:00"}, {"Time": "00:04:00"})).assert_rejected(
        "lost_day",
        "the rows have a time of day and no day: the names of the workbook's sheets were the days, and were lost "
        "before the object was written. Put the workbook itself into the raw zone, or a Date column into the table",
    )


PASSES = ["01:30", "02:00", "02:30", "02:00", "02:30", "03:00"]
PASSES_UTC = ["2024-10-26T23:30", "2024-10-27T00:00", "2024-10-27T00:30", "2024-10-27T01:00", "2024-10-27T01:30"]
PASSES_UTC = [f"{stamp}:00Z" for stamp in [*PASSES_UTC, "2024-10-27T02:00"]]


@pytest.mark.parametrize("newest_first", [False, True], ids=["oldest first", "newest first"])
def test_case_43_the_order_of_the_rows_tells_the_two_passes_apart(run_object: RunObject, newest_first: bool) -> None:
    rows = [{**row, "Temperature": f"{50 + i} °F"} for i, row in enumerate(local_times(*PASSES))]
    ending = run_object(table(*(rows[::-1] if newest_first else rows)))
    ending.assert_accepted(6)
    assert stamps(ending) == PASSES_UTC
    assert [row["air_temperature"] for row in ending.measurements] == [(50 + i - 32) / 1.8 for i in range(6)]


def test_case_43_hourly_rows_have_the_hour_twice(run_object: RunObject) -> None:
    ending = run_object(table(*local_times("00:00", "01:00", "02:00", "02:00", "03:00")))
    ending.assert_accepted(5)
    assert stamps(ending)[2:4] == ["2024-10-27T00:00:00Z", "2024-10-27T01:00:00Z"]


def test_case_43_the_rows_own_utc_time_is_taken_first(run_object: RunObject) -> None:
    rows = [{"DateTime": "2024-10-27 02:30:00", "DateUTC": f"2024-10-27 0{hour}:30:00"} for hour in (1, 0)]
    ending = run_object(table(*rows))
    ending.assert_accepted(2)
    assert stamps(ending) == ["2024-10-27T00:30:00Z", "2024-10-27T01:30:00Z"]


@pytest.mark.parametrize(
    "clocks",
    [
        ["01:50", "01:55", "02:00", "02:05"],  # one pass only
        ["01:55", "02:00", "02:05", "02:05", "02:10", "03:00"],  # one pass only, one row of it twice
        ["02:10", "01:50", "02:00", "03:00", "02:05"],  # no order
        ["02:55", "02:00"],  # newest first, or two passes: nobody can tell
    ],
)
def test_case_43_rows_whose_pass_the_order_does_not_show_are_quarantined(
    run_object: RunObject, clocks: list[str]
) -> None:
    ambiguous = [clock for clock in clocks if clock.startswith("02")]
    ending = run_object(table(*local_times(*clocks)))
    assert ending.sums == (len(clocks), 0, len(clocks) - len(ambiguous), len(ambiguous))
    assert told(ending) == [("ambiguous_local_time", "Time", f"2024-10-27T{clock}:00") for clock in ambiguous]
    assert ending.rejected[0]["reason"] == (
        "ambiguous local time: it occurs twice that day, and neither a UTC column nor the order of the rows shows which"
    )


def test_case_44_a_local_time_that_does_not_exist_is_quarantined(run_object: RunObject) -> None:
    ending = run_object(table(*local_times("01:59", "02:30", "03:00", day="2024-03-31")))
    assert stamps(ending) == ["2024-03-31T00:59:00Z", "2024-03-31T01:00:00Z"]
    assert told(ending) == [("no_such_local_time", "Time", "2024-03-31T02:30:00")]
    assert ending.rejected[0]["reason"] == "this local time does not exist: the clocks went forward"


def test_case_45_zones_and_epochs_of_all_units_are_one_instant(run_object: RunObject) -> None:
    same = ["2024-10-01T00:04:00Z", "2024-10-01T02:04:00+02:00", "2024-10-01 02:04:00", "2024-10-01 02:04 CEST"]
    same += ["2024-09-30 16:04:00-08:00", "2024-09-30 17:04:00-0700", "1727741040", "1727741040000"]
    same += ["1727741040000000", "1727741040000000000", "1727741040.0"]
    ending = run_object(table(*({"DateTime": stamp, "Temperature": "50 °F"} for stamp in same)), neighbour=True)
    assert stamps(ending) == ["2024-10-01T00:04:00Z"]
    assert ending.sums == (11, 0, 11, 0)
    assert written(ending) == (1, 10, 0)


def test_case_45_an_epoch_as_a_number(run_object: RunObject) -> None:
    epochs = [(1727741040 + 60 * index) * 1000**index for index in range(4)]
    ending = run_object(climate(*epochs), CLIMATE_KEY)
    ending.assert_accepted(4)
    assert stamps(ending) == [f"2024-10-01T00:0{minute}:00Z" for minute in (4, 5, 6, 7)]


def test_case_45_ambiguous_zones_and_invalid_epochs_are_quarantined(run_object: RunObject) -> None:
    odd = ["2024-10-01 00:04 CST", "2024-10-01 00:04:00+99:00", "17277410400", "5", "2024-10-01"]
    ending = run_object(climate(*odd), CLIMATE_KEY)
    assert told(ending) == [("bad_timestamp", "dh_utc", stamp) for stamp in odd]


def test_case_46_utc_wins_over_local_time_and_a_contradiction_is_quarantined(run_object: RunObject) -> None:
    rows = [
        api(obsTimeUtc="2024-10-05T00:04:00Z", obsTimeLocal="2024-10-05 02:04:00"),
        api(obsTimeUtc="2024-10-05T00:09:00Z", obsTimeLocal="2024-10-05 01:09:00"),  # winter time, by mistake
        api(obsTimeUtc="2024-10-05T00:14:00Z", obsTimeLocal="2024-10-05 16:55:00"),
        api(obsTimeUtc="2024-10-05T00:19:00Z", obsTimeLocal=None),
    ]
    ending = run_object(lines(rows))
    assert stamps(ending) == [f"2024-10-05T00:{minute}:00Z" for minute in ("04", "09", "19")]
    assert told(ending) == [("contradicting_times", "obsTimeLocal", "2024-10-05 16:55:00")]
    assert ending.rejected[0]["reason"] == "UTC and local time do not differ by an offset of the station's time zone"


def test_case_46_also_in_a_table(run_object: RunObject) -> None:
    utc = "2024-10-05 00:04:00"
    rows = [{"DateTime": "2024-10-05 02:04:00", "DateUTC": utc}, {"DateTime": "2024-10-05 16:55:00", "DateUTC": utc}]
    ending = run_object(table(*rows))
    assert stamps(ending) == ["2024-10-05T00:04:00Z"]
    assert [row["code"] for row in ending.rejected] == ["contradicting_times"]


EARLY = "before 1901, when the network had no stations, or the time of an empty clock"
LATE = "more than 10 minutes in the future"


def test_case_47_impossible_times_are_quarantined_unchanged(run_object: RunObject) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%d %H:%M:%S")
    early = ["1970-01-01 00:00:00", "1899-12-30 00:00:00", "0024-10-01 00:00:00"]
    late = [tomorrow, "2038-01-19 03:14:07", "2099-01-01 00:00:00"]
    unreadable = ["0000-00-00 00:00:00", "24-10-01 00:00:00", "2023-02-29 00:00:00", "9999-12-31 24:00:00"]
    ending = run_object(climate(*unreadable, *late, *early, "1928-01-01 00:00:00"), CLIMATE_KEY)
    assert stamps(ending) == ["1928-01-01T00:00:00Z"]
    assert told(ending) == [
        *(("bad_timestamp", "dh_utc", stamp) for stamp in unreadable),
        *(("future_timestamp", "dh_utc", stamp) for stamp in late),
        *(("impossible_timestamp", "dh_utc", stamp) for stamp in early),
    ]
    assert [row["reason"] for row in ending.rejected[4:]] == [LATE] * 3 + [EARLY] * 3
    assert [json.loads(row["row"])["dh_utc"] for row in ending.rejected] == [*unreadable, *late, *early]


def test_case_47_an_empty_clock_is_seen_in_local_time_too(run_object: RunObject) -> None:
    rows = [{"DateTime": stamp} for stamp in ("1970-01-01 00:05:00", "1994-12-31 12:00:00", "1995-06-01 12:00:00")]
    ending = run_object(table(*rows))
    assert stamps(ending) == ["1995-06-01T10:00:00Z"]
    assert told(ending) == [
        ("impossible_timestamp", "Time", "1970-01-01T00:05:00"),
        ("impossible_timestamp", "Time", "1994-12-31T12:00:00"),
    ]


def test_case_47_a_clock_ten_minutes_fast_is_accepted(run_object: RunObject) -> None:
    now = datetime.now(UTC)
    fast = [(now + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ") for minutes in (9, 15)]
    ending = run_object(climate(*fast), CLIMATE_KEY)
    assert stamps(ending) == fast[:1]
    assert told(ending) == [("future_timestamp", "dh_utc", fast[1])]


def test_case_47_midnight_of_the_day_before_and_second_sixty(run_object: RunObject) -> None:
    ending = run_object(climate("2024-02-28 24:00:00", "2024-02-29 23:59:60"), CLIMATE_KEY)
    ending.assert_accepted(2)
    assert stamps(ending) == ["2024-02-29T00:00:00Z", "2024-02-29T23:59:59Z"]
    assert ending.notes == [("timestamp", "2024-02-29 23:59:60", "second 60, read as 59")]
    local = run_object(table({"Date": "2024-10-01", "Time": "10:04:60"}, {"Date": "2024-10-01", "Time": "24:00"}))
    local.assert_accepted(2)
    assert stamps(local) == ["2024-10-01T08:04:59Z", "2024-10-01T22:00:00Z"]
    assert local.notes == [("timestamp", "10:04:60", "second 60, read as 59")]


def test_case_48_the_order_of_the_rows_does_not_matter(run_object: RunObject) -> None:
    rows = [{"Date": "2024-10-01", "Time": f"{hour:02}:00:00", "Humidity": f"{hour} %"} for hour in range(24)]
    digests = []
    for arranged in (rows, rows[::-1], rows[::2] + rows[1::2]):
        ending = run_object(lines([{"Temperature": "50 °F", "Wind": "West", **row} for row in arranged]))
        ending.assert_accepted(24)
        digests.append([(document["_id"], document["metadata"]["digest"]) for document in ending.documents])
    assert digests[0] == digests[1] == digests[2]


def test_case_49_equal_rows_are_one_whatever_their_spelling(run_object: RunObject) -> None:
    content = climate("2024-10-01 00:00:00", pluie_1h="0") + climate("2024-10-01T00:00:00Z", pluie_1h="0.0")
    ending = run_object(content, CLIMATE_KEY, neighbour=True)
    assert ending.sums == (2, 0, 2, 0)
    assert written(ending) == (1, 1, 0)
    assert len(ending.documents) == 1


AT_MIDNIGHT = "07915@2024-10-01T00:00:00Z"


def conflict(winner: tuple[Ending, float], loser: tuple[Ending, float], reason: str) -> Row:
    """Two deliveries of one instant, as the quality report tells of them."""
    sides = {"winner": winner, "loser": loser}
    return {"observation": AT_MIDNIGHT, "reason": reason} | {
        name: {"source_uri": ending.uri, "values": {"air_temperature": value}}
        for name, (ending, value) in sides.items()
    }


@pytest.mark.whole
def test_case_49_of_conflicting_rows_the_same_one_wins_in_every_order(run_object: RunObject) -> None:
    parts = [climate("2024-10-01 00:00:00", temperature=value) for value in ("5", "6", "7")]
    winners = set()
    for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0)):
        ending = run_object(b"".join(parts[index] for index in order), CLIMATE_KEY)
        assert written(ending) == (1, 0, 2)
        (winner,) = [row["air_temperature"] for row in ending.measurements]
        winners.add(winner)
        told = ending.quality["conflicts"]["examples"]
        assert sorted(told, key=lambda entry: entry["loser"]["values"]["air_temperature"]) == [
            conflict((ending, winner), (ending, loser), "higher digest") for loser in (5.0, 6.0, 7.0) if loser != winner
        ]
        assert ending.quality["conflicts"]["by_station"] == {"07915": 2}
    assert len(winners) == 1


def test_case_49_the_loser_is_reported_with_both_values_and_sources(local_world: WorldMaker) -> None:
    world = local_world()

    def deliver(name: str, value: str, generation: int) -> Ending:
        row = {"id_station": "07915", "dh_utc": "2024-10-01 00:00:00", "temperature": value, "humidite": "80"}
        envelope = {"_airbyte_generation_id": generation, "_airbyte_extracted_at": 1728097200000, "_airbyte_meta": {}}
        return run_in(world, lines([{**envelope, "_airbyte_data": row}]), f"infoclimat/{name}.jsonl")

    first = deliver("first", "5", 1)
    assert first.quality["conflicts"] == {"by_station": {}, "examples": []}
    newer = deliver("newer", "6", 2)
    assert newer.quality["conflicts"] == {
        "by_station": {"07915": 1},
        "examples": [conflict(winner=(newer, 6.0), loser=(first, 5.0), reason="higher generation")],
    }
    late = deliver("late", "4", 1)
    assert late.quality["conflicts"] == {
        "by_station": {"07915": 1},
        "examples": [conflict(winner=(newer, 6.0), loser=(late, 4.0), reason="higher generation")],
    }
    assert world.documents()[AT_MIDNIGHT]["measurements"] == {"air_temperature": 6.0, "relative_humidity": 80.0}
    equal = deliver("equal", "6.0", 1)
    assert equal.quality["conflicts"] == {"by_station": {}, "examples": []}


def test_case_49_the_later_extraction_wins(run_object: RunObject) -> None:
    def delivered(value: str, extracted_at: int) -> Row:
        row = {"id_station": "07915", "dh_utc": "2024-10-01 00:00:00", "temperature": value}
        return {
            "_airbyte_extracted_at": extracted_at,
            "_airbyte_raw_id": "x",
            "_airbyte_meta": {},
            "_airbyte_data": row,
        }

    newer, older = delivered("5", 1728097300000), delivered("6", 1728097200000)
    for order in ([newer, older], [older, newer]):
        ending = run_object(lines(order), CLIMATE_KEY)
        assert [row["air_temperature"] for row in ending.measurements] == [5.0]


def test_case_48_files_that_overlap_are_one_series(local_world: WorldMaker) -> None:
    world = local_world()
    rows = [{"Date": "2024-10-01", "Time": f"{hour:02}:00:00", "Temperature": f"{50 + hour} °F"} for hour in range(6)]
    whole = lines([{"Humidity": "80 %", "Wind": "West", **row} for row in rows])
    parts = whole.splitlines(keepends=True)
    first = run_in(world, b"".join(parts[:4]), "wunderground/ITESTB25/a.jsonl")
    second = run_in(world, b"".join(parts[2:]), "wunderground/ITESTB25/b.jsonl")
    assert (first.sums, second.sums) == ((4, 0, 4, 0), (4, 0, 4, 0))
    of_second = world.checkpoints()[f"{world.raw.uri}/{second.key}"]["counts"]
    assert (of_second["inserted"], of_second["unchanged"]) == (2, 2)
    assert len(world.documents()) == 6 + 1


def test_case_49_the_record_that_lost_is_kept_in_the_processed_zone_with_its_rank(local_world: WorldMaker) -> None:
    world = local_world()
    rows = [
        {
            "_airbyte_extracted_at": 1728097200000 + generation,
            "_airbyte_generation_id": generation,
            "_airbyte_raw_id": "x",
            "_airbyte_meta": {"sync_id": 1, "changes": []},
            "_airbyte_data": {"id_station": "07915", "dh_utc": "2024-10-01 00:00:00", "temperature": value},
        }
        for generation, value in ((1, "5"), (2, "6"))
    ]
    ending = run_in(world, lines(rows), CLIMATE_KEY)
    assert (written(ending), len(ending.documents)) == ((1, 0, 1), 1)
    assert ending.measurements == [{"air_temperature": 6.0}]
    kept = [row for row in world.records() if row["source_uri"].endswith(CLIMATE_KEY)]
    assert [(row["generation_id"], row["air_temperature"]) for row in kept] == [(1, 5.0), (2, 6.0)]
