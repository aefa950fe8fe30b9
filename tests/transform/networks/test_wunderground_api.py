"""What the PWS API's rows give: units row by row, flattened names, pressures, heartbeats, aggregates, quality codes."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import permutations
from math import cos, pi, sin
from pathlib import Path
from random import Random
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.core.errors import ObjectRejectedError
from forecast.core.raw_objects import RawObject
from forecast.core.settings import Limits
from forecast.extract import extract
from forecast.networks.registry import NETWORKS
from forecast.transform import ObjectTransformer
from tests.transform.samples import EXTRACTED, NOW, STATIONS, Result, batch_of, transform

Row = dict[str, Any]
KEY = "wunderground/ITESTB25/object"
INCH_OF_MERCURY = 33.86388640341
ADVICE = (
    "history/hourly, history/daily, observations/hourly/7day and dailysummary return such rows, which are not "
    "observations; sync observations/current, observations/all/1day or history/all instead"
)


def row(minute: int = 4, /, **more: Any) -> Row:
    return {"stationID": "ITESTB25", "obsTimeUtc": f"2024-10-01T00:{minute:02}:00Z", "humidity": 87, **more}


METRIC = {"temp": 13.8, "dewpt": 12.1, "pressure": 998.3, "windSpeed": 36.0, "precipTotal": 2.5}
IMPERIAL = {"temp": 50.0, "dewpt": 41.0, "pressure": 30.0, "windSpeed": 10.0, "precipTotal": 0.5}
HYBRID = {"temp": 13.8, "dewpt": 12.1, "pressure": 998.3, "windSpeed": 10.0, "precipTotal": 2.5}
SI = METRIC | {"windSpeed": 10.0}
BLOCKS = {"metric": METRIC, "imperial": IMPERIAL, "uk_hybrid": HYBRID, "metric_si": SI}
IN_METRIC = (13.8, 12.1, 998.3, 10.0, 2.5)
IN_IMPERIAL = (10.0, 5.0, 30.0 * INCH_OF_MERCURY, 4.4704, 12.7)
VALUES = {
    "metric": IN_METRIC,
    "imperial": IN_IMPERIAL,
    "uk_hybrid": (13.8, 12.1, 998.3, 4.4704, 2.5),
    "metric_si": IN_METRIC,
}
NAMES = (
    "air_temperature",
    "dew_point_temperature",
    "air_pressure_at_mean_sea_level",
    "wind_speed",
    "precipitation_counter",
)


def with_units(values: Mapping[str, float]) -> tuple[float, ...]:
    return tuple(values[name] for name in NAMES)


# One object in every format that can hold it.


def to_lines(rows: Sequence[Row]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def to_document(rows: Sequence[Row]) -> bytes:
    return json.dumps({"observations": rows}, indent=1).encode()


def to_csv(rows: Sequence[Row]) -> bytes:
    """An object in a cell is JSON text, as Airbyte writes it."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    sink = io.StringIO()
    writer = csv.DictWriter(sink, names)
    writer.writeheader()
    for one in rows:
        writer.writerow({n: json.dumps(v) if isinstance(v, dict) else v for n, v in one.items()})
    return sink.getvalue().encode()


def to_parquet(rows: Sequence[Row]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(_declared(rows)), sink)
    return sink.getvalue()


