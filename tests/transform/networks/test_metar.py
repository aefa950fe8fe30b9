"""METAR reports, from aviationweather's JSON and its cache as CSV or as text, become observations."""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.core.raw_objects import RawObject
from forecast.core.settings import Limits
from forecast.core.stations import Stations
from forecast.extract import extract
from forecast.networks.metar.report import NoReportError, cells_of
from forecast.networks.registry import NETWORKS
from forecast.transform import ObjectTransformer
from forecast.transform.values.month_days import read_month_days
from tests.networks import network, station
from tests.real_files import real_files
from tests.transform.samples import NOW, Result

KEY = "metar/reports"
EXTRACTED = datetime(2024, 10, 17, 6, 5, tzinfo=UTC)
HPA, KT, MI = 33.86388640341, 1852 / 3600, 1609.344
CACHES = real_files("metar/metars.cache-*.csv")
LILLE = "LFQZ 170600Z AUTO 24007KT 9999 FEW030 SCT050 11/M02 Q1013 NOSIG"
NEW_YORK = "KJFK 170551Z 36007G15KT 10SM FEW085 SCT250 11/07 A2979 RMK AO2 SLP086 T01110072 10144 20106 53017"
# As the API answers, but for members that are empty.
KNOXVILLE: dict[str, Any] = {
    "icaoId": "KTYS", "receiptTime": "2026-01-14T22:56:53.763Z", "obsTime": 1768431180,
    "reportTime": "2026-01-14T23:00:00.000Z", "temp": 6.7, "dewp": 3.9, "wdir": 210, "wspd": 12, "visib": "10+",
    "altim": 1005.2, "slp": 1004.9, "qcField": 4, "precip": 0.01, "metarType": "METAR",
    "rawOb": "METAR KTYS 142253Z 21012KT 10SM BKN026 OVC034 07/04 A2968 RMK AO2 RAE04 SLP049 P0001 T00670039",
    "lat": 35.818, "lon": -83.9857, "elev": 300, "name": "Knoxville/Tyson Arpt, TN, US", "cover": "OVC",
    "clouds": [{"cover": "BKN", "base": 2600}, {"cover": "OVC", "base": 3400}], "fltCat": "MVFR",
}  # fmt: skip
JEREZ: dict[str, Any] = KNOXVILLE | {
    "icaoId": "LEJR", "obsTime": 1768433400, "temp": 22, "dewp": 13, "wdir": "VRB", "wspd": 3, "wgst": None,
    "visib": 4.35, "altim": 1015, "slp": None, "metarType": "SPECI", "clouds": [],
    "rawOb": "SPECI LEJR 142330Z VRB03KT 7000 FEW050 22/13 Q1015",
}  # fmt: skip

LATER_IN_JEREZ: dict[str, Any] = JEREZ | {
    "obsTime": 1768431600, "rawOb": "SPECI LEJR 142300Z VRB03KT 7000 FEW050 22/13 Q1015",
}  # fmt: skip


def registry(names: Iterable[str]) -> Stations:
    plain = replace(station("metar-0"), network="METAR")
    return network(*(replace(plain, id=f"metar-{name}", network_id=name) for name in sorted(set(names))))


STATIONS = registry(("LFQZ", "EBBZ", "KJFK", "KTYS", "LEJR"))


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., tuple[Result, ObjectTransformer]]:
    """What extract and transform make of an object that was extracted at some time."""

    def read(
        content: str | bytes, at: datetime = EXTRACTED, now: datetime = NOW, stations: Stations = STATIONS
    ) -> tuple[Result, ObjectTransformer]:
        data = content.encode() if isinstance(content, str) else content
        path = tmp_path / "object"
        path.write_bytes(data)
        transformer = ObjectTransformer(KEY, stations, now)
        return Result.of(
            transformer, extract(path, RawObject(KEY, "a", len(data), "etag", at), NETWORKS, Limits(), now)
        ), transformer

    return read


Read = Callable[..., tuple[Result, ObjectTransformer]]


