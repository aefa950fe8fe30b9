"""Météo-France's hourly base data, as files of a department and as DPClim answers, become observations."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from forecast.core.raw_objects import RawObject
from forecast.core.schemas import OBSERVATION_SCHEMA
from forecast.core.settings import Limits
from forecast.core.stations import Stations
from forecast.extract import extract
from forecast.networks.meteofrance_hourly.columns import FILE_COLUMNS, quality_of
from forecast.networks.registry import NETWORKS
from forecast.transform import ObjectTransformer
from forecast.validate import validate
from tests.networks import station
from tests.transform.samples import NOW, Result

NAME = "Météo-France hourly data"
COLUMNS = [column for name in FILE_COLUMNS for column in (name, quality_of(name))]
FILE = ["NUM_POSTE", "NOM_USUEL", "LAT", "LON", "ALTI", "AAAAMMJJHH", *COLUMNS]
DPCLIM = [
    "POSTE",
    "DATE",
    *(name for name in COLUMNS if name not in {"B2", "QCB2"}),
    "B2",
    "QB2",
    "TW",
    "QTW",
    "UABS",
    "QUABS",
]
MEASURED = {
    "T": "7.7", "QT": "9", "TD": "3.4", "QTD": "1", "TN": "7.1", "QTN": "1", "TX": "12.3", "QTX": "1", "U": "73",
    "QU": "2", "PMER": "1015.1", "QPMER": "1", "PSTAT": "951.3", "QPSTAT": "0", "FF": "2.6", "QFF": "1", "DD": "200",
    "QDD": "1", "FXI": "8.8", "QFXI": "1", "RR1": "0.2", "QRR1": "1", "VV": "12000", "QVV": "1", "N": "9", "QN": "1",
    "NEIGETOT": "3", "QNEIGETOT": "1", "WW": "61", "QWW": "1", "UV_INDICE": "2", "QUV_INDICE": "1", "INS": "48",
    "QINS": "1", "T10": "8.1", "QT10": "1", "T100": "9.2", "QT100": "1", "GLO": "36", "QGLO": "1", "HXI": "2317",
    "QHXI": "9", "GLO2": "35", "QGLO2": "1",
}  # fmt: skip
VALUES = {
    "air_temperature": 7.7,
    "dew_point_temperature": 3.4,
    "air_temperature_min_1h": 7.1,
    "air_temperature_max_1h": 12.3,
    "relative_humidity": 73.0,
    "air_pressure_at_mean_sea_level": 1015.1,
    "surface_air_pressure": 951.3,
    "wind_speed": 2.6,
    "wind_from_direction": 200.0,
    "wind_speed_of_gust_1h": 8.8,
    "precipitation_amount_1h": 0.2,
    "visibility_in_air": 12000.0,
    "cloud_area_fraction": 9.0,
    "surface_snow_thickness": 3.0,
    "present_weather": 61.0,
    "ultraviolet_index": 2.0,
    "duration_of_sunshine_1h": 48.0,
    "soil_temperature_10cm": 8.1,
    "soil_temperature_100cm": 9.2,
    # 36 J/cm² in an hour.
    "surface_downwelling_shortwave_flux_in_air_1h": 100.0,
}
EACH = pytest.mark.parametrize("columns", [FILE, DPCLIM], ids=["file", "DPClim"])
ZONES = {"97411150": "Indian/Reunion", "97502001": "America/Miquelon", "98818001": "Pacific/Noumea"}


def registry(network_ids: Iterable[str]) -> Stations:
    ids = {f"mf-h-{one}": one for one in network_ids}
    return Stations(
        {
            one: station(one, network=NAME, network_id=own, timezone=ZONES.get(own, "Europe/Paris"))
            for one, own in ids.items()
        }
    )


def line(columns: list[str], poste: str = "01014002", hour: str = "2023010100", **cells: str) -> str:
    """A line of a file with these columns; DPClim has decimal commas."""
    known = {"NUM_POSTE": poste, "POSTE": poste, "AAAAMMJJHH": hour, "DATE": hour, "NOM_USUEL": "ARBENT", **cells}
    text = ";".join(known.get(name, "") for name in columns)
    return text.replace(".", ",") if columns is DPCLIM else text


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., tuple[Result, ObjectTransformer]]:
    """What extract and transform make of a file, of which every column is known."""

    def result(content: bytes, network_ids: Iterable[str] = ("01014002", *ZONES)) -> tuple[Result, ObjectTransformer]:
        path = tmp_path / "object"
        path.write_bytes(content)
        raw = RawObject("climatology/H_01.csv.gz", "a", len(content), "etag", NOW)
        transformer = ObjectTransformer(raw.key, registry(network_ids), NOW)
        found = Result.of(transformer, list(extract(path, raw, NETWORKS, Limits(), NOW)))
        assert transformer.reading.unknown == {}
        return found, transformer

    return result


def as_file(columns: list[str], *lines: str) -> bytes:
    return gzip.compress("\n".join([";".join(columns), *lines, ""]).encode())


@EACH
def test_each_field_is_read_in_our_units_with_its_quality_code(columns: list[str], read: Callable[..., Any]) -> None:
    result, transformer = read(as_file(columns, line(columns, **MEASURED)))
    assert (result.stamps, result.rejected, result.issues()) == (["2023-01-01T00:00:00Z"], [], [])
    assert result.observations[0]["station_id"] == "mf-h-01014002"
    assert result.values() == pytest.approx(VALUES)
    codes = json.loads(result.observations[0]["source_flags"])
    assert codes == dict.fromkeys(VALUES, 1) | {
        "air_temperature": 9,
        "relative_humidity": 2,
        "surface_air_pressure": 0,
    }
    # Sums by true solar time, and the minute of an extreme, are counted.
    assert transformer.reading.not_stored == {"HXI": 1, "GLO2": 1}


def test_a_value_that_the_network_doubts_is_suspect_and_stays(read: Callable[..., Any]) -> None:
    result, _ = read(as_file(FILE, line(FILE, hour="2023010112", **MEASURED)))
    stations = registry(["01014002"])
    frame = pa.Table.from_pylist(result.observations, schema=OBSERVATION_SCHEMA)
    (record,) = validate(frame, stations, NOW).observations.to_pylist()
    assert json.loads(record["flags"]) == {"relative_humidity": {"flag": 3, "checks": ["source_flag"]}}
    assert record["relative_humidity"] == 73.0


@EACH
def test_a_row_without_values_is_empty_although_it_has_codes(columns: list[str], read: Callable[..., Any]) -> None:
    result, _ = read(as_file(columns, line(columns, **MEASURED), line(columns, hour="2023010101", QT="9")))
    assert (result.rows_read, result.rows_empty, len(result.observations)) == (2, 1, 1)


def test_an_id_keeps_its_zero_and_loses_the_blank_before_it(read: Callable[..., Any]) -> None:
    result, _ = read(as_file(FILE, line(FILE, poste=" 01014002", T="1.0")))
    assert [row["station_id"] for row in result.observations] == ["mf-h-01014002"]


@pytest.mark.parametrize(
    ("poste", "hour", "stamp"),
    [
        ("01014002", "2023063023", "2023-06-30T23:00:00Z"),
        # The first hours of a year, by the clocks of La Réunion, Nouméa and Saint-Pierre.
        ("97411150", "2023010102", "2022-12-31T22:00:00Z"),
        ("98818001", "2023010102", "2022-12-31T15:00:00Z"),
        ("97502001", "2022123123", "2023-01-01T02:00:00Z"),
        # In summer its clock is put forward.
        ("97502001", "2023070112", "2023-07-01T14:00:00Z"),
    ],
)
def test_hours_are_utc_and_overseas_those_of_the_station(
    poste: str, hour: str, stamp: str, read: Callable[..., Any]
) -> None:
    result, _ = read(as_file(FILE, line(FILE, poste=poste, hour=hour, T="20.0")))
    assert (result.stamps, result.rejected) == ([stamp], [])


@pytest.mark.parametrize(
    ("poste", "hour", "code"),
    [
        ("97502001", "2023110501", "ambiguous_local_time"),
        ("97502001", "2023031202", "no_such_local_time"),
        ("01014002", "2023023000", "bad_timestamp"),
        ("99999999", "2023010100", "unknown_station"),
    ],
)
def test_only_a_rejected_row_is_quarantined(poste: str, hour: str, code: str, read: Callable[..., Any]) -> None:
    result, _ = read(as_file(FILE, line(FILE, poste=poste, hour=hour, T="1.0"), line(FILE, T="2.0")))
    assert (result.codes, result.stamps) == ([code], ["2023-01-01T00:00:00Z"])


def test_every_value_of_a_published_file_is_what_a_second_reading_finds(
    shared_data: Path, read: Callable[..., Any]
) -> None:
    path = shared_data / "networks" / "meteofrance-hourly" / "H_01_latest-2023-2024.csv"
    if not path.is_file():
        pytest.skip(f"real data is not here: {path}")
    rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8")), delimiter=";"))
    result, transformer = read(gzip.compress(path.read_bytes()), sorted({row["NUM_POSTE"] for row in rows}))
    assert (len(rows), len(result.observations), result.rejected, result.issues()) == (3, 3, [], [])
    for number, row in enumerate(rows):
        named = {
            "T": "air_temperature", "TD": "dew_point_temperature", "TN": "air_temperature_min_1h",
            "TX": "air_temperature_max_1h", "U": "relative_humidity", "FF": "wind_speed", "DD": "wind_from_direction",
            "FXI": "wind_speed_of_gust_1h", "RR1": "precipitation_amount_1h", "PMER": "air_pressure_at_mean_sea_level",
            "PSTAT": "surface_air_pressure", "VV": "visibility_in_air", "N": "cloud_area_fraction",
            "NEIGETOT": "surface_snow_thickness", "WW": "present_weather", "UV_INDICE": "ultraviolet_index",
            "INS": "duration_of_sunshine_1h", "T10": "soil_temperature_10cm", "T20": "soil_temperature_20cm",
            "T50": "soil_temperature_50cm", "T100": "soil_temperature_100cm",
        }  # fmt: skip
        expected = {parameter: float(row[field]) for field, parameter in named.items() if row[field]}
        if row["GLO"]:
            expected["surface_downwelling_shortwave_flux_in_air_1h"] = float(row["GLO"]) * 10_000 / 3600
        assert result.values(number) == pytest.approx(expected)
        fields = {**named, "GLO": "surface_downwelling_shortwave_flux_in_air_1h"}
        codes = {parameter: int(row[f"Q{field}"]) for field, parameter in fields.items() if row[field]}
        assert json.loads(result.observations[number]["source_flags"]) == codes
        hour = datetime.strptime(row["AAAAMMJJHH"], "%Y%m%d%H")
        assert result.stamps[number] == f"{hour:%Y-%m-%dT%H:00:00Z}"
        assert result.observations[number]["station_id"] == f"mf-h-{row['NUM_POSTE']}"
    filled = {
        name: sum(bool(row[name]) for row in rows) for name in FILE_COLUMNS if name not in named and name != "GLO"
    }
    assert transformer.reading.not_stored == {name: count for name, count in filled.items() if count}
