"""Rows of InfoClimat and of Weather Underground become observations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.core.errors import ObjectRejectedError
from forecast.core.stations import Stations
from forecast.networks.registry import NETWORKS
from forecast.transform.raw_columns import normalise_field
from tests.networks import station
from tests.transform.samples import TABLE_KEY, Result, batch_of, transform

PARIS = ZoneInfo("Europe/Paris")
CLIMATE = {
    "id_station": "07915",
    "dh_utc": "2024-10-05 00:00:00",
    "temperature": "7.6",
    "pression": "1020.7",
    "humidite": "89",
    "point_de_rosee": "5.9",
    "visibilite": "6000",
    "vent_moyen": "3.6",
    "vent_rafales": "7.2",
    "vent_direction": "90",
    "pluie_3h": "0",
    "pluie_1h": "0",
    "neige_au_sol": "",
    "nebulosite": "",
    "temps_omm": None,
}
TABLE = {
    "Time": "00:04:00",
    "Date": "2024-10-01",
    "Temperature": "56.8\u00a0°F",
    "Dew Point": "53.1\u00a0°F",
    "Humidity": "87\u00a0%",
    "Wind": "WSW",
    "Speed": "8.2\u00a0mph",
    "Gust": "10.4\u00a0mph",
    "Pressure": "29.48\u00a0in",
    "Precip. Rate.": "0.00\u00a0in",
    "Precip. Accum.": "0.01\u00a0in",
    "UV": 0,
    "Solar": "0\u00a0w/m²",
}
API = {
    "stationID": "ITESTB25",
    "obsTimeUtc": "2024-10-05T00:04:00Z",
    "obsTimeLocal": "2024-10-05 02:04:00",
    "humidityAvg": 87,
    "winddirAvg": 250,
    "uvHigh": 0.0,
    "solarRadiationHigh": 12.5,
    "metric": {"tempAvg": 13.8, "windspeedAvg": 36, "pressureMax": 1013, "pressureMin": 1012, "precipTotal": 0.5},
}


def without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def table_row(local: str, **more: Any) -> dict[str, Any]:
    day, _, clock = local.partition(" ")
    return {**TABLE, "Date": day, "Time": clock, **more}


# InfoClimat


def test_infoclimats_numbers_as_text_become_numbers_in_our_units() -> None:
    result = transform(batch_of([CLIMATE]))
    assert result.stamps == ["2024-10-05T00:00:00Z"]
    assert result.observations[0]["station_id"] == "07915"
    assert result.values() == {
        "air_temperature": 7.6,
        "dew_point_temperature": 5.9,
        "relative_humidity": 89.0,
        "air_pressure_at_mean_sea_level": 1020.7,
        "wind_speed": 1.0,
        "wind_speed_of_gust": 2.0,
        "wind_from_direction": 90.0,
        "precipitation_amount_1h": 0.0,
        "precipitation_amount_3h": 0.0,
        "visibility_in_air": 6000.0,
    }
    assert result.issues() == []
    assert result.observations[0]["source_row"] == "line 1"


@pytest.mark.parametrize(
    "row",
    [CLIMATE | {"pluie_1h": None}, CLIMATE | {"pluie_1h": ""}, without(CLIMATE, "pluie_1h")],
    ids=["null", "blank", "absent"],
)
def test_null_blank_and_an_absent_key_are_all_missing(row: dict[str, Any]) -> None:
    result = transform(batch_of([row]))
    assert "precipitation_amount_1h" not in result.values()
    assert len(result.values()) == 9
    assert result.issues() == []


def test_a_row_with_only_a_station_and_a_time_is_empty_and_counted() -> None:
    result = transform(batch_of([CLIMATE, {"id_station": "07915", "dh_utc": "2024-10-05 00:10:00", "temperature": ""}]))
    assert (result.rows_read, result.rows_empty, len(result.observations), result.rejected) == (2, 1, 1, [])


def test_station_ids_are_text() -> None:
    result = transform(batch_of([CLIMATE, CLIMATE | {"id_station": " 000T5 "}, CLIMATE | {"id_station": "iichte19"}]))
    assert [row["station_id"] for row in result.observations] == ["07915", "000T5"]
    assert [(row["code"], row["value"]) for row in result.rejected] == [("unknown_station", "iichte19")]
    numbers = transform(batch_of([CLIMATE | {"id_station": 7915}, CLIMATE | {"id_station": 7915.0}]))
    assert [(row["code"], row["value"]) for row in numbers.rejected] == [("unknown_station", "7915")] * 2


@pytest.mark.parametrize("station", [None, "", "  ", {"$gt": ""}, ["07915"], True])
def test_a_row_that_does_not_name_its_station_is_rejected(station: Any) -> None:
    result = transform(batch_of([CLIMATE | {"id_station": station}]))
    assert [(row["code"], row["reason"]) for row in result.rejected] == [
        ("no_station", "the row does not name its station")
    ]


@pytest.mark.parametrize(
    ("stamp", "code"),
    [
        ("soon", "bad_timestamp"),
        ("2025-02-29 00:00:00", "bad_timestamp"),
        ({"a": 1}, "bad_timestamp"),
        (None, "no_timestamp"),
    ],
)
def test_a_row_without_a_time_that_can_be_read_is_rejected(stamp: Any, code: str) -> None:
    result = transform(batch_of([CLIMATE | {"dh_utc": stamp}]))
    assert result.codes == [code]
    assert result.rejected[0]["position"] == "line 1"
    assert result.rejected[0]["field"] == "dh_utc"
    assert '"pression": "1020.7"' in result.rejected[0]["row"]


def test_a_row_that_names_another_station_than_the_one_it_stands_under_is_rejected() -> None:
    rows = [CLIMATE, CLIMATE | {"id_station": "00092"}, CLIMATE | {"id_station": "07915 "}]
    result = transform(batch_of(rows, groups=["07915", "07915", "07915"]))
    assert len(result.observations) == 2
    assert [(row["code"], row["value"], row["position"]) for row in result.rejected] == [
        ("station_mismatch", "00092", "line 2")
    ]


def test_unknown_columns_are_ignored() -> None:
    strange = {"pm25": 12, "__proto__": "x", "$where": "1", "a.b": {"c": [1]}, "": "?"}
    assert transform(batch_of([CLIMATE | strange])).values() == transform(batch_of([CLIMATE])).values()


def test_an_unreadable_value_becomes_a_parse_issue_and_the_row_is_kept() -> None:
    result = transform(batch_of([CLIMATE | {"temperature": "seven", "humidite": "dry"}]))
    assert result.issues() == [
        ("air_temperature", "seven", "not a number"),
        ("relative_humidity", "dry", "not a number"),
    ]
    assert result.values()["wind_speed"] == 1.0


def test_minus_zero_is_zero() -> None:
    value = transform(batch_of([CLIMATE | {"temperature": "-0.0"}])).values()["air_temperature"]
    assert str(value) == "0.0"


def test_a_value_that_airbyte_dropped_is_noted_as_lost_on_the_way() -> None:
    changes = [{"field": "temperature", "change": "NULLED", "reason": "DESTINATION_SERIALIZATION_ERROR"}]
    result = transform(batch_of([CLIMATE | {"temperature": None}, CLIMATE], changes=[changes, None]))
    reason = "lost on the way: NULLED, DESTINATION_SERIALIZATION_ERROR"
    assert result.issues(0) == [("air_temperature", "", reason)]
    assert result.issues(1) == []


@pytest.mark.parametrize("changes", ["text", ["text"], {"field": "Temperature"}, [{}], [{"field": 5}]])
@pytest.mark.parametrize("row", [CLIMATE, TABLE], ids=["InfoClimat", "Weather Underground"])
def test_changes_of_another_shape_do_not_crash(row: dict[str, Any], changes: Any) -> None:
    result = transform(batch_of([row], changes=[changes]))
    assert len(result.observations) == 1
    assert result.issues() == []


# Weather Underground's table


def test_the_tables_units_and_local_times_are_converted() -> None:
    result = transform(batch_of([TABLE]))
    assert result.stamps == ["2024-09-30T22:04:00Z"]
    assert result.observations[0]["station_id"] == "ITESTB25"
    assert result.values() == {
        "air_temperature": (56.8 - 32) / 1.8,
        "dew_point_temperature": (53.1 - 32) / 1.8,
        "relative_humidity": 87.0,
        "air_pressure_at_mean_sea_level": 29.48 * 33.86388640341,
        "wind_speed": 8.2 * 0.44704,
        "wind_speed_of_gust": 10.4 * 0.44704,
        "wind_from_direction": 247.5,
        "rainfall_rate": 0.0,
        "precipitation_counter": 0.01 * 25.4,
        "ultraviolet_index": 0.0,
        "surface_downwelling_shortwave_flux_in_air": 0.0,
    }
    assert result.issues() == []


@pytest.mark.parametrize(
    "spelled",
    [
        {"precip__rate_": "0.00 in", "precip__accum_": "0.01 in", "dew_point": "53.1 °F", "temperature": "56.8 °F"},
        {
            "PRECIP. RATE.": "0.00 in",
            "Precip. Accum.<br />": "0.01 in",
            "Dew  Point ": "53.1 °F",
            " temperature": "56.8 °F",
        },
    ],
)
def test_names_are_found_however_they_are_spelled(spelled: dict[str, str]) -> None:
    row = {**without(TABLE, "Precip. Rate.", "Precip. Accum.", "Dew Point", "Temperature"), **spelled}
    assert transform(batch_of([row])).values() == transform(batch_of([TABLE])).values()


def test_normalised_names() -> None:
    assert normalise_field("Precip. Rate.") == normalise_field("precip__rate_") == "preciprate"
    assert normalise_field("Solar<br/>") == "solar"


@pytest.mark.parametrize("value", [None, "", "--"])
def test_a_table_row_with_only_a_date_or_only_a_time_is_empty(value: str | None) -> None:
    nothing = dict.fromkeys(without(TABLE, "Time", "Date"), value)
    rows = [TABLE, {**nothing, "Time": "00:09:00", "Date": None}, {**nothing, "Time": None, "Date": "2024-10-01"}]
    result = transform(batch_of(rows))
    assert (result.rows_read, result.rows_empty, len(result.observations), result.rejected) == (3, 2, 1, [])


def test_calm_is_a_speed_of_zero_and_no_direction() -> None:
    values = transform(batch_of([TABLE | {"Wind": "Calm", "Speed": None}])).values()
    assert values["wind_speed"] == 0.0
    assert "wind_from_direction" not in values
    assert transform(batch_of([TABLE | {"Wind": "Calm"}])).values()["wind_speed"] == 8.2 * 0.44704


def test_a_bare_number_in_the_table_is_noted_but_a_uv_index_has_no_unit() -> None:
    result = transform(batch_of([TABLE | {"Temperature": "56.8", "UV": "3"}]))
    assert result.issues() == [("air_temperature", "56.8", "a number without a unit")]
    assert result.values()["ultraviolet_index"] == 3.0


def test_a_value_that_airbyte_dropped_from_a_table_is_noted() -> None:
    changes = [{"field": "Pressure", "change": "NULLED", "reason": "SOURCE_RETRIEVAL_ERROR"}]
    result = transform(batch_of([TABLE | {"Pressure": None}], changes=[changes]))
    assert result.issues() == [
        ("air_pressure_at_mean_sea_level", "", "lost on the way: NULLED, SOURCE_RETRIEVAL_ERROR")
    ]


def duplicated(first: str | None, second: str | None) -> Result:
    batch = batch_of([TABLE])
    again = batch_of([{"temperature": second}]).rows
    batch.rows = pd.concat([batch.rows.assign(Temperature=column_of(first)), again], axis=1)
    return transform(batch)


def column_of(text: str | None) -> pd.Series:
    return batch_of([{"x": text}]).rows["x"]


def test_two_columns_of_one_name_are_one_where_they_agree() -> None:
    assert duplicated("50 °F", "50 °F").values()["air_temperature"] == 10.0


@pytest.mark.parametrize(("first", "second"), [("50 °F", None), (None, "50 °F")])
def test_of_two_columns_of_one_name_each_may_have_what_the_other_lacks(first: Any, second: Any) -> None:
    assert duplicated(first, second).values()["air_temperature"] == 10.0


def test_two_spellings_of_one_member_are_one_where_no_row_has_two_values() -> None:
    """What a typed file declares after its tool has changed its names: the old rows have the one, the new the other."""
    members = [{"tempAvg": 10.0, "temp_avg": None}, {"tempAvg": None, "temp_avg": 11.0}]
    times = [{"obsTimeUtc": f"2024-10-01T00:0{minute}:00Z"} for minute in range(2)]
    rows = [without(API, "obsTimeLocal") | {"metric": one} | at for one, at in zip(members, times, strict=True)]
    result = transform(batch_of(rows))
    assert [result.values(number)["air_temperature"] for number in (0, 1)] == [10.0, 11.0]


def test_two_spellings_of_one_member_that_differ_reject_the_object() -> None:
    with pytest.raises(ObjectRejectedError) as caught:
        transform(batch_of([API | {"metric": {"tempAvg": 10.0, "temp_avg": 11.0}}]))
    assert (caught.value.code, caught.value.message) == (
        "duplicate_column",
        "the columns 'metric.tempAvg' and 'metric.temp_avg' are one field and their values differ; remove one",
    )


def test_two_columns_of_one_name_that_differ_reject_the_object() -> None:
    with pytest.raises(ObjectRejectedError) as caught:
        duplicated("50 °F", "51 °F")
    assert caught.value.code == "duplicate_column"
    assert caught.value.message == (
        "the columns 'Temperature' and 'temperature' are one field and their values differ; remove one"
    )


def test_a_table_whose_day_is_lost_is_rejected_and_says_what_to_do() -> None:
    with pytest.raises(ObjectRejectedError) as caught:
        transform(batch_of([without(TABLE, "Date")]))
    assert caught.value.code == "lost_day"
    assert "a time of day and no day" in caught.value.message
    assert "Put the workbook itself into the raw zone, or a Date column into the table" in caught.value.message


def test_the_sheets_name_is_the_day() -> None:
    result = transform(batch_of([without(TABLE, "Date")], sheet="021024"))
    assert result.stamps == ["2024-10-01T22:04:00Z"]


@pytest.mark.parametrize("name", ["Feuil1", "320124", "290225", "2024-10-01", "011024 (2)"])
def test_a_sheet_whose_name_is_not_a_day_is_rejected_by_its_name(name: str) -> None:
    with pytest.raises(ObjectRejectedError) as caught:
        transform(batch_of([without(TABLE, "Date")], sheet=name))
    assert caught.value.code == "lost_day"
    assert caught.value.message == (
        f"the name of sheet {name!r} is not a day (ddmmyy, such as 011024), and its rows have only times"
    )


def test_a_table_without_a_station_names_the_remedy() -> None:
    with pytest.raises(ObjectRejectedError) as caught:
        transform(batch_of([TABLE]), key="elsewhere/table.csv")
    assert caught.value.code == "no_station"
    assert "add the prefix to the station in the station registry" in caught.value.message


def test_a_table_may_name_its_stations() -> None:
    rows = [TABLE | {"Station": "ITESTA19"}, TABLE | {"Station": "NOWHERE1"}, TABLE | {"Station": ""}]
    result = transform(batch_of(rows), key="elsewhere/table.csv")
    # The key is below no station's prefix, so a row without a station has none.
    assert [row["station_id"] for row in result.observations] == ["ITESTA19"]
    assert sorted((row["code"], row["position"]) for row in result.rejected) == [
        ("no_station", "line 3"),
        ("unknown_station", "line 2"),
    ]


def test_an_unreadable_time_shows_what_was_found() -> None:
    result = transform(batch_of([TABLE | {"Time": "25:99"}]))
    assert [(row["code"], row["value"]) for row in result.rejected] == [("bad_timestamp", "25:99")]


def test_rows_of_no_known_network_are_rejected_with_their_columns() -> None:
    with pytest.raises(ObjectRejectedError) as caught:
        transform(batch_of([{"b": 1, "a": 2}]))
    assert caught.value.code == "unknown_layout"
    assert caught.value.message == (
        "no known network has rows with these columns: b, a. The key is that of station ITESTB25 (Weather Underground)"
    )


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (
            {"Date": "2024-10-01", "Heure": "00:04", "Temperature": "1 °C", "UV": "0", "Gust": "1 mph"},
            (
                "no known network has rows with these columns: Date, Heure, Temperature, UV, Gust. The nearest layout "
                "is Weather Underground's table: there is no column with the time (Time, DateTime, Timestamp); "
                "columns that it does not have: Heure"
            ),
        ),
        (
            {"Time": "00:04", "Temperature": "1 °C"},
            (
                "no known network has rows with these columns: Time, Temperature. The nearest layout is Weather "
                "Underground's table: it needs 3 of the columns Temperature, Dew Point, Humidity, Pressure, Speed, "
                "Gust, Wind, Precip. Rate., Precip. Accum., UV, Solar"
            ),
        ),
        (
            {"temperature": "7.6", "dh_utc": "2024-10-05 00:00:00", "pm25": "1"},
            (
                "no known network has rows with these columns: temperature, dh_utc, pm25. The nearest layout is "
                "InfoClimat: there is no column id_station; columns that it does not have: pm25"
            ),
        ),
        (
            {"obsTimeUtc": "2024-10-05T00:04:00Z", "humidityAvg": 87},
            (
                "no known network has rows with these columns: obsTimeUtc, humidityAvg. The nearest layout is Weather "
                "Underground's PWS API: there is no column stationID"
            ),
        ),
    ],
)
def test_what_the_nearest_layout_needs_is_named(row: dict[str, Any], words: str) -> None:
    with pytest.raises(ObjectRejectedError) as caught:
        transform(batch_of([row]), key="somewhere/a.jsonl")
    assert (caught.value.code, caught.value.message) == ("unknown_layout", words)


# The clock changes


def test_a_time_that_does_not_exist_is_quarantined_and_never_shifted() -> None:
    rows = [table_row("2024-03-31 01:59:00"), table_row("2024-03-31 02:30:00"), table_row("2024-03-31 03:00:00")]
    result = transform(batch_of(rows))
    assert result.stamps == ["2024-03-31T00:59:00Z", "2024-03-31T01:00:00Z"]
    assert [(row["code"], row["position"], row["value"]) for row in result.rejected] == [
        ("no_such_local_time", "line 2", "2024-03-31T02:30:00")
    ]


def in_order(clocks: Sequence[str], day: str = "2024-10-27", **more: Any) -> list[dict[str, Any]]:
    """A row for each of these times, each with another temperature: equal rows would be one that came twice."""
    rows = [table_row(f"{day} {clock}:00", **more) for clock in clocks]
    return [{**row, "Temperature": f"{50 + number / 10} °F"} for number, row in enumerate(rows)]


REPEATED = ["02:00", "02:30", "02:59", "02:00", "02:30", "02:59"]
REPEATED_UTC = ["00:00", "00:30", "00:59", "01:00", "01:30", "01:59"]


@pytest.mark.parametrize("cut", range(7))
def test_the_hour_that_occurs_twice_is_distinguished_by_order_even_over_two_batches(cut: int) -> None:
    rows = in_order(REPEATED)
    batches = [batch_of(rows[:cut]), batch_of(rows[cut:], first=cut + 1)]
    result = transform(*(batch for batch in batches if len(batch.rows)))
    found = {row["source_row"]: stamp for row, stamp in zip(result.observations, result.stamps, strict=True)}
    assert found == {f"line {index + 1}": f"2024-10-27T{clock}:00Z" for index, clock in enumerate(REPEATED_UTC)}
    assert (result.rows_read, result.rejected) == (6, [])


@pytest.mark.parametrize(
    "clocks",
    [
        ["02:00", "02:30"],
        ["02:30"],
        ["02:55", "02:00"],
        ["02:00", "02:30", "02:10", "02:40", "02:20"],
        ["02:00", "02:05", "02:05", "02:10"],
    ],
)
def test_where_order_cannot_tell_the_rows_are_rejected(clocks: list[str]) -> None:
    result = transform(batch_of([table_row(f"2024-10-27 {clock}:00") for clock in clocks]))
    assert result.codes == ["ambiguous_local_time"] * len(clocks)
    assert result.rejected[0]["reason"] == (
        "ambiguous local time: it occurs twice that day, and neither a UTC column nor the order of the rows shows which"
    )
    assert result.rejected[0]["value"] == f"2024-10-27T{clocks[0]}:00"
    assert result.observations == []


@given(
    st.integers(0, 288 * 2),
    st.integers(1, 400),
    st.sampled_from([datetime(2024, 3, 30, tzinfo=UTC), datetime(2024, 10, 26, tzinfo=UTC)]),
)
def test_a_series_written_in_local_time_gives_its_utc_times_back(start: int, length: int, day: datetime) -> None:
    series = [day + timedelta(minutes=5 * (start + step)) for step in range(length)]
    rows = [
        table_row(stamp.astimezone(PARIS).strftime("%Y-%m-%d %H:%M:%S"), Humidity=f"{number} %")
        for number, stamp in enumerate(series)
    ]
    result = transform(batch_of(rows))
    found = {row["source_row"]: row["timestamp"] for row in result.observations}
    sent = {f"line {index + 1}": stamp for index, stamp in enumerate(series)}
    assert found.items() <= sent.items()
    change = datetime(2024, 10, 27, 1, tzinfo=UTC)
    whole = series[0] < change <= series[-1] and length > 3
    if whole or not (change - timedelta(hours=1) <= series[-1] and series[0] < change + timedelta(hours=1)):
        assert found == sent
        assert result.rejected == []
    else:  # only one of the two passes is there, or two or three rows: nothing tells which
        assert set(result.codes) <= {"ambiguous_local_time"}


def test_a_table_with_the_newest_row_first_is_distinguished_as_well() -> None:
    rows = in_order(REPEATED[::-1])
    result = transform(batch_of(rows))
    assert sorted(result.stamps) == [f"2024-10-27T{clock}:00Z" for clock in REPEATED_UTC]
    assert [row["source_row"] for row in result.observations if row["timestamp"].hour == 0] == [
        "line 4",
        "line 5",
        "line 6",
    ]


def test_each_station_has_its_own_order() -> None:
    rows = in_order(REPEATED, Station="ITESTB25")
    others = in_order(REPEATED[::-1], Station="ITESTA19")
    mixed = [row for pair in zip(rows, others, strict=True) for row in pair]
    result = transform(batch_of(mixed))
    stamps = [f"2024-10-27T{clock}:00Z" for clock in REPEATED_UTC]
    assert sorted(result.stamps) == sorted([*stamps, *stamps])
    assert result.rejected == []


def test_an_hour_that_will_occur_twice_is_in_the_future() -> None:
    rows = in_order(REPEATED, "2025-10-26")
    result = transform(batch_of(rows))
    assert result.codes == ["future_timestamp"] * 6
    assert result.rejected[0]["reason"] == "more than 10 minutes in the future"
    assert result.observations == []


def test_more_rows_than_a_station_has_in_that_hour_reject_the_object(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forecast.transform.values.dst.MAX_HELD_ROWS", 5)
    rows = in_order(REPEATED)
    with pytest.raises(ObjectRejectedError) as caught:
        transform(batch_of(rows))
    assert caught.value.code == "too_many_ambiguous_times"
    assert caught.value.message == "more than 5 rows with a local time that occurs twice; give the times in UTC"


# A row's own UTC time


def test_where_a_row_has_no_utc_time_its_local_one_is_taken() -> None:
    rows = [TABLE | {"DateUTC": "2024-09-30 22:04:30"}, TABLE | {"DateUTC": None}, TABLE | {"DateUTC": "soon"}]
    result = transform(batch_of(rows))
    assert result.stamps == ["2024-09-30T22:04:30Z", "2024-09-30T22:04:00Z"]
    assert result.codes == ["bad_timestamp"]


def test_a_table_with_utc_times_needs_no_day() -> None:
    rows = [without(TABLE, "Date") | {"DateUTC": "2024-09-30 22:04:00"}, without(TABLE, "Date") | {"DateUTC": None}]
    result = transform(batch_of(rows))
    assert result.stamps == ["2024-09-30T22:04:00Z"]
    assert result.codes == ["no_timestamp"]


# The PWS API


def test_the_apis_metric_response_is_read() -> None:
    result = transform(batch_of([API]))
    assert result.stamps == ["2024-10-05T00:04:00Z"]
    assert result.values() == {
        "air_temperature": 13.8,
        "relative_humidity": 87.0,
        "air_pressure_at_mean_sea_level": 1012.5,
        "wind_speed": 10.0,
        "wind_from_direction": 250.0,
        "precipitation_counter": 0.5,
        "ultraviolet_index": 0.0,
        "surface_downwelling_shortwave_flux_in_air": 12.5,
    }


@pytest.mark.parametrize(
    ("system", "members", "values"),
    [
        ("imperial", {"temp": 50, "windSpeed": 10, "pressure": 30}, (10.0, 4.4704, 30 * 33.86388640341)),
        ("uk_hybrid", {"temp": 10, "windSpeed": 10, "pressure": 1013}, (10.0, 4.4704, 1013.0)),
        ("metric_si", {"temp": 10, "windSpeed": 10, "pressure": 1013}, (10.0, 10.0, 1013.0)),
        ("metric", {"temp": 10, "windSpeed": 36, "pressure": 1013}, (10.0, 10.0, 1013.0)),
    ],
)
def test_each_unit_system_of_the_api(system: str, members: dict[str, float], values: tuple[float, ...]) -> None:
    found = transform(batch_of([{**without(API, "metric"), system: members}])).values()
    assert (found["air_temperature"], found["wind_speed"], found["air_pressure_at_mean_sea_level"]) == values


def test_history_and_current_rows_in_one_object_both_give_their_values() -> None:
    now = {**API, "metric": {"temp": 5.0, "pressure": 1000.0}}
    result = transform(batch_of([API, now]))
    assert [result.values(row)["air_temperature"] for row in (0, 1)] == [13.8, 5.0]
    assert [result.values(row)["air_pressure_at_mean_sea_level"] for row in (0, 1)] == [1012.5, 1000.0]


def test_an_api_row_with_nothing_but_its_time_is_empty() -> None:
    nothing = {
        "stationID": "ITESTB25",
        "obsTimeUtc": "2024-10-05T00:04:00Z",
        "humidityAvg": None,
        "metric": {"tempAvg": None},
    }
    result = transform(batch_of([API, nothing]))
    assert (result.rows_read, result.rows_empty, len(result.observations)) == (2, 1, 1)


def test_the_key_that_gives_a_station_is_the_registrys() -> None:
    assert TABLE_KEY.startswith("wunderground/ITESTB25/")


@pytest.mark.parametrize(
    ("network", "own_id", "row"),
    [
        ("DWD", "00003", {"STATIONS_ID": 3, "MESS_DATUM": "2024100100", "QN_9": 3, "TT_TU": 7.0, "RF_TU": 80.0}),
        ("Météo-France SYNOP", "07991", {"numer_sta": 7991, "date": "20241001000000", "cod_tend": 2, "t": 280.15}),
        (
            "Météo-France SYNOP",
            "07991",
            {"geo_id_wmo": 7991, "validity_time": "2024-10-01T00:00:00Z", "cod_tend": 2, "t": 280.15},
        ),
        ("Météo-France hourly data", "01014002", {"NUM_POSTE": 1014002, "AAAAMMJJHH": "2024100100", "T": 7.0}),
        ("Météo-France hourly data", "01014002", {"POSTE": 1014002, "DATE": "2024100100", "T": "7,0"}),
        (
            "Météo-France observations",
            "01014002",
            {"geo_id_insee": 1014002, "validity_time": "2024-10-01T00:00:00Z", "rr1": 0.0, "t": 280.15},
        ),
    ],
)
def test_an_id_that_a_tool_has_read_as_a_number_gets_its_zeros_back(
    network: str, own_id: str, row: dict[str, Any]
) -> None:
    name = NETWORKS.id_prefixes[network] + own_id
    stations = Stations({name: station(name, network=network, network_id=own_id)})
    result = transform(batch_of([row]), key="a.parquet", stations=stations)
    assert [row["station_id"] for row in result.observations] == [name]
    assert result.values()["air_temperature"] == pytest.approx(7.0)