def test_a_report_in_knots_metres_and_hectopascals(read: Read) -> None:
    result, transformer = read(f"METAR {LILLE}=\n")
    assert (result.stamps, result.rejected) == (["2024-10-17T06:00:00Z"], [])
    assert result.observations[0]["station_id"] == "metar-LFQZ"
    assert result.values() == pytest.approx(
        {
            "air_temperature": 11.0,
            "dew_point_temperature": -2.0,
            "air_pressure_at_mean_sea_level_qnh": 1013.0,
            "wind_speed": 7 * KT,
            "wind_from_direction": 240.0,
            "visibility_in_air": 10_000.0,
        }
    )
    assert (result.issues(), transformer.reading.unknown) == ([], {})


def test_remarks_of_the_usa_tell_tenths_and_the_pressure_at_sea_level_beside_the_qnh(read: Read) -> None:
    result, _ = read(f"{NEW_YORK}\n")
    assert result.stamps == ["2024-10-17T05:51:00Z"]
    assert result.values() == pytest.approx(
        {
            "air_temperature": 11.1,
            "dew_point_temperature": 7.2,
            "air_pressure_at_mean_sea_level": 1008.6,
            "air_pressure_at_mean_sea_level_qnh": 29.79 * HPA,
            "wind_speed": 7 * KT,
            "wind_speed_of_gust": 15 * KT,
            "wind_from_direction": 360.0,
            "visibility_in_air": 10 * MI,
        }
    )


@pytest.mark.parametrize(
    ("group", "cells"),
    [
        ("00000KT", {"wind_direction": "000", "wind_speed": "00 kt", "wind_gust": None}),
        ("VRB05G11KT", {"wind_direction": "VRB", "wind_speed": "05 kt", "wind_gust": "11 kt"}),
        ("24010MPS", {"wind_direction": "240", "wind_speed": "10 m/s", "wind_gust": None}),
        ("24036KMH", {"wind_direction": "240", "wind_speed": "36 km/h", "wind_gust": None}),
        ("240P99KT", {"wind_direction": "240", "wind_speed": "P99 kt", "wind_gust": None}),
        ("/////KT", {"wind_direction": None, "wind_speed": None, "wind_gust": None}),
        ("///04KT", {"wind_direction": None, "wind_speed": "04 kt", "wind_gust": None}),
        ("NE-04KT", {"wind_speed": "NE-04KT"}),
        ("09004", {"wind_speed": "09004"}),
        ("CAVOK", {"visibility": "10000 m"}),
        ("9999", {"visibility": "10000 m"}),
        ("9000NDV", {"visibility": "9000 m"}),
        ("M0400", {"visibility": "0400 m"}),
        ("0300 R24/0900VP2000U", {"visibility": "0300 m"}),
        ("1 3/4SM", {"visibility": "1.75 mi"}),
        ("M1/4SM", {"visibility": "0.25 mi"}),
        ("15SM", {"visibility": "15 mi"}),
        ("30KM", {"visibility": "30KM"}),
        ("////SM", {"visibility": None}),
        ("9000N", {"visibility": "9000N"}),
        ("00/M00", {"temperature": "00", "dew_point": "-00"}),
        ("M05/", {"temperature": "-05", "dew_point": None}),
        ("35///", {"temperature": "35", "dew_point": None}),
        ("/////", {"temperature": None, "dew_point": None}),
        ("17/13 RMK AO2 T01771036", {"temperature": "17.7", "dew_point": "13 and -03.6"}),
        ("17/ RMK AO2 T0171////", {"temperature": "17.1", "dew_point": None}),
        ("M00/M01 RMK T10041012", {"temperature": "-00.4", "dew_point": "-01.2"}),
        ("Q0995", {"qnh": "0995 hPa"}),
        ("Q1010.3", {"qnh": "1010.3 hPa"}),
        ("Q////", {"qnh": None}),
        ("A2O97", {"qnh": "A2O97"}),
        ("A2945 RMK SLP982", {"qnh": "29.45 inHg", "sea_level_pressure": "998.2 hPa"}),
        ("A2778 RMK SLP408", {"qnh": "27.78 inHg", "sea_level_pressure": "940.8 hPa"}),
        ("A3100 RMK SLP508", {"qnh": "31.00 inHg", "sea_level_pressure": "1050.8 hPa"}),
        ("A2497 RMK SLP382", {"qnh": "24.97 inHg", "sea_level_pressure": "1038.2 hPa"}),
        ("RMK SLP511", {"sea_level_pressure": "951.1 hPa"}),
        ("RMK SLPNO", {}),
        ("2107KT", {"wind_speed": "2107KT without a direction"}),
        ("12KT", {"wind_speed": "12KT without a direction"}),
        ("XX/05", {"dew_point": "05"}),
        ("08/5", {"temperature": "08/5"}),
        ("+8/M1", {"temperature": "+8/M1"}),
        ("08/5 RMK T00780050", {"temperature": "07.8", "dew_point": "05.0"}),
        ("///015 R27/0600 W15/S2 8829//99 //////CB", {}),
        ("Q13", {"qnh": "Q13"}),
        ("Q1013 TEMPO 24025G40KT 1500 Q0999", {"qnh": "1013 hPa"}),
    ],
)
def test_each_group_of_a_report_is_read_as_the_codes_say(group: str, cells: dict[str, str | None]) -> None:
    nothing = cells_of("EBBZ 170620Z AUTO")
    assert nothing == {**dict.fromkeys(nothing), "station": "EBBZ", "day_time": "170620", "report": "EBBZ 170620Z AUTO"}
    found = cells_of(f"EBBZ 170620Z AUTO {group}")
    assert {
        name: cell for name, cell in found.items() if cell is not None and name not in ("station", "day_time", "report")
    } == {name: cell for name, cell in cells.items() if cell is not None}


