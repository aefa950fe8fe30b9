"""Objects whose times and numbers went wrong at users': whole files through extract and transform."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from tests.transform.objects import as_avro, as_csv, as_jsonl, as_parquet, as_xlsx, read_object, stamps_of

CELLS = {"Temperature": "56.8 °F", "Humidity": "89 %", "Wind": "West"}
Row = dict[str, Any]


def table(*rows: Row) -> list[Row]:
    return [{**row, **CELLS, "Temperature": f"{56 + number} °F"} for number, row in enumerate(rows)]


def clocks(column: str, *times: str) -> list[Row]:
    """One pass of the hour that occurs twice: all cells equal but for the time."""
    return [{column: f"2024-10-27 {time}:00", **CELLS} for time in times]


def test_case_79_hours_as_numbers_are_not_midnight() -> None:
    hours = table(*({"Date": "2024-10-01", "Time": hour} for hour in (0, 6, 12, 18)))
    assert stamps_of(*as_jsonl(hours)) == {1: "2024-09-30T22:00:00Z", 2: None, 3: None, 4: None}
    numbers = table(*({"Time": number} for number in (4, 9, 1430, 2359)))
    assert stamps_of(*as_xlsx(numbers, sheet="021024")) == dict.fromkeys((1, 2, 3, 4))


def test_case_80_a_date_with_a_zone_is_the_day_that_begins_then() -> None:
    rows = table({"Date": datetime(2024, 9, 30, 22, tzinfo=UTC), "Time": "00:04:00"})
    for content in (
        as_parquet(rows, Date=pa.timestamp("ms", "UTC")),
        as_avro(rows, Date={"type": "long", "logicalType": "timestamp-millis"}),
        as_csv(table({"Date": "2024-09-30T22:00:00.000Z", "Time": "00:04:00"})),
    ):
        assert stamps_of(*content) == {1: "2024-09-30T22:04:00Z"}


def test_case_81_the_time_of_the_scrape() -> None:
    rows = table(
        *({"Date": "2024-10-01", "Time": f"00:{minute:02}:00", "Timestamp": "2024-10-02 06:00:00"} for minute in (4, 9))
    )
    assert stamps_of(*as_csv(rows)) == {1: "2024-09-30T22:04:00Z", 2: "2024-09-30T22:09:00Z"}


def test_case_84_a_late_row_in_the_autumn_hour() -> None:
    times = ("01:54", "02:04", "02:14", "02:24", "02:19", "02:34", "02:44", "02:54", "03:04")
    found = stamps_of(*as_csv(clocks("DateTime", *times)))
    assert found == {1: "2024-10-26T23:54:00Z", **dict.fromkeys(range(2, 9)), 9: "2024-10-27T02:04:00Z"}


def test_case_84_one_row_of_the_autumn_hour_twice() -> None:
    found = stamps_of(*as_csv(clocks("DateTime", "01:04", "02:34", "02:34", "03:34")))
    assert found == {1: "2024-10-26T23:04:00Z", 2: None, 3: None, 4: "2024-10-27T02:34:00Z"}


def test_case_84_overlapping_exports_of_the_autumn_hour() -> None:
    times = ("01:04", "01:34", "02:04", "02:19", "02:34", "02:19", "02:34", "02:49", "03:04", "03:34")
    result = read_object(*as_jsonl(clocks("DateTime", *times)))
    assert result.codes == ["ambiguous_local_time"] * 6
    assert [stamp[11:16] for stamp in result.stamps] == ["23:04", "23:34", "02:04", "02:34"]


def test_case_85_times_as_durations_also_in_a_workbook_with_brackets() -> None:
    rows = table(
        {"Date": "2024-10-01", "Time": timedelta(minutes=4)}, {"Date": "2024-10-01", "Time": timedelta(hours=12)}
    )
    expected = {1: "2024-09-30T22:04:00Z", 2: "2024-10-01T10:00:00Z"}
    assert stamps_of(*as_parquet(rows, Time=pa.duration("s"))) == expected
    content, name = as_xlsx(rows)
    assert stamps_of(content, name) == expected


def test_case_86_half_a_second_is_one_observation_in_every_type() -> None:
    half = datetime(2024, 10, 1, 0, 4, 0, 500_000)
    rows = [{"id_station": "000T5", "dh_utc": half, "temperature": "13.8"}]
    text = [{**rows[0], "dh_utc": "2024-10-01T00:04:00.500"}]
    assert stamps_of(*as_jsonl(text)) == stamps_of(*as_parquet(rows)) == {1: "2024-10-01T00:04:01Z"}


def test_case_87_a_float_of_32_bits_is_the_decimal_that_was_written() -> None:
    row = {"id_station": "000T5", "dh_utc": "2024-10-01 00:00:00"}
    written = read_object(*as_jsonl([{**row, "temperature": "13.8"}])).values()
    rows = [{**row, "temperature": np.float32(13.8)}]
    assert written == {"air_temperature": 13.8}
    assert read_object(*as_parquet(rows, temperature=pa.float32())).values() == written
    assert read_object(*as_avro([{**row, "temperature": 13.8}], temperature="float")).values() == written


def test_case_87_floats_of_32_bits_in_the_objects_of_the_api() -> None:
    units = {"tempAvg": 13.8, "pressureMax": 1013.3, "pressureMin": 1012.2}
    row = {"stationID": "ITESTB25", "obsTimeUtc": "2024-10-01T00:04:00Z", "humidityAvg": 87.3, "metric": units}
    expected = {"air_temperature": 13.8, "relative_humidity": 87.3, "air_pressure_at_mean_sea_level": 1012.75}
    short = pa.struct([(name, pa.float32()) for name in units])
    assert read_object(*as_parquet([row], humidityAvg=pa.float32(), metric=short)).values() == expected
    whole = pa.struct(
        [("stationID", pa.string()), ("obsTimeUtc", pa.string()), ("humidityAvg", pa.float32()), ("metric", short)]
    )
    document = [{"observations": [row]}]
    assert read_object(*as_parquet(document, observations=pa.list_(whole))).values() == expected
    members = [{"name": name, "type": ["null", "float"]} for name in units]
    record = {"type": "record", "name": "units", "fields": members}
    assert read_object(*as_avro([row], humidityAvg="float", metric=record)).values() == expected
