"""The automatic stations of Belgium's meteorological institute, as GeoJSON and CSV of its WFS, become observations."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forecast.core.raw_objects import RawObject
from forecast.core.settings import Limits
from forecast.core.stations import Stations
from forecast.extract import extract
from forecast.networks.registry import NETWORKS
from forecast.transform import ObjectTransformer
from tests.networks import station
from tests.transform.samples import NOW, Result

NAME = "RMI automatic stations"
STATIONS = Stations({f"rmi-{own}": station(f"rmi-{own}", network=NAME, network_id=own) for own in ("6994", "6996")})
FLAGS = '{"validated":{"TEMP_DRY_SHELTER_AVG":true,"PRESSURE":false,"WIND_DIRECTION":true}}'
TEN_MINUTES: dict[str, Any] = {
    "code": 6994, "timestamp": "2024-01-01T00:10:00Z", "precip_quantity": 0.2, "temp_dry_shelter_avg": 4.15,
    "temp_grass_pt100_avg": 2.9, "temp_soil_avg": 4.8, "temp_soil_avg_5cm": 5.1, "temp_soil_avg_10cm": 5.6,
    "temp_soil_avg_20cm": 6.2, "temp_soil_avg_50cm": 7.4, "wind_speed_10m": 6.1, "wind_speed_avg_30m": 8.3,
    "wind_direction": 231.0, "wind_gusts_speed": 10.4, "humidity_rel_shelter_avg": 93.1, "pressure": 1008.3,
    "sun_duration": 0.0, "short_wave_from_sky_avg": 1.2, "sun_int_avg": 0.0, "qc_flags": FLAGS,
}  # fmt: skip
HOUR = {name: value for name, value in TEN_MINUTES.items() if name != "wind_direction"} | {
    "timestamp": "2024-01-01T01:00:00Z",
    "precip_quantity": 1.4,
    "wind_gusts_speed": 12.9,
    "sun_duration": 6.0,
}
VALUES = {
    "air_temperature": 4.15,
    "relative_humidity": 93.1,
    "surface_air_pressure": 1008.3,
    "wind_speed": 6.1,
    "wind_from_direction": 231.0,
    "wind_speed_of_gust_10min": 10.4,
    "precipitation_amount_10min": 0.2,
    "duration_of_sunshine_10min": 0.0,
    "surface_downwelling_shortwave_flux_in_air_10min": 1.2,
    "soil_temperature_5cm": 5.1,
    "soil_temperature_10cm": 5.6,
    "soil_temperature_20cm": 6.2,
    "soil_temperature_50cm": 7.4,
}
OF_THE_HOUR = {
    "wind_speed_of_gust_1h": 12.9,
    "precipitation_amount_1h": 1.4,
    "duration_of_sunshine_1h": 6.0,
    "surface_downwelling_shortwave_flux_in_air_1h": 1.2,
}


def as_features(*rows: dict[str, Any]) -> bytes:
    """As the WFS answers: a collection of features, each with its place and its properties."""
    features = [
        {
            "type": "Feature",
            "id": f"aws_10min.fid-{number}",
            "geometry": {"type": "Point", "coordinates": [50.904, 3.122]},
            "geometry_name": "the_geom",
            "properties": row,
        }
        for number, row in enumerate(rows)
    ]
    return json.dumps(
        {
            "type": "FeatureCollection",
            "features": features,
            "totalFeatures": len(rows),
            "numberMatched": len(rows),
            "numberReturned": len(rows),
            "timeStamp": "2024-01-01T02:00:00.000Z",
            "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4326"}},
        }
    ).encode()


def as_csv(*rows: dict[str, Any]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, ["FID", *rows[0], "the_geom"])
    writer.writeheader()
    for number, row in enumerate(rows):
        writer.writerow({"FID": f"aws_10min.fid-{number}", **row, "the_geom": "POINT (50.904 3.122)"})
    return text.getvalue().encode()


@pytest.fixture
def read(tmp_path: Path) -> Callable[[bytes], tuple[Result, ObjectTransformer]]:
    """What extract and transform make of an answer, of which every column is known."""

    def result(content: bytes) -> tuple[Result, ObjectTransformer]:
        path = tmp_path / "object"
        path.write_bytes(content)
        raw = RawObject("rmi/aws.json", "a", len(content), "etag", NOW)
        transformer = ObjectTransformer(raw.key, STATIONS, NOW)
        found = Result.of(transformer, list(extract(path, raw, NETWORKS, Limits(), NOW)))
        assert transformer.reading.unknown == {}
        return found, transformer

    return result


EACH = pytest.mark.parametrize("written", [as_features, as_csv], ids=["GeoJSON", "CSV"])


@EACH
@pytest.mark.parametrize(
    ("row", "stamp", "values", "group"),
    [
        (TEN_MINUTES, "2024-01-01T00:10:00Z", VALUES, "10min"),
        (HOUR, "2024-01-01T01:00:00Z", OF_THE_HOUR, "1h"),
    ],
    ids=["10 minutes", "hour"],
)
def test_each_field_is_read_and_the_pressure_is_that_of_the_station(
    row: dict[str, Any], stamp: str, values: dict[str, float], group: str, written: Any, read: Callable[..., Any]
) -> None:
    result, _ = read(written(row))
    assert (result.stamps, result.rejected, result.issues()) == ([stamp], [], [])
    assert result.values() == values
    assert (result.observations[0]["station_id"], result.observations[0]["parameter_group"]) == ("rmi-6994", group)


@EACH
def test_what_was_validated_is_kept_as_the_code_of_its_value(written: Any, read: Callable[..., Any]) -> None:
    flags = [FLAGS, "{}", None]
    result, _ = read(written(*(TEN_MINUTES | {"qc_flags": text, "wind_direction": None} for text in flags)))
    codes = [json.loads(row["source_flags"] or "{}") for row in result.observations]
    # A direction that is not there has no code.
    assert codes == [{"air_temperature": "validated", "surface_air_pressure": "not validated"}, {}, {}]


@EACH
@pytest.mark.parametrize(
    ("flags", "codes"),
    [
        (
            '{"validated":{"PRESSURE":"doubtful","TEMP_DRY_SHELTER_AVG":2}}',
            {"surface_air_pressure": "doubtful", "air_temperature": 2},
        ),
        ("under review", {"surface_air_pressure": "under review", "air_temperature": "under review"}),
        ('{"flagged":{"PRESSURE":true}}', {"surface_air_pressure": '{"flagged":{"PRESSURE":true}}'}),
        ('{"validated":{"PRESSURE":null}}', {}),
    ],
)
def test_an_unknown_code_is_kept_unchanged(
    flags: str, codes: dict[str, object], written: Any, read: Callable[..., Any]
) -> None:
    result, _ = read(written(TEN_MINUTES | {"qc_flags": flags}))
    found = json.loads(result.observations[0]["source_flags"] or "{}")
    assert {name: found[name] for name in codes} == codes
    assert bool(found) == bool(codes)


def lines(*rows: dict[str, Any]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def at(row: dict[str, Any], time: str, **changes: Any) -> dict[str, Any]:
    return row | {"timestamp": f"2024-01-01T{time}:00Z"} | changes


def test_an_hourly_row_among_ten_minute_rows_is_never_read_as_one(read: Callable[..., Any]) -> None:
    """Its rain is that of an hour, and its temperature a mean."""
    ten_minutes = [at(TEN_MINUTES, time) for time in ("00:50", "01:00", "01:10", "01:50")]
    result, _ = read(lines(*ten_minutes, at(HOUR, "01:00"), at(HOUR, "02:00")))
    assert [stamp[11:16] for stamp in result.stamps] == ["00:50", "01:00", "01:10", "01:50"]
    assert [(row["position"], row["code"], row["reason"]) for row in result.rejected] == [
        (
            f"line {number}",
            "wrong_period",
            "without wind_direction, which the nearest row has: it may be one of RMI's hourly observations",
        )
        for number in (5, 6)
    ]


def test_a_wind_vane_that_fails_costs_its_values_and_the_one_row_that_could_be_an_hour(
    read: Callable[..., Any],
) -> None:
    times = [f"{hour:02}:{minute:02}" for hour in range(1, 5) for minute in range(0, 60, 10)]
    rows = [at(TEN_MINUTES, time, wind_direction=231.0 if time < "02:00" else None) for time in times]
    result, _ = read(lines(*rows))
    assert [row["position"] for row in result.rejected] == ["line 7"]
    assert len(result.observations) == len(rows) - 1
    result, _ = read(lines(*(row | {"wind_direction": None} for row in rows)))
    assert (len(result.observations), result.rejected) == (len(rows), [])


@pytest.mark.parametrize("hours", [1, 24])
def test_hourly_rows_with_an_empty_column_of_the_direction_are_not_read_as_ten_minute_rows(
    read: Callable[..., Any], hours: int
) -> None:
    """A table with one schema for both layers has the column for hourly rows, too."""
    empty = {"wind_direction": None}
    rows = [at(HOUR, f"{hour:02}:00", **empty) for hour in range(hours)]
    other = [at(TEN_MINUTES, "00:10", code=6996), at(TEN_MINUTES, "00:20", code=6996, **empty)]
    result, _ = read(lines(*rows, *other))
    assert [row["station_id"] for row in result.observations] == ["rmi-6996", "rmi-6996"]
    why = "and the station has no row at another time: it may be one of RMI's hourly observations"
    assert {(row["code"], row["reason"]) for row in result.rejected} == {
        ("wrong_period", f"without wind_direction, {why}")
    }
    assert len(result.rejected) == hours


def test_means_of_the_hour_are_counted_and_not_taken_for_observations(read: Callable[..., Any]) -> None:
    _, transformer = read(as_features(HOUR))
    assert transformer.reading.not_stored.keys() == {
        *("temp_grass_pt100_avg", "temp_soil_avg", "wind_speed_avg_30m", "sun_int_avg", "temp_dry_shelter_avg"),
        *("humidity_rel_shelter_avg", "pressure", "wind_speed_10m"),
        *(f"temp_soil_avg_{depth}cm" for depth in (5, 10, 20, 50)),
    }


def test_ten_minute_rows_requested_without_the_direction_are_not_hourly_rows(read: Callable[..., Any]) -> None:
    result, _ = read(as_features(HOUR, HOUR | {"timestamp": "2024-01-01T01:10:00Z"}))
    assert (result.stamps, result.codes) == (["2024-01-01T01:00:00Z"], ["wrong_period"])


@EACH
def test_a_row_without_values_is_empty_and_an_unknown_station_is_quarantined(
    written: Any, read: Callable[..., Any]
) -> None:
    names = ("code", "timestamp", "qc_flags")
    empty = {name: value if name in names else None for name, value in TEN_MINUTES.items()}
    result, _ = read(written(TEN_MINUTES, empty, TEN_MINUTES | {"code": 6999}))
    assert (result.rows_read, result.rows_empty, len(result.observations)) == (3, 1, 1)
    assert [(row["code"], row["value"]) for row in result.rejected] == [("unknown_station", "rmi-6999")]


def test_only_a_feature_without_properties_is_quarantined(read: Callable[..., Any]) -> None:
    document = json.loads(as_features(TEN_MINUTES, TEN_MINUTES | {"timestamp": "2024-01-01T00:20:00Z"}))
    document["features"][0]["properties"] = None
    result, _ = read(json.dumps(document).encode())
    assert result.stamps == ["2024-01-01T00:20:00Z"]
    assert [(row["code"], row["reason"]) for row in result.rejected] == [
        ("malformed_record", "it has no object 'properties'")
    ]


@pytest.mark.parametrize(
    ("stated", "missing"),
    [
        ({"numberMatched": 10}, 8),
        ({"numberMatched": "10"}, 8),
        ({"numberMatched": 10.0}, 8),
        ({"numberMatched": 10**30}, 0),
        ({"numberReturned": 3}, 1),
        ({"totalFeatures": 2, "numberMatched": "unknown", "numberReturned": 2}, 0),
        ({"numberMatched": 2, "numberReturned": 1}, 0),
        ({"numberMatched": None, "numberReturned": True, "totalFeatures": -1}, 0),
        ({"numberMatched": 10.5, "numberReturned": {"n": 9}, "totalFeatures": "10 %"}, 0),
    ],
)
@pytest.mark.parametrize("pretty", [False, True])
def test_rows_that_a_response_counts_and_does_not_have_are_counted(
    stated: dict[str, Any], missing: int, pretty: bool, read: Callable[..., Any]
) -> None:
    answer = json.loads(as_features(TEN_MINUTES, HOUR)) | {"totalFeatures": 2} | stated
    counted_first = {name: answer[name] for name in ("type", "totalFeatures", "numberMatched", "numberReturned")}
    for document in (answer, counted_first | answer):
        _, transformer = read(json.dumps(document, indent=2 if pretty else None).encode())
        assert transformer.reading.rows_missing == missing


def test_a_response_without_any_of_the_rows_that_it_counts_is_told_too(read: Callable[..., Any]) -> None:
    answer = json.loads(as_features()) | {"numberMatched": 10}
    result, transformer = read(json.dumps(answer).encode())
    assert (result.rows_read, transformer.reading.rows_missing) == (0, 10)