@pytest.mark.parametrize("rest", ["2", "230", "AUTO 2300", "COR VRB", "M", "AUTO XXXX", "&&&"])
def test_a_report_of_which_no_group_can_be_read_is_quarantined_and_not_empty(read: Read, rest: str) -> None:
    result, _ = read(f"{LILLE}\nEBBZ 170600Z {rest}")
    assert (result.rows_read, result.rows_empty, result.stamps) == (2, 0, ["2024-10-17T06:00:00Z"])
    assert [(row["position"], row["code"], row["reason"]) for row in result.rejected] == [
        ("line 2", "malformed_record", f"none of its groups can be read: {rest!r}")
    ]


@pytest.mark.parametrize(
    "rest", ["", "AUTO", "NIL", "AUTO //////KT //// // Q//// $", "FEW030 -RA", "+TSRA BKN010CB", "NOSIG"]
)
def test_a_report_without_measurements_is_empty(read: Read, rest: str) -> None:
    result, _ = read(f"{LILLE}\nEBBZ 170600Z {rest}")
    assert (result.rows_read, result.rows_empty, result.rejected) == (2, 1, [])


@pytest.mark.parametrize(
    ("rest", "unread"),
    [
        ("24007", {"wind_speed": "24007"}),
        ("24007K", {"wind_speed": "24007K without a direction"}),
        ("24007KT 9", {"visibility_in_air": "9"}),
        ("24007KT 210V270 999", {"visibility_in_air": "999"}),
        ("24007KT 10S", {"visibility_in_air": "10S"}),
        ("24007KT 9999 FEW030 1", {"air_temperature": "1 cut off"}),
        ("24007KT 9999 FEW030 M11", {"air_temperature": "M11 cut off"}),
        ("24007KT 10SM 11/0", {"air_temperature": "11/0"}),
        ("24007KT 10SM 11/07 Q1", {"air_pressure_at_mean_sea_level_qnh": "Q1"}),
        ("24007KT 10SM 11/07 A297", {"air_pressure_at_mean_sea_level_qnh": "A297"}),
    ],
)
def test_the_rest_of_a_truncated_group_is_a_parse_issue_and_not_a_value(
    read: Read, rest: str, unread: dict[str, str]
) -> None:
    result, _ = read(f"{NEW_YORK}\nLFQZ 170600Z AUTO {rest}")
    assert {parameter: raw for parameter, raw, _ in result.issues(1)} == unread
    assert not unread.keys() & result.values(1).keys()


