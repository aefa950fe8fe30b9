"""Météo-France's observations, hourly and every 6 minutes, in JSON and CSV, become observations."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from forecast.core.errors import ObjectRejectedError
from forecast.core.parameters import MEASURED_NAMES
from forecast.core.raw_objects import RawObject
from forecast.core.registry import load_stations
from forecast.core.schemas import OBSERVATION_SCHEMA, RawBatch
from forecast.core.settings import Limits
from forecast.core.stations import Stations
from forecast.extract import extract
from forecast.networks.registry import NETWORKS
from forecast.qc.flags import FAIL, SUSPECT
from forecast.transform import ObjectTransformer
from forecast.validate import validate
from tests.networks import network, station
from tests.real_files import real_files
from tests.stations import entry, registry_file
from tests.transform.samples import NOW, Result, batch_of
from tests.transform.samples import transform as transform_with

KEY = "meteofrance/observations.json"
NAME = "Météo-France observations"
LILLE = entry("mf-59343991", latitude=50.57, longitude=3.0975, elevation=47, same_site_as=["07915"])
ROUEN = entry("mf-76116991", latitude=49.3895, longitude=1.178333, elevation=151)
ABBEVILLE = entry("mf-80001001", latitude=50.136, longitude=1.834, elevation=69)
STATIONS = load_stations([registry_file(NAME, LILLE, ROUEN, ABBEVILLE)], NETWORKS.id_prefixes)
FILES = real_files("meteofrance-obs/*.json")
TIMES = {"reference_time": "2024-10-05T12:10:06Z", "insert_time": "2024-10-05T12:03:26Z"}
HOUR: dict[str, Any] = {
    "lat": 49.3895, "lon": 1.178333, "geo_id_insee": "76116991", **TIMES, "validity_time": "2024-10-05T12:00:00Z",
    "t": 289.25, "td": 285.75, "tx": 289.35, "tn": 288.65, "u": 80.0, "ux": 84.0, "un": 80.0, "dd": 340.0, "ff": 3.1,
    "dxy": 330.0, "fxy": 3.5, "dxi": 320.0, "fxi": 5.2, "rr1": 0.6, "t_10": 287.75, "t_20": 287.85, "t_50": 287.25,
    "t_100": 287.15, "vv": 18490.0, "etat_sol": None, "sss": 0.01, "n": 8.0, "insolh": 6.0, "ray_glo01": 1800000.0,
    "pres": 99370.0, "pmer": 101210.0,
}  # fmt: skip
SIX_MINUTES: dict[str, Any] = {
    "lat": 49.3895, "lon": 1.178333, "geo_id_insee": "76116991", **TIMES, "validity_time": "2024-10-05T11:54:00Z",
    "t": 289.25, "td": 285.75, "u": 80, "dd": 340, "ff": 3.1, "dxi10": 340, "fxi10": 4.8, "rr_per": 0.2, "t_10": 287.75,
    "t_20": 287.85, "t_50": 287.25, "t_100": 287.15, "vv": 16280, "etat_sol": None, "sss": 0.0, "insolh": 1,
    "ray_glo01": 180000, "pres": 99370, "pmer": 101210,
}  # fmt: skip
COMMON = {
    "air_temperature": 16.1,
    "dew_point_temperature": 12.6,
    "relative_humidity": 80.0,
    "air_pressure_at_mean_sea_level": 1012.1,
    "surface_air_pressure": 993.7,
    "wind_speed": 3.1,
    "wind_from_direction": 340.0,
    "soil_temperature_10cm": 14.6,
    "soil_temperature_20cm": 14.7,
    "soil_temperature_50cm": 14.1,
    "soil_temperature_100cm": 14.0,
}
HOUR_VALUES = COMMON | {
    "air_temperature_min_1h": 15.5,
    "air_temperature_max_1h": 16.2,
    "wind_speed_of_gust_1h": 5.2,
    "duration_of_sunshine_1h": 6.0,
    "precipitation_amount_1h": 0.6,
    "visibility_in_air": 18490.0,
    "cloud_area_fraction": 8.0,
    "surface_snow_thickness": 1.0,
    "surface_downwelling_shortwave_flux_in_air_1h": 500.0,
}
SIX_MINUTES_VALUES = COMMON | {
    "wind_speed_of_gust_10min": 4.8,
    "duration_of_sunshine_6min": 1.0,
    "precipitation_amount_6min": 0.2,
    "visibility_in_air": 16280.0,
    "surface_snow_thickness": 0.0,
    "surface_downwelling_shortwave_flux_in_air_6min": 500.0,
}
# Of the real files, read without the program: what is in which parameter, and canonical = (value - less) / divide.
MEANING = {
    "t": ("air_temperature", 273.15, 1),
    "td": ("dew_point_temperature", 273.15, 1),
    "u": ("relative_humidity", 0, 1),
    "pmer": ("air_pressure_at_mean_sea_level", 0, 100),
    "pres": ("surface_air_pressure", 0, 100),
    "dd": ("wind_from_direction", 0, 1),
    "ff": ("wind_speed", 0, 1),
    "fxi": ("wind_speed_of_gust_1h", 0, 1),
    "fxi10": ("wind_speed_of_gust_10min", 0, 1),
    "tn": ("air_temperature_min_1h", 273.15, 1),
    "tx": ("air_temperature_max_1h", 273.15, 1),
    "t_10": ("soil_temperature_10cm", 273.15, 1),
    "t_20": ("soil_temperature_20cm", 273.15, 1),
    "t_50": ("soil_temperature_50cm", 273.15, 1),
    "t_100": ("soil_temperature_100cm", 273.15, 1),
    "rr1": ("precipitation_amount_1h", 0, 1),
    "rr_per": ("precipitation_amount_6min", 0, 1),
    "vv": ("visibility_in_air", 0, 1),
    "sss": ("surface_snow_thickness", 0, 0.01),
    "n": ("cloud_area_fraction", 0, 1),
}


def transform(batch: RawBatch) -> Result:
    """What becomes of one batch."""
    return transform_with(batch, key=KEY, stations=STATIONS)


def as_csv(*rows: Mapping[str, Any]) -> bytes:
    """As the API writes it: semicolons, and nothing where nothing was measured."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)), delimiter=";")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def read(content: bytes, folder: Path, stations: Stations = STATIONS) -> tuple[Result, ObjectTransformer]:
    """What extract and transform make of an object."""
    path = folder / "object"
    path.write_bytes(content)
    raw = RawObject(KEY, "a", len(content), "etag", NOW)
    transformer = ObjectTransformer(KEY, stations, NOW)
    return Result.of(transformer, extract(path, raw, NETWORKS, Limits(), NOW)), transformer


