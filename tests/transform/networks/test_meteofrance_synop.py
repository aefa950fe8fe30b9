"""SYNOP files of Météo-France become observations, in our units and in UTC."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecast.core.parameters import MEASURED_NAMES
from forecast.core.raw_objects import RawObject
from forecast.core.settings import Limits
from forecast.core.stations import Stations
from forecast.extract import extract
from forecast.networks.registry import NETWORKS
from forecast.qc.flags import FAIL, SUSPECT
from forecast.transform import ObjectTransformer
from tests.networks import evaluated, hours, series, station
from tests.real_files import real_files
from tests.transform.samples import Result

NAME = "Météo-France SYNOP"
# Later than whatever real file is at hand.
NOW = datetime(2040, 1, 1, tzinfo=UTC)
FILES = real_files("meteofrance-synop/synop.*.csv")
TAIL = "w1;w2;n;nbas;hbas;cl;cm;ch;pres;niv_bar;geop;tend24;tn12;tn24;tx12;tx24;tminsol;sw;tw;raf10;rafper;per;\
etat_sol;ht_neige;ssfrai;perssfrai;rr1;rr3;rr6;rr12;rr24;phenspe1;phenspe2;phenspe3;phenspe4;nnuage1;ctype1;hnuage1;\
nnuage2;ctype2;hnuage2;nnuage3;ctype3;hnuage3;nnuage4;ctype4;hnuage4"
COMMON = f"pmer;tend;cod_tend;dd;ff;t;td;u;vv;ww;{TAIL}"
MONTHLY = f"numer_sta;date;{COMMON};"
YEARLY = f"lat;lon;geo_id_wmo;geo_id_wigos;name;reference_time;insert_time;validity_time;{COMMON}"
# What no field of the row has, in each of the two.
MISSING = {MONTHLY: "mq", YEARLY: ""}
MEASURED = {
    "pmer": "101250", "pres": "100410", "tend": "-60", "cod_tend": "6", "dd": "240", "ff": "5.4", "t": "283.65",
    "td": "279.15", "u": "74", "vv": "12340", "ww": "61", "n": "75", "raf10": "9.1", "rafper": "14.2", "per": "-10",
    "ht_neige": "0.03", "rr1": "0.4", "rr3": "1.2", "rr6": "2.6", "tn12": "280.15",
}  # fmt: skip
AT_NOON = {MONTHLY: {"numer_sta": "01234", "date": "20240115120000"}}
AT_NOON[YEARLY] = {
    "lat": "50.1", "lon": "3.2", "geo_id_wmo": "01234", "geo_id_wigos": "0-20000-0-01234", "name": "A PLACE",
    "reference_time": "2024-01-15T12:10:06Z", "insert_time": "2024-01-15T12:02:31Z",
    "validity_time": "2024-01-15T12:00:00Z",
}  # fmt: skip
VALUES = {
    "air_temperature": 10.5,
    "dew_point_temperature": 6.0,
    "relative_humidity": 74.0,
    "air_pressure_at_mean_sea_level": 1012.5,
    "wind_speed": 5.4,
    "wind_speed_of_gust_10min": 9.1,
    "surface_air_pressure": 1004.1,
    "wind_from_direction": 240.0,
    "precipitation_amount_1h": 0.4,
    "precipitation_amount_3h": 1.2,
    "precipitation_amount_6h": 2.6,
    "visibility_in_air": 12340.0,
    "cloud_area_fraction": 6.0,
    "surface_snow_thickness": 3.0,
    "present_weather": 61.0,
}
EACH_LAYOUT = pytest.mark.parametrize("header", [MONTHLY, YEARLY], ids=["monthly", "yearly"])


def registry(network_ids: Iterable[str]) -> Stations:
    ids = {f"mf-synop-{one}": one for one in network_ids}
    return Stations({one: station(one, network=NAME, network_id=own) for one, own in ids.items()})


def row(header: str, **cells: str) -> str:
    """A line of a file with this header."""
    known = AT_NOON[header] | cells
    return ";".join("" if name == "" else known.get(name, MISSING[header]) for name in header.split(";"))


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Result]:
    """What extract and transform make of a file, of which every column is known."""

    def result(text: str, network_ids: Iterable[str] = ("01234",)) -> Result:
        path = tmp_path / "object"
        path.write_text(text, "utf-8")
        raw = RawObject("synop/a.csv", "a.csv", len(text), "etag", NOW)
        transformer = ObjectTransformer(raw.key, registry(network_ids), NOW)
        found = Result.of(transformer, list(extract(path, raw, NETWORKS, Limits(), NOW)))
        assert transformer.reading.unknown == {}
        return found

    return result


@EACH_LAYOUT
def test_each_field_of_a_synop_file_is_read_in_our_units_and_in_utc(header: str, read: Callable[..., Result]) -> None:
    result = read(f"{header}\n{row(header, **MEASURED)}\n")
    assert [one["station_id"] for one in result.observations] == ["mf-synop-01234"]
    assert result.stamps == ["2024-01-15T12:00:00Z"]
    assert result.values() == pytest.approx(VALUES)
    assert (result.issues(), result.rejected) == ([], [])


@EACH_LAYOUT
def test_a_row_in_which_every_value_is_missing_is_empty(header: str, read: Callable[..., Result]) -> None:
    result = read(f"{header}\n{row(header, **MEASURED)}\n{row(header)}\n")
    assert (result.rows_read, result.rows_empty, len(result.observations), result.rejected) == (2, 1, 1, [])


@EACH_LAYOUT
def test_a_missing_value_of_a_synop_row_is_an_absent_one_without_a_note(
    header: str, read: Callable[..., Result]
) -> None:
    result = read(f"{header}\n{row(header, t='273.15')}\n")
    assert (result.values(), result.issues()) == ({"air_temperature": 0.0}, [])


@EACH_LAYOUT
def test_a_trace_is_not_negative_rain(header: str, read: Callable[..., Result]) -> None:
    result = read(f"{header}\n{row(header, rr1='-0.100000', rr3='-0.1')}\n")
    assert result.values() == {"precipitation_amount_1h": 0.0, "precipitation_amount_3h": 0.0}


@EACH_LAYOUT
@pytest.mark.parametrize(("percent", "okta"), [("0", 0.0), ("90", 7.2), ("100", 8.0), ("101", 9.0), ("113", 9.0)])
def test_the_cloud_cover_comes_in_percent_or_as_the_code_of_an_obscured_sky(
    header: str, percent: str, okta: float, read: Callable[..., Result]
) -> None:
    assert read(f"{header}\n{row(header, n=percent)}\n").values() == {"cloud_area_fraction": okta}


@pytest.mark.parametrize(
    ("header", "cells", "code"),
    [
        (MONTHLY, {"date": "20240230120000"}, "bad_timestamp"),
        (YEARLY, {"validity_time": "soon"}, "bad_timestamp"),
        (MONTHLY, {"date": "19951231210000"}, "impossible_timestamp"),
        (MONTHLY, {"numer_sta": "99999"}, "unknown_station"),
        (YEARLY, {"geo_id_wmo": ""}, "no_station"),
    ],
)
def test_only_a_bad_synop_row_is_quarantined(
    header: str, cells: dict[str, str], code: str, read: Callable[..., Result]
) -> None:
    result = read(f"{header}\n{row(header, **MEASURED, **cells)}\n{row(header, **MEASURED)}\n")
    assert result.codes == [code]
    assert result.stamps == ["2024-01-15T12:00:00Z"]


@pytest.mark.parametrize(
    ("parameter", "most", "value"),
    [("wind_from_direction", 8, 240.0), ("air_pressure_at_mean_sea_level", 6, 1012.5), ("air_temperature", 6, 10.5)],
)
def test_equal_reports_every_three_hours_are_a_flat_line_only_where_they_are_many(
    parameter: str, most: int, value: float
) -> None:
    of = station("mf-synop-01234", network=NAME, interval_minutes=180)
    wind = {} if parameter != "wind_from_direction" else {"wind_speed": [4.0 + step % 3 for step in range(20)]}
    for number, flagged in ((most, 0), (most + 1, most + 1)):
        values = [*(value + 1 + step for step in range(5)), *[value] * number, *(value - 1 - step for step in range(5))]
        found = series(of, hours(len(values), step_minutes=180), **{parameter: values}, **_first(wind, len(values)))
        flags = evaluated(found)[of.id].by_check["persistence", parameter]
        assert int(np.isin(flags, (SUSPECT, FAIL)).sum()) == flagged


def _first(columns: dict[str, list[float]], size: int) -> dict[str, list[float]]:
    return {name: values[:size] for name, values in columns.items()}


@pytest.mark.parametrize("file", FILES)
def test_every_value_of_a_published_file_is_what_a_second_reading_finds(
    file: Path, read: Callable[..., Result]
) -> None:
    text = file.read_text("utf-8")
    rows = list(csv.DictReader(io.StringIO(text), delimiter=";"))
    expected = {(f"mf-synop-{one['numer_sta']}", one["date"]): second_reading(one) for one in rows}
    result = read(text, sorted({one["numer_sta"] for one in rows}))
    found = {
        (one["station_id"], datetime.strftime(one["timestamp"], "%Y%m%d%H%M%S")): result.values(number)
        for number, one in enumerate(result.observations)
    }
    assert (result.rows_read, result.rejected) == (len(rows), [])
    assert found.keys() == {key for key, values in expected.items() if values}
    assert result.rows_empty == len(rows) - len(found)
    for key, values in found.items():
        assert values == pytest.approx(expected[key], abs=1e-9), key
    coded = [one for row in rows for one in codes_of(row)]
    assert sorted(one for number in range(len(found)) for one in result.issues(number)) == sorted(coded)


@pytest.mark.parametrize("file", FILES)
def test_few_values_of_a_published_file_are_flagged(file: Path, read: Callable[..., Result]) -> None:
    """Each station by itself: the files do not have the places."""
    text = file.read_text("utf-8")
    result = read(text, sorted({one["numer_sta"] for one in csv.DictReader(io.StringIO(text), delimiter=";")}))
    rows: defaultdict[str, dict[datetime, dict[str, Any]]] = defaultdict(dict)
    for number, one in enumerate(result.observations):
        rows[one["station_id"]][one["timestamp"]] = result.values(number)
    values = flagged = failed = 0
    for name, own in rows.items():
        moments = sorted(own)
        columns = {
            parameter: [own[moment].get(parameter) for moment in moments]
            for parameter in MEASURED_NAMES
            if any(parameter in one for one in own.values())
        }
        of = station(name, network=NAME, interval_minutes=180)
        times = np.array([round(moment.timestamp() * 1000) for moment in moments])
        found = evaluated(series(of, times, **columns))[name]
        values += sum(int((~np.isnan(column)).sum()) for column in found.series.values.values())
        flagged += sum(int((flags == SUSPECT).sum()) for flags in found.flags.values())
        failed += sum(int((flags == FAIL).sum()) for flags in found.flags.values())
    assert failed <= 0.005 * values
    assert flagged <= 0.02 * values


def codes_of(cells: dict[str, str]) -> list[tuple[str, str, str]]:
    """What is noted of a row of a published file: traces of rain, and a sky that could not be seen."""
    found = []
    for period in (1, 3, 6, 12, 24):
        cell = cells[f"rr{period}"]
        if cell not in {"mq", ""} and float(cell) == -0.1:
            found.append((f"precipitation_amount_{period}h", cell, "a trace: too little to be measured"))
    if cells["n"] not in {"mq", ""} and float(cells["n"]) in {101, 113}:
        found.append(("cloud_area_fraction", cells["n"], "the code of a sky obscured, 9 okta"))
    return found


def second_reading(cells: dict[str, str]) -> dict[str, float]:
    """The values of a row of a published file, from the definitions of its fields."""
    values = {name: float(cell) for name, cell in cells.items() if name and cell not in {"mq", ""}}
    read: dict[str, tuple[str, Callable[[float], float]]] = {
        "air_temperature": ("t", lambda kelvin: kelvin - 273.15),
        "dew_point_temperature": ("td", lambda kelvin: kelvin - 273.15),
        "relative_humidity": ("u", float),
        "air_pressure_at_mean_sea_level": ("pmer", lambda pascal: pascal / 100),
        "wind_speed": ("ff", float),
        "wind_speed_of_gust_10min": ("raf10", float),
        "surface_air_pressure": ("pres", lambda pascal: pascal / 100),
        "wind_from_direction": ("dd", float),
        **{
            f"precipitation_amount_{hours}h": (f"rr{hours}", lambda depth: 0.0 if depth == -0.1 else depth)
            for hours in (1, 3, 6, 12, 24)
        },
        "visibility_in_air": ("vv", float),
        "cloud_area_fraction": ("n", lambda percent: 9.0 if percent in {101, 113} else percent * 8 / 100),
        "surface_snow_thickness": ("ht_neige", lambda metres: metres * 100),
        "present_weather": ("ww", float),
    }
    return {name: convert(values[field]) for name, (field, convert) in read.items() if field in values}