@pytest.mark.parametrize("text", [LILLE, NEW_YORK.partition(" RMK")[0]])
def test_however_much_is_left_of_a_report_its_values_are_those_of_the_whole(read: Read, text: str) -> None:
    other = "EBBZ 170600Z 12010KT Q1013\n"
    whole, _ = read(other + text)
    for end in range(len("LFQZ 170600Z "), len(text)):
        part, _ = read(other + text[:end])
        assert part.rows_read == 2
        for at in range(1, len(part.observations)):
            assert part.values(at).items() <= whole.values(1).items(), text[:end]


def test_only_an_unreadable_group_is_missing_and_it_is_a_parse_issue(read: Read) -> None:
    result, transformer = read("LFQZ 170600Z 12010KTG20KT 9000N 11/09 Q1013\nEBBZ 170600Z VRB02KT CAVOK 11/09 Q1013\n")
    assert [result.values(row).keys() for row in (0, 1)] == [
        {"air_temperature", "dew_point_temperature", "air_pressure_at_mean_sea_level_qnh"},
        {
            *("air_temperature", "dew_point_temperature", "air_pressure_at_mean_sea_level_qnh"),
            *("wind_speed", "visibility_in_air"),
        },
    ]
    assert result.issues(0) == [
        ("wind_speed", "12010KTG20KT", "unknown unit 'KTG20KT'"),
        ("visibility_in_air", "9000N", "unknown unit 'N'"),
    ]
    assert result.issues(1) == [("wind_from_direction", "VRB", "a variable wind has no direction")]
    assert (
        transformer.reading.parameters["wind_speed"].cells,
        transformer.reading.parameters["wind_speed"].values,
    ) == (2, 1)


@pytest.mark.parametrize(("group", "unit"), [("2107KT", "KT"), ("24007KPH", "KPH"), ("24007MPH", "MPH")])
def test_a_wind_with_a_missing_digit_or_another_unit_is_not_a_storm(read: Read, group: str, unit: str) -> None:
    result, _ = read(f"LFQZ 170600Z {group} CAVOK 11/09 Q1013\n")
    assert "wind_speed" not in result.values(0)
    assert result.issues(0) == [
        ("wind_speed", f"{group} without a direction", f"unknown unit '{unit} without a direction'")
    ]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize(
    "text", [f"METAR {LILLE}=\n", f"raw_text,station_id,observation_time\n{LILLE},LFQZ,2024-10-17T06:00:00Z"]
)
def test_text_that_windows_has_saved_is_read(read: Read, text: str, encoding: str) -> None:
    result, _ = read(text.encode(encoding))
    assert (result.stamps, result.rejected) == (["2024-10-17T06:00:00Z"], [])


@pytest.mark.parametrize(
    ("day_time", "extracted", "stamp"),
    [
        ("312350", datetime(2025, 1, 1, 0, 10, tzinfo=UTC), "2024-12-31T23:50:00Z"),
        ("290000", datetime(2024, 3, 1, 0, 30, tzinfo=UTC), "2024-02-29T00:00:00Z"),
        ("010000", datetime(2024, 9, 30, 23, 55, tzinfo=UTC), "2024-10-01T00:00:00Z"),
        ("021200", datetime(2024, 10, 17, 12, 0, tzinfo=UTC), "2024-10-02T12:00:00Z"),
    ],
)
def test_the_month_of_a_report_is_the_one_in_which_it_was_extracted_or_that_before(
    read: Read, day_time: str, extracted: datetime, stamp: str
) -> None:
    result, _ = read(
        f"LFQZ {day_time}Z 24007KT CAVOK 11/09 Q1013\n", at=extracted, now=datetime(2026, 1, 1, tzinfo=UTC)
    )
    assert (result.stamps, result.rejected) == ([stamp], [])


@pytest.mark.parametrize("day_time", ["021159", "310600", "320600", "000600", "172400", "170660", "180600"])
def test_a_day_outside_the_previous_two_weeks_is_quarantined_and_never_guessed(read: Read, day_time: str) -> None:
    text = f"{LILLE}\nLFQZ {day_time}Z 24007KT CAVOK 11/09 Q1013\n"
    result, _ = read(text, at=datetime(2024, 10, 17, 12, 0, tzinfo=UTC))
    assert result.stamps == ["2024-10-17T06:00:00Z"]
    assert [(row["code"], row["field"], row["value"]) for row in result.rejected] == [
        ("bad_timestamp", "day_time", day_time)
    ]
    assert "15 days before the row was extracted" in result.rejected[0]["reason"]