def _declared(rows: Sequence[Row]) -> list[Row]:
    """Every row with every column, as a typed file has them."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return [{name: row.get(name) for name in names} for row in rows]


def to_avro(rows: Sequence[Row]) -> bytes:
    def kind(name: str, values: list[Any]) -> Any:
        found = next((value for value in values if value is not None), None)
        if isinstance(found, dict):
            members = list(dict.fromkeys(member for value in values if value for member in value))
            fields = [{"name": m, "type": ["null", "double"], "default": None} for m in members]
            return {"type": "record", "name": f"of_{name}", "fields": fields}
        return "string" if isinstance(found, str) else "double"

    full = _declared(rows)
    fields = [
        {"name": name, "type": ["null", kind(name, [row[name] for row in full])], "default": None} for name in full[0]
    ]
    sink = io.BytesIO()
    fastavro.writer(sink, fastavro.parse_schema({"type": "record", "name": "row", "fields": fields}), full)
    return sink.getvalue()


FORMATS: dict[str, Callable[[Sequence[Row]], bytes]] = {
    "JSON lines": to_lines,
    "a document": to_document,
    "CSV": to_csv,
    "Parquet": to_parquet,
    "Avro": to_avro,
}


def read(content: bytes, folder: Path) -> Result:
    path = folder / "object"
    path.write_bytes(content)
    raw = RawObject(KEY, f"s3://bucket/{KEY}", 1, "etag", EXTRACTED)
    return Result.of(ObjectTransformer(KEY, STATIONS, NOW), extract(path, raw, NETWORKS, Limits(), NOW))


def rejected(content: bytes, folder: Path) -> tuple[str, str]:
    with pytest.raises(ObjectRejectedError) as caught:
        read(content, folder)
    return caught.value.code, caught.value.message


@pytest.fixture(params=FORMATS)
def written(request: pytest.FixtureRequest) -> Callable[[Sequence[Row]], bytes]:
    return FORMATS[request.param]


# Units row by row


@pytest.mark.parametrize("first", [None, {}, "absent"], ids=["null", "empty", "absent"])
def test_case_71_of_two_objects_of_units_the_one_that_has_values_is_read(first: Any, tmp_path: Path) -> None:
    one = row(metric=first, imperial=IMPERIAL) if first != "absent" else row(imperial=IMPERIAL)
    result = read(to_lines([one, row(9, metric=METRIC)]), tmp_path)
    assert [with_units(result.values(n)) for n in (0, 1)] == [IN_IMPERIAL, IN_METRIC]
    assert (result.rejected, result.issues(0), result.issues(1)) == ([], [], [])


@pytest.mark.parametrize("order", list(permutations(BLOCKS)), ids=" ".join)
def test_case_71_the_unit_may_change_from_row_to_row_in_any_order(order: tuple[str, ...]) -> None:
    rows = [row(minute, **{system: BLOCKS[system]}) for minute, system in enumerate(order)]
    result = transform(batch_of(rows))
    assert [with_units(result.values(number)) for number in range(4)] == [VALUES[system] for system in order]
    assert result.rejected == []


def test_case_71_a_file_that_declares_every_object_and_fills_one_is_read(
    written: Callable[[Sequence[Row]], bytes], tmp_path: Path
) -> None:
    nothing = dict.fromkeys(METRIC)
    rows = [
        row(0, metric=METRIC, imperial=nothing, uk_hybrid=nothing, metric_si=nothing),
        row(1, metric=None, imperial=IMPERIAL, uk_hybrid=None, metric_si=None),
        row(2, metric=nothing, imperial=nothing, uk_hybrid=HYBRID, metric_si=nothing),
        row(3, metric=None, imperial=None, uk_hybrid=None, metric_si=SI),
    ]
    result = read(written(rows), tmp_path)
    assert [with_units(result.values(number)) for number in range(4)] == list(VALUES.values())
    assert (result.rows_empty, result.rejected) == (0, [])
    assert [result.issues(number) for number in range(4)] == [[]] * 4


@pytest.mark.parametrize("name", ["Metric", "METRIC_SI", "metric-si", "metricSI", "UK hybrid", "ukHybrid", "IMPERIAL"])
def test_the_name_of_a_system_of_units_may_be_spelled_in_any_way(name: str) -> None:
    system = {"metric": "metric", "metricsi": "metric_si", "ukhybrid": "uk_hybrid", "imperial": "imperial"}[
        "".join(letter for letter in name.casefold() if letter.isalpha())
    ]
    assert with_units(transform(batch_of([row(**{name: BLOCKS[system]})])).values()) == VALUES[system]


def test_a_unit_block_as_json_text_next_to_real_ones_is_read(tmp_path: Path) -> None:
    rows = [row(0, metric=json.dumps(METRIC)), row(1, imperial=IMPERIAL), row(2, metric=METRIC)]
    result = read(to_lines(rows), tmp_path)
    assert [with_units(result.values(number)) for number in range(3)] == [IN_METRIC, IN_IMPERIAL, IN_METRIC]


def test_an_object_that_a_file_declares_as_a_map_is_read(tmp_path: Path) -> None:
    kind = pa.map_(pa.string(), pa.float64())
    columns = {
        "stationID": ["ITESTB25"] * 3,
        "obsTimeUtc": [f"2024-10-01T00:0{minute}:00Z" for minute in range(3)],
        "humidity": [87.0] * 3,
        "metric": pa.array([list(METRIC.items()), None, []], kind),
        "imperial": pa.array([None, list(IMPERIAL.items()), None], kind),
    }
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    result = read(sink.getvalue(), tmp_path)
    assert [with_units(result.values(number)) for number in (0, 1)] == [IN_METRIC, IN_IMPERIAL]
    assert (result.values(2), result.rejected) == ({"relative_humidity": 87.0}, [])


def test_a_parameter_is_taken_from_the_object_that_has_it() -> None:
    (values,) = [transform(batch_of([row(metric={"temp": 13.8}, imperial={"temp": None, "windSpeed": 10.0})])).values()]
    assert (values["air_temperature"], values["wind_speed"]) == (13.8, 4.4704)


@pytest.mark.parametrize(
    ("metric", "imperial", "kept"),
    [
        ({"temp": 13.8}, {"temp": 56.8}, {"air_temperature": 13.8}),
        ({"temp": 14}, {"temp": 57}, {"air_temperature": 14.0}),
        ({"temp": 14}, {"temp": 56.8}, {"air_temperature": (56.8 - 32) / 1.8}),
        ({"temp": "13.8"}, {"temp": "57"}, {"air_temperature": 13.8}),
        # A whole number among tenths is exact to a tenth: the dew point tells.
        ({"temp": 14.0, "dewpt": 12.1}, {"temp": 57.2}, {"air_temperature": 14.0, "dew_point_temperature": 12.1}),
        ({"pressure": 1013}, {"pressure": 29.92}, {"air_pressure_at_mean_sea_level": 29.92 * INCH_OF_MERCURY}),
        ({"windSpeed": 5}, {"windSpeed": 3}, {"wind_speed": 5 / 3.6}),
        ({"precipTotal": 2.79}, {"precipTotal": 0.11}, {"precipitation_counter": 2.79}),
        (
            {"pressureMax": 998.4, "pressureMin": 998.3},
            {"pressureMax": 29.48, "pressureMin": 29.47},
            {"air_pressure_at_mean_sea_level": 29.475 * INCH_OF_MERCURY},
        ),
        (
            {"temp": -9999, "dewpt": 5},
            {"temp": 50, "dewpt": 41},
            {"air_temperature": 10.0, "dew_point_temperature": 5.0},
        ),
    ],
)
def test_case_72_two_objects_that_agree_within_their_decimals_are_one_and_the_finer_counts(
    metric: Row, imperial: Row, kept: Mapping[str, float]
) -> None:
    for names in permutations(["metric", "imperial"]):
        both = {name: {"metric": metric, "imperial": imperial}[name] for name in names}
        result = transform(batch_of([row(**both)]))
        assert result.rejected == []
        assert result.values() == pytest.approx({"relative_humidity": 87.0, **kept}, rel=1e-12)


@pytest.mark.parametrize(
    ("metric", "imperial", "field", "told"),
    [
        ({"temp": 13.8}, {"temp": 57.8}, "air_temperature", "13.8 °C in metric, 14.3333 °C in imperial"),
        ({"temp": 14}, {"temp": 60}, "air_temperature", "14 °C in metric, 15.5556 °C in imperial"),
        ({"temp": 14.0, "dewpt": 12.1}, {"temp": 57.6}, "air_temperature", "14 °C in metric, 14.2222 °C in imperial"),
        ({"windSpeed": 36}, {"windSpeed": 36}, "wind_speed", "10 m/s in metric, 16.0934 m/s in imperial"),
        ({"precipTotal": 2.5}, {"precipTotal": 2.5}, "precipitation_counter", "2.5 mm in metric, 63.5 mm in imperial"),
    ],
)
def test_case_72_two_objects_that_differ_by_more_than_rounding_are_quarantined(
    metric: Row, imperial: Row, field: str, told: str
) -> None:
    result = transform(batch_of([row(0, metric=metric), row(1, metric=metric, imperial=imperial)]))
    assert result.stamps == ["2024-10-01T00:00:00Z"]
    assert [(one["position"], one["code"], one["field"], one["value"], one["reason"]) for one in result.rejected] == [
        (
            "line 2",
            "contradicting_values",
            field,
            told,
            "the values in two unit systems differ by more than rounding",
        )
    ]


def test_an_object_and_a_column_of_one_system_are_not_two_systems() -> None:
    result = transform(batch_of([row(0, metric={"temp": 13.8}) | {"metric_temp": 20.0}]))
    assert [(one["code"], one["value"], one["reason"]) for one in result.rejected] == [
        (
            "contradicting_values",
            "13.8 °C in metric, 20 °C in metric",
            "the values of two fields in metric differ by more than rounding",
        )
    ]


@given(st.floats(-40, 50), st.integers(0, 2), st.integers(0, 2), st.booleans())
def test_one_temperature_rounded_in_two_systems_never_contradicts_itself(
    celsius: float, decimals: int, other: int, off: bool
) -> None:
    fahrenheit = round(celsius * 1.8 + 32, other) + (4 if off else 0)
    result = transform(batch_of([row(metric={"temp": round(celsius, decimals)}, imperial={"temp": fahrenheit})]))
    assert result.codes == (["contradicting_values"] if off else [])


def test_a_cell_that_cannot_be_read_is_noted_in_whichever_system_it_stands() -> None:
    rows = [row(0, metric={"temp": "x"}, imperial={"temp": 50}), row(1, metric={"temp": 10}, imperial={"temp": "y"})]
    result = transform(batch_of(rows))
    assert [result.values(number)["air_temperature"] for number in (0, 1)] == [10.0, 10.0]
    assert [result.issues(number) for number in (0, 1)] == [
        [("air_temperature", "x", "not a number")],
        [("air_temperature", "y", "not a number")],
    ]


# Flattened names


def flattened(minute: int, system: str, spelled: Callable[[str, str], str]) -> Row:
    return row(minute) | {spelled(system, name): value for name, value in BLOCKS[system].items()}


def snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


SPELLINGS: dict[str, Callable[[str, str], str]] = {
    "imperial.windSpeed": lambda system, name: f"{system}.{name}",
    "imperial_windSpeed": lambda system, name: f"{system}_{name}",
    "imperial__wind_speed": lambda system, name: f"{system}__{snake(name)}",
    "Imperial.WindSpeed": lambda system, name: f"{system.title()}.{name[0].upper()}{name[1:]}",
    "IMPERIAL_WINDSPEED": lambda system, name: f"{system}_{name}".upper(),
    "imperial/windspeed": lambda system, name: f"{system}/{name.lower()}",
}


@pytest.mark.parametrize("spelled", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("system", BLOCKS)
@pytest.mark.parametrize("form", ["JSON lines", "CSV", "Parquet"])
def test_case_73_names_that_begin_with_the_system_of_units_are_read(
    form: str, system: str, spelled: Callable[[str, str], str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    result = read(FORMATS[form]([flattened(4, system, spelled), flattened(9, system, spelled)]), tmp_path)
    assert [with_units(result.values(number)) for number in (0, 1)] == [VALUES[system]] * 2
    assert (result.rejected, result.issues(), caplog.records) == ([], [], [])


def test_case_73_flattened_systems_of_units_are_chosen_row_by_row_too() -> None:
    dotted = SPELLINGS["imperial.windSpeed"]
    rows = [flattened(0, "metric", dotted), flattened(1, "imperial", dotted), row(2, metric_si=SI)]
    result = transform(batch_of(rows))
    assert [with_units(result.values(number)) for number in range(3)] == [IN_METRIC, IN_IMPERIAL, IN_METRIC]


def test_case_73_names_of_the_history_are_read_as_those_of_current_conditions() -> None:
    history = {
        "metric.tempAvg": 13.8,
        "metric_dewpt_avg": "12.1",
        "metric__windspeed_avg": 36,
        "metric.windgustHigh": 72,
    }
    pressures = {"metric_pressure_max": 998.4, "metric_pressure_min": 998.2}
    values = transform(batch_of([row(**history, **pressures)])).values()
    assert values == {
        "air_temperature": 13.8,
        "dew_point_temperature": 12.1,
        "relative_humidity": 87.0,
        "air_pressure_at_mean_sea_level": 998.3,
        "wind_speed": 10.0,
        "wind_speed_of_gust": 20.0,
    }


def test_case_73_two_flattened_systems_that_differ_are_quarantined() -> None:
    result = transform(batch_of([row(0, **{"metric.temp": 13.8, "imperial.temp": 80.0})]))
    assert result.codes == ["contradicting_values"]


@pytest.mark.parametrize("field", ["metric.tempAvg", "metric_temp", "metric__temp_avg", "imperial.temp"])
def test_a_flattened_value_that_airbyte_dropped_is_noted(field: str) -> None:
    changes = [{"field": field, "change": "NULLED", "reason": "SOURCE_RETRIEVAL_ERROR"}]
    result = transform(batch_of([row(**{field: None})], changes=[changes]))
    assert result.issues() == [("air_temperature", "", "lost on the way: NULLED, SOURCE_RETRIEVAL_ERROR")]


@pytest.mark.parametrize("field", ["metric.pressureMax", "pressureMin", "imperial_pressure"])
def test_a_pressure_that_airbyte_dropped_is_noted(field: str) -> None:
    changes = [{"field": field, "change": "NULLED", "reason": "SOURCE_RETRIEVAL_ERROR"}]
    result = transform(batch_of([row(metric={"temp": 13.8})], changes=[changes]))
    assert result.issues()[0][0] == "air_pressure_at_mean_sea_level"


def test_an_object_that_airbyte_dropped_is_noted_for_all_that_stands_in_it() -> None:
    changes = [{"field": "metric", "change": "NULLED", "reason": "SOURCE_RETRIEVAL_ERROR"}]
    result = transform(batch_of([row(metric=None)], changes=[changes]))
    assert [parameter for parameter, _, _ in result.issues()] == [
        "air_temperature",
        "dew_point_temperature",
        "air_pressure_at_mean_sea_level",
        "wind_speed",
        "wind_speed_of_gust",
        "rainfall_rate",
        "precipitation_counter",
    ]


# Numbers without a unit


def no_units(names: str) -> str:
    return (
        f"nothing names the units of {names}: such values belong in an object (metric, metric_si, uk_hybrid, "
        f"imperial) or into columns named after it, such as metric.{names.split(',', maxsplit=1)[0]}"
    )


BARE = {"tempavg": 13.8, "windspeedavg": 5}


@pytest.mark.parametrize("form", ["JSON lines", "a document", "CSV", "Parquet", "Avro"])
@pytest.mark.parametrize("metric", ["absent", None], ids=["no object", "an empty one"])
def test_case_74_numbers_of_which_nothing_names_the_unit_reject_the_object(
    form: str, metric: Any, tmp_path: Path
) -> None:
    rows = [row(4, **BARE), row(9, **BARE)]
    if metric is None:
        rows = [one | {"metric": {"temp": None}} for one in rows]
    assert rejected(FORMATS[form](rows), tmp_path) == ("missing_units", no_units("tempavg, windspeedavg"))


@pytest.mark.parametrize(
    "name", ["temp", "dewptAvg", "windGust", "pressure", "pressureMax", "precipRate", "precipTotal"]
)
def test_case_74_every_field_that_needs_a_unit_is_reported(name: str, tmp_path: Path) -> None:
    assert rejected(to_lines([row(4), row(9, **{name: 0.5})]), tmp_path) == ("missing_units", no_units(name))


def test_case_74_in_an_object_with_units_the_rows_without_are_quarantined() -> None:
    rows = [row(0, **BARE), row(1, metric=METRIC), row(2), row(3, tempavg=13.8), row(4, metric=METRIC, tempavg=13.8)]
    for batches in ([batch_of(rows)], [batch_of([one], first=number) for number, one in enumerate(rows, 1)]):
        result = transform(*batches)
        assert result.stamps == [f"2024-10-01T00:0{minute}:00Z" for minute in (1, 2, 4)]
        assert [(one["position"], one["code"], one["field"], one["value"]) for one in result.rejected] == [
            ("line 1", "missing_units", "tempavg", "13.8"),
            ("line 4", "missing_units", "tempavg", "13.8"),
        ]


def test_values_that_are_the_same_in_every_system_need_no_unit() -> None:
    result = transform(batch_of([row(winddir=270, uv=1.5, solarRadiation=300.5)]))
    assert len(result.values()) == 4
    assert result.rejected == []


def test_a_cell_that_has_its_unit_needs_no_object() -> None:
    result = transform(batch_of([row(0, temp="50 °F", windSpeed="36 km/h"), row(1, temp="--"), row(2, temp=None)]))
    assert (result.values()["air_temperature"], result.values()["wind_speed"]) == (10.0, 10.0)
    assert (len(result.observations), result.rejected) == (3, [])


def test_a_number_next_to_a_unit_block_that_lacks_it_is_a_parse_issue() -> None:
    result = transform(batch_of([row(metric={"temp": 13.8}, windspeedavg="5")]))
    assert result.issues() == [("wind_speed", "5", "a number without a unit")]


# The highest and the lowest pressure


@pytest.mark.parametrize(
    ("highest", "lowest"),
    [("998.4", "998.2"), (998.4, 998.2), ("998.4", 998.2), (" 998.4 ", "+998.2"), ("998.4 hPa", "998.2")],
)
def test_case_75_the_pressure_is_the_mean_of_the_two_however_they_are_written(highest: Any, lowest: Any) -> None:
    result = transform(batch_of([row(metric={"temp": "13.8", "pressureMax": highest, "pressureMin": lowest})]))
    assert result.values()["air_pressure_at_mean_sea_level"] == pytest.approx(998.3, rel=1e-15)
    assert (result.values()["air_temperature"], result.issues()) == (13.8, [])


@pytest.mark.parametrize(
    "kind", [pa.decimal128(6, 2), pa.int16(), pa.float64(), pa.float32(), pa.string(), pa.large_string()], ids=str
)
@pytest.mark.parametrize("form", ["an object", "columns"])
def test_case_75_numbers_of_every_type_are_read(kind: pa.DataType, form: str, tmp_path: Path) -> None:
    def column(number: int) -> pa.Array:
        return pa.array([Decimal(number)]).cast(pa.string()).cast(kind)

    numbers = {"temp": 14, "windSpeed": 36, "pressureMax": 1000, "pressureMin": 998, "precipRate": 2, "precipTotal": 3}
    members = {name: column(number) for name, number in numbers.items()}
    columns = {"stationID": pa.array(["ITESTB25"]), "obsTimeUtc": pa.array(["2024-10-01T00:04:00Z"])}
    if form == "an object":
        columns["metric"] = pa.StructArray.from_arrays(list(members.values()), names=list(members))
    else:
        columns |= {f"metric_{name}": cells for name, cells in members.items()}
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    assert read(sink.getvalue(), tmp_path).values() == {
        "air_temperature": 14.0,
        "air_pressure_at_mean_sea_level": 999.0,
        "wind_speed": 10.0,
        "rainfall_rate": 2.0,
        "precipitation_counter": 3.0,
    }


def test_a_pressure_that_could_be_two_numbers_quarantines_its_row() -> None:
    members = [{"pressureMax": "1,013", "pressureMin": "1,012"}, {"pressureMax": "1013", "pressureMin": "1012"}]
    result = transform(batch_of([row(minute, metric=one) for minute, one in enumerate(members)]))
    assert result.values() == {"relative_humidity": 87.0, "air_pressure_at_mean_sea_level": 1012.5}
    assert [(one["position"], one["code"], one["value"]) for one in result.rejected] == [
        ("line 1", "ambiguous_number", "1,012")
    ]


def test_the_mean_of_two_pressures_in_inches_is_exact() -> None:
    values = transform(batch_of([row(imperial={"pressureMax": 29.5, "pressureMin": 29.47})])).values()
    assert values["air_pressure_at_mean_sea_level"] == (29.5 + 29.47) / 2 * INCH_OF_MERCURY


PAIR = "air_pressure_at_mean_sea_level"


@pytest.mark.parametrize(
    ("members", "issues"),
    [
        (
            {"pressureMax": 998.4},
            [(PAIR, "998.4", "pressureMax without pressureMin: the pressure is the mean of the two")],
        ),
        (
            {"pressureMin": "998.2", "pressureMax": None},
            [(PAIR, "998.2", "pressureMin without pressureMax: the pressure is the mean of the two")],
        ),
        ({"pressureMax": 998.4, "pressureMin": "low"}, [(PAIR, "low", "pressureMin: not a number")]),
        ({"pressureMax": "--", "pressureMin": None}, []),
        (
            {"pressureMax": 998.2, "pressureMin": "998.4"},
            [(PAIR, "998.2", "pressureMax is below pressureMin (998.4)")],
        ),
    ],
)
def test_one_pressure_of_a_pair_or_two_in_the_wrong_order_give_no_mean(
    members: Row, issues: list[tuple[str, str, str]]
) -> None:
    result = transform(batch_of([row(metric={"temp": 13.8, **members})]))
    assert PAIR not in result.values()
    assert result.issues() == issues


def test_a_row_of_current_conditions_next_to_one_of_the_history_has_its_own_pressure() -> None:
    pair = {"pressureMax": 998.4, "pressureMin": 998.2}
    result = transform(batch_of([row(0, metric=pair), row(1, metric={"pressure": 1000.0})]))
    assert [result.values(number)[PAIR] for number in (0, 1)] == [998.3, 1000.0]
    assert result.issues(1) == []


# Heartbeats

NO_SENSOR = dict.fromkeys(("tempAvg", "windspeedAvg", "windgustHigh", "dewptAvg", "pressureMax", "pressureMin"))


@pytest.mark.parametrize(
    "rain",
    [{"precipRate": 0}, {"precipRate": 0.0, "precipTotal": 0.0}, {"precipRate": "0.00", "precipTotal": None}],
)
def test_case_77_a_row_that_only_says_that_it_does_not_rain_is_empty(rain: Row) -> None:
    heartbeat = row(9, humidity=None, humidityAvg=None, uvHigh=None, qcStatus=1, metric=NO_SENSOR | rain)
    result = transform(batch_of([row(4, metric=METRIC), heartbeat]))
    assert (result.rows_read, result.rows_empty, len(result.observations), result.rejected) == (2, 1, 1, [])


@pytest.mark.parametrize(
    ("more", "rain", "values"),
    [
        ({"humidity": 87}, {"precipRate": 0}, {"relative_humidity": 87.0, "rainfall_rate": 0.0}),
        ({"uvHigh": 0}, {"precipRate": 0}, {"ultraviolet_index": 0.0, "rainfall_rate": 0.0}),
        ({}, {"tempAvg": 0, "precipRate": 0}, {"air_temperature": 0.0, "rainfall_rate": 0.0}),
        ({}, {"precipRate": 0.5}, {"rainfall_rate": 0.5}),
        ({}, {"precipRate": 0, "precipTotal": 0.5}, {"rainfall_rate": 0.0, "precipitation_counter": 0.5}),
    ],
)
def test_case_77_a_row_with_one_sensor_or_with_rain_is_an_observation(more: Row, rain: Row, values: Row) -> None:
    result = transform(batch_of([row(9, **{"humidity": None, **more}, metric=NO_SENSOR | rain)]))
    assert (result.values(), result.rows_empty) == (values, 0)


def test_a_row_without_sensors_whose_cell_cannot_be_read_keeps_its_note_and_its_rain() -> None:
    result = transform(batch_of([row(humidity="wet", metric=NO_SENSOR | {"precipRate": 0})]))
    assert (result.values(), result.issues()) == (
        {"rainfall_rate": 0.0},
        [("relative_humidity", "wet", "not a number")],
    )


def test_a_row_without_sensors_whose_rain_cannot_be_read_keeps_what_was_read() -> None:
    result = transform(batch_of([row(humidity=None, metric=NO_SENSOR | {"precipRate": "wet", "precipTotal": 0})]))
    assert (result.values(), result.issues()) == (
        {"precipitation_counter": 0.0},
        [("rainfall_rate", "wet", "not a number")],
    )


# The network's own quality code


@pytest.mark.parametrize(("status", "code"), [(1, 1), (0, 0), (-1, -1), ("1", 1), (" -1.0 ", -1), ("bad", "bad")])
def test_case_78_the_networks_code_is_kept_for_every_value_of_its_row(status: Any, code: Any) -> None:
    result = transform(batch_of([row(0, qcStatus=status, metric={"temp": 13.8, "dewpt": None}), row(1, humidity=5)]))
    kept = [json.loads(one["source_flags"]) if one["source_flags"] else None for one in result.observations]
    assert kept == [{"air_temperature": code, "relative_humidity": code}, None]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ('no "good"', 'no "good"'),
        ("a\\b", "a\\b"),
        ("a\nb", "a\nb"),
        ("\u202eb\u0085d", "\u202eb\u0085d"),
        ("é" * 80, "é" * 80),
        ("\n" + "x" * 90, "x" * 79 + "…"),
        ("x\n" * 50, "x\n" * 39 + "x…"),
    ],
    ids=["quotes", "backslash", "line break", "direction", "as long as a note", "blanks around", "too long"],
)
def test_case_78_a_code_that_is_text_is_kept_letter_by_letter(status: str, code: str) -> None:
    (one,) = transform(batch_of([row(0, qcStatus=status, humidity=None, metric={"temp": 13.8})])).observations
    assert one["source_flags"].isascii()
    assert one["source_flags"].isprintable()
    assert json.loads(one["source_flags"]) == {"air_temperature": code}


@pytest.mark.parametrize("status", [None, "", "--", "n/a"])
def test_a_row_without_a_code_has_no_source_flags(status: Any) -> None:
    rows = [row(0, qcStatus=status, metric=METRIC), row(1, qcStatus=1, metric=METRIC)]
    assert [one["source_flags"] is None for one in transform(batch_of(rows)).observations] == [True, False]


@given(st.lists(st.tuples(st.sampled_from([1, 0, -1, None]), st.booleans(), st.booleans()), min_size=1, max_size=12))
def test_source_flags_name_just_the_values_that_are_there(rows: list[tuple[int | None, bool, bool]]) -> None:
    given_rows = [
        row(n, winddir=10, qcStatus=code, humidity=5 if wet else None, metric={"temp": 1.5 if warm else None})
        for n, (code, wet, warm) in enumerate(rows)
    ]
    found = [one["source_flags"] for one in transform(batch_of(given_rows)).observations]
    for text, (code, wet, warm) in zip(found, rows, strict=True):
        names = ["air_temperature"] * warm + ["relative_humidity"] * wet + ["wind_from_direction"]
        assert (None if text is None else json.loads(text)) == (None if code is None else dict.fromkeys(names, code))


# Values of hours and days


def interval(moment: datetime, temp: float, spread: float, **more: Any) -> Row:
    """A row of the history as the API gives it; all that has a highest and a lowest value has them `spread` apart."""
    half = spread / 2
    return {
        "stationID": "ITESTB25",
        "tz": "Europe/Paris",
        "obsTimeUtc": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "obsTimeLocal": (moment + timedelta(hours=2)).strftime("%Y-%m-%d %H:%M:%S"),
        "humidityHigh": round(80 + 4 * half),
        "humidityLow": round(80 - 4 * half),
        "humidityAvg": 80,
        "qcStatus": 1,
        "metric": {
            "tempHigh": round(temp + half, 1),
            "tempLow": round(temp - half, 1),
            "tempAvg": round(temp, 1),
            "pressureMax": round(1010 + half, 2),
            "pressureMin": round(1010 - half, 2),
            "precipTotal": 0.0,
        },
        **more,
    }


MIDNIGHT = datetime(2024, 10, 1, 21, 59, 54)
# The temperatures of a day, hour by hour.
HOURS = [9.8, 9.5, 9.1, 9.0, 8.7, 8.5, 8.9, 9.9, 11.2, 12.8, 14.1, 15.2, 16.0, 16.4, 16.1, 15.3, 14.2, 13.1, 12.2, 11.6]


def hourly(spread: float = 1.0, **more: Any) -> list[Row]:
    first = datetime(2024, 10, 1, 0, 59, 52)
    return [interval(first + timedelta(hours=n), temp, spread, **more) for n, temp in enumerate(HOURS)]


def daily(days: int) -> list[Row]:
    temps = [14.1, 13.2, 15.8, 12.0, 12.4, 16.6, 14.9]
    return [interval(MIDNIGHT + timedelta(days=n), temps[n], 9.0) for n in range(days)]


AGGREGATES = {
    "history/daily, one day": daily(1),
    "two days": daily(2),
    "seven days": daily(7),
    "history/hourly": hourly(),
}


def opened(rows: Sequence[Row]) -> list[Row]:
    """Rows as pandas flattens them."""
    return [
        {n: v for n, v in one.items() if n != "metric"} | {f"metric.{n}": v for n, v in one["metric"].items()}
        for one in rows
    ]


@pytest.mark.parametrize("rows", AGGREGATES.values(), ids=AGGREGATES)
@pytest.mark.parametrize("form", FORMATS)
def test_case_76_values_of_hours_and_days_reject_the_object(form: str, rows: list[Row], tmp_path: Path) -> None:
    if form != "CSV":
        code, message = rejected(FORMATS[form](rows), tmp_path)
        assert code == "aggregate_values"
        assert message.endswith(ADVICE)
    code, message = rejected(to_csv(opened(rows)), tmp_path)
    assert code == "aggregate_values"


def test_case_76_the_message_gives_the_evidence(tmp_path: Path) -> None:
    assert rejected(to_document(daily(1)), tmp_path)[1] == (
        "the rows are hourly or daily values: in the row of ITESTB25 at 2024-10-01T21:59:54Z the highest and lowest "
        f"values differ widely (temperature 9.0 °C, humidity 36.0 %, pressure 9.0 hPa). {ADVICE}"
    )
    assert rejected(to_document(hourly()), tmp_path)[1] == (
        "the rows are hourly or daily values: 20 rows of ITESTB25 are 60 minutes apart, and in each the highest "
        "and lowest values differ by as much as the air changes in that time (on average temperature 1.0 °C, "
        "humidity 4.0 %, "
        f"pressure 1.0 hPa). {ADVICE}"
    )


@pytest.mark.parametrize("wrap", [lambda rows: to_document(rows).replace(b"observations", b"summaries")])
@pytest.mark.parametrize("rows", [daily(7), daily(1), hourly(0.0)[:1], [{"stationID": "ITESTB25"}]])
def test_case_76_the_document_of_dailysummary_is_rejected_whatever_its_rows_say(
    wrap: Callable[[list[Row]], bytes], rows: list[Row], tmp_path: Path
) -> None:
    for content in (wrap(rows), to_lines([{"summaries": rows}])):
        assert rejected(content, tmp_path) == (
            "aggregate_values",
            f"the rows are in 'summaries': they are daily values. {ADVICE}",
        )


def test_case_76_rows_of_days_are_detected_in_hours() -> None:
    with pytest.raises(ObjectRejectedError, match="7 rows of ITESTB25 are 24 hours apart, and in each"):
        transform(batch_of(daily(7)))


def test_case_76_how_the_rows_are_cut_makes_no_difference() -> None:
    with pytest.raises(ObjectRejectedError) as caught:
        transform(*(batch_of([one], first=number) for number, one in enumerate(hourly(), 1)))
    assert caught.value.code == "aggregate_values"


def test_case_76_whole_numbers_in_imperial_units_are_recognised_too() -> None:
    rows = hourly()
    for one in rows:
        metric = one.pop("metric")
        highest, lowest = (round(metric[name] * 1.8 + 32) for name in ("tempHigh", "tempLow"))
        one["imperial"] = {"tempHigh": highest, "tempLow": lowest, "tempAvg": (highest + lowest) // 2}
    with pytest.raises(ObjectRejectedError) as caught:
        transform(batch_of(rows))
    assert caught.value.code == "aggregate_values"


def of_temperature(rows: Sequence[Row]) -> list[Row]:
    """The same rows of a station that has a thermometer and nothing else."""
    names = ("tempHigh", "tempLow", "tempAvg")
    return [
        {name: value for name, value in one.items() if not name.startswith("humidity")}
        | {"metric": {name: one["metric"][name] for name in names}}
        for one in rows
    ]


def test_case_76_hours_of_which_each_has_another_system_of_units_are_detected() -> None:
    first, second = of_temperature([interval(datetime(2024, 10, 1, hour, 30), 14.0, 1.0) for hour in (12, 13)])
    temps = second.pop("metric")
    second["imperial"] = {name: round(temp * 1.8 + 32, 1) for name, temp in temps.items()}
    with pytest.raises(ObjectRejectedError) as caught:
        transform(batch_of([first, second]))
    assert caught.value.code == "aggregate_values"
    assert "2 rows of ITESTB25 are 60 minutes apart" in caught.value.message


def five_minutes(spread: float, number: int = 288) -> list[Row]:
    first = datetime(2024, 10, 1, 0, 4, 58)
    step = len(HOURS) / number
    return [interval(first + timedelta(minutes=5 * n), HOURS[int(n * step)], spread) for n in range(number)]


OBSERVATIONS = {
    "five minutes": five_minutes(0.2),
    "five minutes in the sun": five_minutes(1.2),
    "in a squall": [*five_minutes(0.2, 10), interval(datetime(2024, 10, 1, 12, 59, 58), 14.0, 6.0)],
    "a station that reports once an hour": hourly(0.0),
    "the same, with several values in its five minutes": hourly(0.2),
    "the same in restless air": of_temperature(hourly(0.4)),
    "a station that reports once a day": [interval(MIDNIGHT + timedelta(days=n), 14.0 + n, 0.1) for n in range(5)],
    "the last five minutes of a day": [interval(MIDNIGHT, 10.2, 0.1)],
    "one row in the sun": [interval(datetime(2024, 10, 1, 12, 4, 58), 14.0, 1.5)],
    "rows without a highest and a lowest": [row(4, metric=METRIC)],
    "one bound that a day would have": [interval(MIDNIGHT, 10.2, 0.1, humidityHigh=99, humidityLow=60)],
}


@pytest.mark.parametrize("rows", OBSERVATIONS.values(), ids=OBSERVATIONS)
def test_case_76_observations_are_not_mistaken_for_hourly_values(rows: list[Row]) -> None:
    result = transform(batch_of(rows))
    assert (len(result.observations), result.rejected) == (len(rows), [])


# One station among others, and aggregates among observations


def temperature_at(minute: int) -> float:
    """A day's course, and gusts of air on it."""
    return 12 - 4 * cos(minute / 1440 * 2 * pi) + 0.6 * sin(minute / 9)