@pytest.mark.parametrize(
    ("row", "stamp", "values"),
    [
        (HOUR, "2024-10-05T12:00:00Z", HOUR_VALUES),
        (SIX_MINUTES, "2024-10-05T11:54:00Z", SIX_MINUTES_VALUES),
    ],
    ids=["hourly", "6 minutes"],
)
@pytest.mark.parametrize("written", ["JSON", "CSV"])
def test_kelvin_pascal_and_joules_become_our_units(
    row: dict[str, Any], stamp: str, values: dict[str, float], written: str, tmp_path: Path
) -> None:
    content = json.dumps([row]).encode() if written == "JSON" else as_csv(row)
    result, transformer = read(content, tmp_path)
    assert (result.stamps, result.rejected) == ([stamp], [])
    assert result.observations[0]["station_id"] == "mf-76116991"
    assert result.values() == pytest.approx(values)
    assert result.issues() == []
    assert transformer.reading.unknown == {}


@pytest.mark.parametrize("written", ["JSON", "CSV"])
def test_measurements_without_a_parameter_are_counted_where_there_are_any(written: str, tmp_path: Path) -> None:
    content = json.dumps([HOUR]).encode() if written == "JSON" else as_csv(HOUR)
    _, transformer = read(content, tmp_path)
    # No cell of the state of the ground has anything.
    assert transformer.reading.not_stored == {"un": 1, "ux": 1, "dxy": 1, "fxy": 1, "dxi": 1}


def test_at_the_full_hour_both_rows_are_parts_of_one_observation() -> None:
    at_noon = SIX_MINUTES | {"validity_time": HOUR["validity_time"]}
    groups = [transform(batch_of([row])).observations[0] for row in (HOUR, at_noon)]
    assert [row["parameter_group"] for row in groups] == ["1h", "6min"]
    assert groups[0]["timestamp"] == groups[1]["timestamp"]