@given(
    st.datetimes(datetime(2001, 1, 1), datetime(2030, 1, 1)),
    st.integers(0, 7 * 24 * 60),
)
def test_every_time_of_the_week_before_is_found_again(extracted: datetime, minutes_before: int) -> None:
    at = np.datetime64(extracted, "s")
    wanted = (at - np.timedelta64(minutes_before, "m")).astype("datetime64[m]")
    text = wanted.astype(datetime).strftime("%d%H%M")
    found = read_month_days(pa.array([text, f"{text}Z"]), np.array([at, at]), 8)
    assert found.moments.tolist() == [wanted.astype("datetime64[s]").astype(datetime)] * 2


def test_bulletins_have_headings_reports_of_several_lines_and_forecasts_among_them(read: Read) -> None:
    lines = (
        *("\x01", "431", "SAFR31 LFPW 170600 COR", "METAR", "LFQZ 170600Z 24007KT", "     9999 11/M02 Q1013="),
        *(
            "EBBZ 170620Z NIL=",
            "EBBZ 170650Z 00000KT CAVOK 10/09 Q1012= SPECI EBBZ 170655Z 01002KT CAVOK 10/09",
            " Q1011",
        ),
        *("TAF LFQZ 170500Z 1706/1812 24010KT CAVOK=", "\x03"),
    )
    result, _ = read("\r\r\n".join(lines), at=datetime(2024, 10, 17, 7, tzinfo=UTC))
    assert result.stamps == [f"2024-10-17T06:{minute}:00Z" for minute in ("00", "50", "55")]
    assert [row["source_row"] for row in result.observations] == ["line 5", "line 8", "line 8"]
    assert [result.values(row)["air_pressure_at_mean_sea_level_qnh"] for row in range(3)] == [1013.0, 1012.0, 1011.0]
    assert (result.rows_empty, result.rows_read) == (1, 5)
    assert [(row["position"], row["code"], row["reason"]) for row in result.rejected] == [
        ("line 10", "malformed_record", "a TAF, which is a forecast and not an observation")
    ]


def test_a_report_with_a_nul_character_is_quarantined_alone(read: Read) -> None:
    result, _ = read(f"{LILLE}=\nEBBZ 170600Z 24007KT CAVOK 1\x001/09 Q1013=\n")
    assert result.stamps == ["2024-10-17T06:00:00Z"]
    assert [(row["position"], row["reason"]) for row in result.rejected] == [
        ("line 2", "a NUL character in the report")
    ]


def test_a_date_above_a_report_counts_whenever_the_file_was_copied(read: Read) -> None:
    result, _ = read(f"2023/10/17 06:00\n{LILLE}\n\n2023/10/17 05:50\n{NEW_YORK}\n\n")
    assert result.stamps == ["2023-10-17T06:00:00Z"]
    assert [row["reason"] for row in result.rejected] == [
        "the report states day and time 170551, but next to it is 2023-10-17T05:50:00Z"
    ]


def test_a_correction_counts_and_what_it_corrects_is_quarantined(read: Read) -> None:
    reports = [
        "LFQZ 170600Z 24007KT CAVOK 13/09 Q1013",
        "LFQZ 170600Z COR 24007KT CAVOK 11/09 Q1013",
        "METAR COR EBBZ 170600Z 24007KT CAVOK 12/09 Q1013",
        "METAR EBBZ 170600Z 24007KT CAVOK 21/09 Q1013 RMK COR 0610",
        "KJFK 170551Z CCB 24007KT 10SM 12/09 A2979",
        "KJFK 170551Z CCA 24007KT 10SM 14/09 A2979",
    ]
    for text in (reports, reports[::-1]):
        result, _ = read("\n".join(text))
        kept = {row["station_id"]: row["air_temperature"] for row in result.observations}
        assert kept == {"metar-LFQZ": 11.0, "metar-EBBZ": 12.0, "metar-KJFK": 12.0}
        assert sorted((row["code"], row["value"][:23]) for row in result.rejected) == [
            ("corrected", "KJFK 170551Z CCA 24007K"),
            ("corrected", "LFQZ 170600Z 24007KT CA"),
            ("corrected", "METAR EBBZ 170600Z 2400"),
        ]