def values_of(length: int, hours: range = range(24), **more: Any) -> list[Row]:
    """The rows of so many minutes each, all of one course of the air, as the API gives them: at their last minute."""
    rows = []
    for start in range(hours.start * 60, hours.stop * 60, length):
        temps = [temperature_at(minute) for minute in range(start, start + length)]
        middle, spread = (max(temps) + min(temps)) / 2, max(temps) - min(temps)
        # The days of Paris begin at 22:00 UTC.
        moment = datetime(2024, 9, 30, 22, 0) + timedelta(minutes=start + length - 1, seconds=58)
        rows.append(interval(moment, middle, spread, **more))
    return rows


def quarantined(result: Result) -> list[str]:
    assert set(result.codes) <= {"aggregate_values"}
    return [json.loads(one["row"])["obsTimeUtc"] for one in result.rejected]


def times(rows: Sequence[Row]) -> list[str]:
    return [one["obsTimeUtc"] for one in rows]


MIXED = {
    "hours, then five minutes": [values_of(60, range(12)), values_of(5, range(12, 24))],
    "five minutes, then hours": [values_of(60, range(12, 24)), values_of(5, range(12))],
    "half hours, then five minutes": [values_of(30, range(12)), values_of(5, range(12, 24))],
    "hours of which the five minutes are there too": [values_of(60), values_of(5)],
    "half hours of which the five minutes are there too": [values_of(30), values_of(5)],
    "a day of which the five minutes are there too": [values_of(1440), values_of(5)],
    "hours and a day of which the five minutes are there too": [values_of(60) + values_of(1440), values_of(5)],
    "hours that were delivered twice": [values_of(60) * 2, values_of(5)],
}