@pytest.mark.parametrize(("row", "old", "new"), [(HOUR, "fxi", "raf"), (SIX_MINUTES, "fxi10", "raf10")])
def test_the_gust_has_another_name_in_the_other_version(row: dict[str, Any], old: str, new: str) -> None:
    renamed = {new if name == old else name: value for name, value in row.items()}
    assert transform(batch_of([renamed])).values() == transform(batch_of([row])).values()


def test_a_trace_of_rain_is_0_and_noted() -> None:
    result = transform(batch_of([HOUR | {"rr1": -0.1}]))
    assert result.values()["precipitation_amount_1h"] == 0.0
    assert result.issues() == [("precipitation_amount_1h", "-0.1", "a trace: too little to be measured")]


def test_a_row_without_values_is_empty_and_one_without_its_time_is_rejected() -> None:
    names = ("lat", "lon", "geo_id_insee", "validity_time", *TIMES)
    empty = {name: value if name in names else None for name, value in HOUR.items()}
    result = transform(batch_of([HOUR, empty, HOUR | {"validity_time": "noon"}]))
    assert (result.rows_read, result.rows_empty, len(result.observations)) == (3, 1, 1)
    assert [(row["code"], row["field"]) for row in result.rejected] == [("bad_timestamp", "validity_time")]


def test_one_object_has_every_station_of_an_hour_and_those_that_nobody_registered_are_quarantined() -> None:
    ids = ["59343991", "76116991", "80001001", "01014002"]
    result = transform(batch_of([HOUR | {"geo_id_insee": name, "t": 280 + at} for at, name in enumerate(ids)]))
    found = [(row["station_id"], round(row["air_temperature"], 9)) for row in result.observations]
    assert found == [("mf-59343991", 6.85), ("mf-76116991", 7.85), ("mf-80001001", 8.85)]
    assert [(row["code"], row["value"]) for row in result.rejected] == [("unknown_station", "mf-01014002")]


AMBIGUOUS = (
    "the rows are of Météo-France's hourly observations and of Météo-France's observations every 6 minutes: their "
    "columns do not show which of the two"
)


def test_a_row_of_both_periods_in_one_is_rejected_with_the_names_of_both() -> None:
    with pytest.raises(ObjectRejectedError) as caught:
        transform(batch_of([HOUR | {"rr_per": 0.2}]))
    assert (caught.value.code, caught.value.message) == ("ambiguous_layout", AMBIGUOUS)


@pytest.mark.parametrize("written", ["JSON", "JSON lines", "CSV"])
def test_hourly_rows_among_those_of_six_minutes_are_read_as_what_they_are(written: str, tmp_path: Path) -> None:
    apart = [transform(batch_of([row])) for row in (HOUR, SIX_MINUTES)]
    rows = [HOUR, SIX_MINUTES, HOUR | {"rr_per": 0.2}]
    content = {
        "JSON": json.dumps(rows),
        "JSON lines": "\n".join(map(json.dumps, rows)),
        "CSV": as_csv(*rows).decode(),
    }[written]
    result, transformer = read(content.encode(), tmp_path)
    assert [result.values(row) for row in range(len(result.observations))] == [one.values() for one in apart]
    assert [row["parameter_group"] for row in result.observations] == ["1h", "6min"]
    assert [(row["code"], row["reason"]) for row in result.rejected] == [("ambiguous_layout", AMBIGUOUS)]
    assert (result.rows_read, result.rows_empty) == (3, 0)
    assert transformer.reading.unknown == {}


def test_six_minute_rows_under_the_columns_of_hourly_ones_are_not_read_as_hours() -> None:
    """Their sunshine and radiation are those of six minutes; at other minutes than the full hour this shows."""
    row = {name: value for name, value in SIX_MINUTES.items() if name != "rr_per"} | {"rr1": None}
    result = transform(batch_of([row, HOUR]))
    assert [entry["parameter_group"] for entry in result.observations] == ["1h"]
    reason = "not at a full 60 minutes, so the row covers another period than those of its layout"
    assert [(entry["position"], entry["code"], entry["reason"]) for entry in result.rejected] == [
        ("line 1", "wrong_period", reason)
    ]