def in_envelopes(rows: list[dict[str, Any]]) -> str:
    envelope = {"_airbyte_raw_id": "a", "_airbyte_extracted_at": 1768435200000, "_airbyte_generation_id": 1}
    return "\n".join(json.dumps({**envelope, "_airbyte_data": row}) for row in rows)


@pytest.mark.parametrize("written", [json.dumps, in_envelopes], ids=["answer", "Airbyte"])
def test_the_apis_json_is_read_as_its_units_are(read: Read, written: Callable[[Any], str]) -> None:
    now = datetime(2026, 1, 15, tzinfo=UTC)
    result, transformer = read(written([KNOXVILLE, JEREZ, LATER_IN_JEREZ | {"visib": "6+"}]), at=now, now=now)
    assert result.stamps == ["2026-01-14T22:53:00Z", "2026-01-14T23:30:00Z", "2026-01-14T23:00:00Z"]
    assert result.values(0) == pytest.approx(
        {
            "air_temperature": 6.7,
            "dew_point_temperature": 3.9,
            "air_pressure_at_mean_sea_level": 1004.9,
            "air_pressure_at_mean_sea_level_qnh": 1005.2,
            "wind_speed": 12 * KT,
            "wind_from_direction": 210.0,
            "visibility_in_air": 10 * MI,
        }
    )
    assert result.values(1) == pytest.approx(
        {
            "air_temperature": 22.0,
            "dew_point_temperature": 13.0,
            "air_pressure_at_mean_sea_level_qnh": 1015.0,
            "wind_speed": 3 * KT,
            "visibility_in_air": 4.35 * MI,
        }
    )
    assert result.values(2)["visibility_in_air"] == 10_000.0
    assert result.issues(0) == []
    assert result.issues(1) == [("wind_from_direction", "VRB", "a variable wind has no direction")]
    assert (result.rejected, transformer.reading.unknown) == ([], {})


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"icaoId": "KJFK"}, "contradicting_stations"),
        ({"obsTime": 1768431180 + 86_400}, "contradicting_times"),
        ({"obsTime": 1768431180 + 3_600}, "contradicting_times"),
        ({"obsTime": 1768431180 - 60}, "contradicting_times"),
    ],
    ids=["station", "day", "hour", "minute"],
)
def test_a_report_under_another_station_or_time_than_its_own_is_quarantined(
    read: Read, changes: dict[str, Any], code: str
) -> None:
    now = datetime(2026, 1, 16, tzinfo=UTC)
    result, _ = read(json.dumps([KNOXVILLE | changes, JEREZ]), at=now, now=now)
    assert (result.stamps, result.codes) == (["2026-01-14T23:30:00Z"], [code])


@pytest.mark.parametrize(
    "text", [None, "", "NIL", "METAR COR KTYS 142253Z 21012KT", "KTYS 142253Z", "SPECI KTYS COR 142253Z 0"]
)
def test_a_report_with_the_same_station_and_time_or_none_contradicts_nothing(read: Read, text: str | None) -> None:
    now = datetime(2026, 1, 16, tzinfo=UTC)
    result, _ = read(json.dumps([KNOXVILLE | {"rawOb": text}]), at=now, now=now)
    assert (result.stamps, result.rejected) == (["2026-01-14T22:53:00Z"], [])


def test_a_correction_in_the_apis_json_is_reported_by_its_text(read: Read) -> None:
    now = datetime(2026, 1, 15, tzinfo=UTC)
    wrong = KNOXVILLE | {"temp": 16.7, "rawOb": KNOXVILLE["rawOb"].replace("T0067", "T0167")}
    right = KNOXVILLE | {"rawOb": KNOXVILLE["rawOb"].replace("142253Z", "142253Z COR")}
    result, _ = read(json.dumps([right, wrong]), at=now, now=now)
    assert [row["air_temperature"] for row in result.observations] == [6.7]
    assert [(row["code"], row["field"], row["position"]) for row in result.rejected] == [("corrected", "rawOb", "[1]")]