@pytest.mark.parametrize("order", ["one after the other", "in the order of time", "newest first", "shuffled"])
@pytest.mark.parametrize(("aggregates", "observations"), MIXED.values(), ids=MIXED)
def test_case_76_aggregates_among_more_observations_of_a_station_are_quarantined(
    aggregates: list[Row], observations: list[Row], order: str
) -> None:
    rows = [*aggregates, *observations]
    if order != "one after the other":
        rows.sort(key=lambda one: one["obsTimeUtc"], reverse=order == "newest first")
    if order == "shuffled":
        Random(7).shuffle(rows)
    result = transform(batch_of(rows))
    assert sorted(quarantined(result)) == sorted(times(aggregates))
    assert sorted(result.stamps) == sorted(times(observations))
    assert {one["timestamp"]: one["air_temperature"] for one in result.observations} == {
        one["timestamp"]: one["air_temperature"] for one in transform(batch_of(observations)).observations
    }


def test_case_76_the_day_alone_among_five_minutes_of_other_days_is_quarantined() -> None:
    day = interval(datetime(2024, 9, 28, 21, 59, 54), 12.0, 9.0)
    result = transform(batch_of([day, *values_of(5)]))
    assert quarantined(result) == [day["obsTimeUtc"]]


def test_case_76_a_quarantined_aggregate_gives_the_evidence() -> None:
    result = transform(batch_of([*values_of(60, range(2)), *values_of(5)]))
    (one, _) = result.rejected
    assert (one["position"], one["code"], one["field"], one["value"], one["reason"]) == (
        "line 1",
        "aggregate_values",
        "obsTimeUtc",
        "2024-09-30T22:59:58Z",
        (
            "an hourly or daily value among observations: 2 rows of ITESTB25, the first at 2024-09-30T22:59:58Z, have "
            "the time of another row, and the highest and lowest values lie around all of the half hour before (on "
            f"average temperature 1.1 °C, humidity 4.0 %, pressure 1.1 hPa apart). {ADVICE}"
        ),
    )