def test_a_row_without_what_tells_the_periods_apart_is_quarantined_alone() -> None:
    without = {name: None if name in ("rr1", "tn", "tx", "un", "ux", "fxy", "dxy") else HOUR[name] for name in HOUR}
    empty = {name: HOUR[name] for name in ("geo_id_insee", "validity_time")}
    result = transform(batch_of([SIX_MINUTES, without, HOUR, empty, {}]))
    assert sorted(row["parameter_group"] for row in result.observations) == ["1h", "6min"]
    assert [(row["position"], row["code"]) for row in result.rejected] == [("line 2", "ambiguous_layout")]
    assert (result.rows_read, result.rows_empty) == (5, 2)


def test_a_station_needs_no_more_than_an_id_a_name_and_a_place() -> None:
    """The rest comes from the network's own file."""
    lille = STATIONS.get("mf-59343991")
    assert lille is not None
    assert (lille.network_id, lille.same_site_as, lille.interval_minutes) == ("59343991", ("07915",), 60)
    assert lille.licence["name"] == "Licence Ouverte 2.0"
    assert "surface_air_pressure" in lille.parameters


def expected(row: Mapping[str, Any]) -> dict[str, float]:
    """The values of a row of a real file by plain arithmetic."""
    values = {}
    for field, (parameter, less, divide) in MEANING.items():
        if (cell := row.get(field)) is not None:
            values[parameter] = 0.0 if field in ("rr1", "rr_per") and cell == -0.1 else (cell - less) / divide
    if row.get("ray_glo01") is not None:
        period, seconds = ("1h", 3600) if "rr1" in row else ("6min", 360)
        values[f"surface_downwelling_shortwave_flux_in_air_{period}"] = row["ray_glo01"] / seconds
    if row.get("insolh") is not None:
        values["duration_of_sunshine_1h" if "rr1" in row else "duration_of_sunshine_6min"] = row["insolh"]
    return values


@pytest.mark.parametrize("file", FILES)
def test_every_value_of_the_real_files_is_what_stands_in_them(file: Path, tmp_path: Path) -> None:
    rows = json.loads(file.read_text("utf-8"))
    plain = replace(station("mf-0"), network=NAME)
    ids = sorted({row["geo_id_insee"] for row in rows})
    stations = network(*(replace(plain, id=f"mf-{name}", network_id=name) for name in ids))
    result, transformer = read(file.read_bytes(), tmp_path, stations)
    assert (len(result.observations) + result.rows_empty, result.rejected) == (len(rows), [])
    assert transformer.reading.unknown == {}
    found = {
        (row["station_id"], stamp): result.values(at)
        for at, (row, stamp) in enumerate(zip(result.observations, result.stamps, strict=True))
    }
    wanted = {(f"mf-{row['geo_id_insee']}", row["validity_time"]): values for row in rows if (values := expected(row))}
    assert found.keys() == wanted.keys()
    for key, values in wanted.items():
        assert found[key] == pytest.approx(values, abs=1e-9), key


@pytest.mark.parametrize("file", FILES)
def test_few_values_of_the_real_files_are_flagged(file: Path, tmp_path: Path) -> None:
    rows = json.loads(file.read_text("utf-8"))
    plain = replace(station("mf-0"), network=NAME, interval_minutes=6 if "infrahoraire" in file.stem else 60)
    places = {row["geo_id_insee"]: (row["lat"], row["lon"]) for row in rows}
    stations = network(
        *(
            replace(plain, id=f"mf-{name}", network_id=name, latitude=latitude, longitude=longitude)
            for name, (latitude, longitude) in places.items()
        )
    )
    result, _ = read(file.read_bytes(), tmp_path, stations)
    frame = pa.Table.from_pylist(result.observations, schema=OBSERVATION_SCHEMA)
    records = validate(frame, stations, NOW).observations
    values = sum(len(records) - records[name].null_count for name in MEASURED_NAMES)
    texts = records["flags"].drop_null().to_pylist()
    flags = [flag["flag"] for text in texts for flag in json.loads(text).values()]
    assert flags.count(FAIL) <= 0.005 * values
    assert flags.count(SUSPECT) <= 0.02 * values