@pytest.mark.parametrize(
    "row",
    [
        {"obsTime": "soon"},
        {"obsTime": None},
        {"icaoId": None},
        {"icaoId": "XXXX"},
        {"obsTime": 1768431180 + 864_000},
    ],
)
def test_a_row_without_its_time_or_station_is_quarantined_alone(read: Read, row: dict[str, Any]) -> None:
    now = datetime(2026, 1, 15, tzinfo=UTC)
    result, _ = read(json.dumps([KNOXVILLE, KNOXVILLE | row]), at=now, now=now)
    assert (len(result.observations), len(result.rejected)) == (1, 1)


CACHE = (
    "No errors\nNo warnings\n3 ms\ndata source=metars\n3 results\n"
    "raw_text,station_id,observation_time,latitude,longitude,temp_c,wind_dir_degrees,sky_cover,sky_cover\n"
    f'"METAR {LILLE}",LFQZ,2024-10-17T06:00:00.000Z,50.56,3.09,11,240,FEW,SCT\n\n'
    f"{NEW_YORK},KJFK,2024-10-17T05:52:00Z,40.6,-73.8,11.1,0,FEW,SCT\n"
    "EBBZ 170620Z VRB02KT CAVOK 10/09 Q1012,EBBZ,2024-10-17T06:20:00Z,50.9,4.5,10,0,,\n"
    "EBBZ 170650Z VRB02KT CAVOK 10/09 Q1012,EBAW,2024-10-17T06:50:00Z,50.9,4.5,10,0,,\n"
    "META CHECK TEXT,META,2024-10-17T06:20:00Z,,,,,,\n"
    "a torn line\n"
)


@pytest.mark.parametrize("pack", [str.encode, lambda text: gzip.compress(text.encode())], ids=["plain", "gzip"])
def test_the_cache_is_read_from_the_text_of_its_reports(read: Read, pack: Callable[[str], bytes]) -> None:
    result, _ = read(pack(CACHE))
    assert [(row["station_id"], stamp) for row, stamp in zip(result.observations, result.stamps, strict=True)] == [
        ("metar-LFQZ", "2024-10-17T06:00:00Z"),
        ("metar-EBBZ", "2024-10-17T06:20:00Z"),
    ]
    assert result.values(0)["air_pressure_at_mean_sea_level_qnh"] == 1013.0
    assert "wind_from_direction" not in result.values(1)
    assert [(row["position"], row["reason"]) for row in result.rejected] == [
        ("line 9", "the report states day and time 170551, but next to it is 2024-10-17T05:52:00Z"),
        ("line 11", "the report is one of EBBZ, but station_id is EBAW"),
        ("line 12", "not a METAR or SPECI: station and time (DDHHMMZ) are not at its beginning"),
        ("line 13", "fewer cells than raw_text, station_id and observation_time"),
    ]


def test_two_caches_one_after_another_have_no_rows_for_their_headers(read: Read) -> None:
    header, report = "raw_text,station_id,observation_time", f"{LILLE},LFQZ,2024-10-17T06:00:00Z"
    result, _ = read(f"{header}\n{report}\n{header}\n{report}\n")
    assert (result.rows_read, result.rejected) == (2, [])


@pytest.mark.parametrize(
    "start", ["TAF LFQZ 170500Z 1706/1812 24010KT CAVOK=\n", "station;LFQZ 170600Z\n", '{"a": "LFQZ 170600Z"}']
)
def test_a_file_that_does_not_begin_with_a_report_is_not_a_file_of_reports(start: str) -> None:
    assert not any(own.sniff(start.encode()) for known in NETWORKS if known.name == "METAR" for own in known.formats)