OF_LESS_THAN_AN_HOUR = {f"{length} minutes": values_of(length) for length in (15, 20, 30)}


@pytest.mark.parametrize("rows", OF_LESS_THAN_AN_HOUR.values(), ids=OF_LESS_THAN_AN_HOUR)
def test_case_76_values_of_a_quarter_of_an_hour_and_more_reject_the_object(rows: list[Row]) -> None:
    with pytest.raises(ObjectRejectedError) as caught:
        transform(batch_of(rows))
    assert caught.value.code == "aggregate_values"


NOT_AGGREGATES = {
    "every third of five minutes": values_of(5)[::3],
    "every sixth": values_of(5)[::6],
    "every twelfth": values_of(5)[::12],
    "delivered twice": values_of(5) * 2,
    "with outages": [one for number, one in enumerate(values_of(5)) if number % 40 < 9 or number % 100 == 50],
    "with a correction of each": values_of(5) + [one | {"humidityHigh": 99} for one in values_of(5)],
    "a squall that was delivered twice": [
        *values_of(5, range(6)),
        *[interval(datetime(2024, 10, 1, 4, 4, 58), 10.0, 9.0)] * 2,
        *values_of(5, range(7, 24)),
    ],
    "a few rows of a station that is mostly off": values_of(5)[::24][:3],
    "two rows years apart": [interval(datetime(year, 7, 1, 12, 4, 58), 20.0, 1.2) for year in (2000, 2024)],
    "a row a week": [interval(datetime(2024, 7, day, 12, 4, 58), 20.0, 1.2) for day in (1, 8, 15, 22, 29)],
}


@pytest.mark.parametrize("rows", NOT_AGGREGATES.values(), ids=NOT_AGGREGATES)
def test_case_76_five_minutes_with_gaps_and_repeats_are_observations(rows: list[Row]) -> None:
    result = transform(batch_of(rows))
    assert (len(result.observations), result.rejected) == (len(rows), [])


def test_case_76_an_hours_values_of_one_station_among_five_minutes_of_others_are_quarantined() -> None:
    others = [one | {"stationID": "ITESTA19"} for one in five_minutes(0.2)]
    result = transform(batch_of([*others, *hourly()]))
    assert quarantined(result) == times(hourly())
    assert len(result.observations) == len(others)


def test_case_76_which_rows_are_aggregates_does_not_depend_on_how_they_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for a decision does not grow with the object."""
    monkeypatch.setattr("forecast.transform.aggregates.ROWS", 10)
    rows = [*five_minutes(0.2, 35), *(one | {"stationID": "ITESTA19"} for one in hourly()), *five_minutes(0.2, 9)]
    for batches in ([batch_of(rows)], [batch_of([one], first=number) for number, one in enumerate(rows, 1)]):
        result = transform(*batches)
        assert quarantined(result) == times(hourly())
        assert len(result.observations) == len(rows) - len(hourly())