@given(st.text(alphabet="0123456789/QAMKTSZGVRBPNDXC .=", max_size=80))
def test_any_text_is_a_report_or_an_error(text: str) -> None:
    try:
        cells = cells_of(f"LFQZ 170600Z {' '.join(text.split())}")
    except NoReportError as error:
        assert "none of its groups can be read" in str(error)
        return
    assert (cells["station"], cells["day_time"]) == ("LFQZ", "170600")
    with pytest.raises(NoReportError):
        cells_of(f"LFQZ {text}")


def independent(row: Mapping[str, str]) -> dict[str, float]:
    """The values of a row of a real cache from the columns that aviationweather itself decoded, in our units."""
    factors = {
        "temp_c": ("air_temperature", 1.0),
        "dewpoint_c": ("dew_point_temperature", 1.0),
        "wind_dir_degrees": ("wind_from_direction", 1.0),
        "wind_speed_kt": ("wind_speed", KT),
        "wind_gust_kt": ("wind_speed_of_gust", KT),
        "visibility_statute_mi": ("visibility_in_air", MI),
        "altim_in_hg": ("air_pressure_at_mean_sea_level_qnh", HPA),
        "sea_level_pressure_mb": ("air_pressure_at_mean_sea_level", 1.0),
    }
    values = {name: float(row[field].strip("+")) * by for field, (name, by) in factors.items() if row[field]}
    if re.search(r"Z(?: AUTO| COR)* VRB[0-9]", row["raw_text"]):
        del values["wind_from_direction"]
    return values


# Decoded columns are rounded: to whole knots (from m/s), hundredths of a mile, and of an inch of mercury.
ROUNDED = {
    "air_temperature": 0.05,
    "dew_point_temperature": 0.05,
    "wind_from_direction": 0.0,
    "wind_speed": 0.5 * KT,
    "wind_speed_of_gust": 0.5 * KT,
    "visibility_in_air": 0.01 * MI,
    "air_pressure_at_mean_sea_level_qnh": 0.005 * HPA,
    "air_pressure_at_mean_sea_level": 0.05,
}
# What the two readings of a report differ in, looked through one by one: "9999NDV", "35///" and "///04KT", which theirs
# left out or took for something else; and "09004", "00000KTS" and "9000N", which ours does not take for values.
DIFFER = {
    "metars.cache-2014-09-26.csv": {
        "air_temperature": 4,
        "dew_point_temperature": 2,
        "wind_from_direction": 5,
        "wind_speed": 6,
        "wind_speed_of_gust": 1,
        "visibility_in_air": 50,
        "air_pressure_at_mean_sea_level_qnh": 1,
    },
    "metars.cache-2022-10-23.csv": {
        "air_temperature": 5,
        "dew_point_temperature": 1,
        "wind_from_direction": 3,
        "wind_speed": 5,
        "visibility_in_air": 22,
        "air_pressure_at_mean_sea_level_qnh": 1,
        "air_pressure_at_mean_sea_level": 1,
    },
}


@pytest.mark.parametrize("file", CACHES)
def test_every_value_of_the_real_caches_is_what_aviationweather_itself_read(read: Read, file: Path) -> None:
    lines = file.read_text("utf-8").splitlines()
    header = next(number for number, line in enumerate(lines) if line.startswith("raw_text"))
    names = lines[header].split(",")
    rows = [
        dict(zip(reversed(names), reversed(cells), strict=True)) for cells in csv.reader(lines[header + 1 :]) if cells
    ]
    stations = registry(row["station_id"] for row in rows)
    result, transformer = read(file.read_bytes(), stations=stations)
    assert result.rows_read == len(rows)
    assert transformer.reading.unknown == {}
    wanted = {(f"metar-{row['station_id']}", f"{row['observation_time'][:19]}Z"): independent(row) for row in rows}
    differ: Counter[str] = Counter()
    for at, (row, stamp) in enumerate(zip(result.observations, result.stamps, strict=True)):
        found, theirs = result.values(at), wanted[row["station_id"], stamp]
        for name, within in ROUNDED.items():
            if name in found or name in theirs:
                agree = name in found and name in theirs and abs(found[name] - theirs[name]) <= within + 1e-6
                differ[name] += not agree
    assert +differ == DIFFER[file.name]
