"""Columns of any kind, with any values: rows are observations, rejected or empty, or the object is rejected."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.core.errors import ObjectRejectedError
from forecast.core.parameters import PARAMETER_NAMES
from forecast.core.schemas import RawBatch, to_frame
from forecast.transform import ObjectTransformer
from forecast.validate import validate
from tests.examples import for_every_change
from tests.transform.samples import NOW, STATIONS, TABLE_KEY, Result, batch_of

ROWS = 3
INT64 = st.integers(-(2**63), 2**63 - 1)
TEXTS = st.sampled_from(
    [
        *("", " ", "07915", "ITESTB25", "nowhere", "2024-10-27 02:30:00", "2024-10-05T00:04:00Z", "02:30:00", "00:04"),
        *("9999-12-31 24:00:00", "0001-01-01T00:00:00+14:00", "2024-10-01", "24:00", "10:00:60", "0.99999"),
        *("56.8\u00a0°F", "29.53 in", "1e308 inHg", "-0", "1e-400", "WSW", "Calm", "O", "٣", "\x1b[31m", "9" * 400),
        *("1727741040", "17277410400000000009", '{"a": 1}', "NaN", "2024-03-31 02:30:00"),
    ]
)
LONG = {"s": st.integers(-(2**31), 2**31 - 1), "us": INT64}
KINDS: list[tuple[pa.DataType, st.SearchStrategy[Any]]] = [
    (pa.null(), st.none()),
    (pa.bool_(), st.booleans()),
    (pa.int64(), INT64),
    (pa.uint8(), st.integers(0, 255)),
    (pa.float64(), st.floats()),
    (pa.float32(), st.floats(width=32)),
    (pa.decimal128(38, 2), st.decimals(-(10**30), 10**30, places=2) | st.just(Decimal("29.53"))),
    (pa.string(), TEXTS | st.text(max_size=20)),
    (pa.large_string(), TEXTS),
    (pa.dictionary(pa.int32(), pa.string()), TEXTS),
    *((pa.timestamp(unit, zone), INT64) for unit in ("s", "ms", "us", "ns") for zone in (None, "UTC")),
    (pa.date32(), LONG["s"]),
    (pa.date64(), st.integers(-(10**11), 10**11).map(lambda day: day * 86_400_000)),
    (pa.time32("s"), LONG["s"]),
    (pa.time64("us"), INT64),
    (
        pa.struct([("tempAvg", pa.float64()), ("at", pa.timestamp("s"))]),
        st.fixed_dictionaries({"tempAvg": st.floats()}),
    ),
    (pa.list_(pa.float64()), st.lists(st.floats(), max_size=2)),
]
# By network: the columns that a row of it always has here, and others that it may have.
FIELDS = {
    "InfoClimat": (["id_station", "dh_utc"], ["temperature", "pression", "vent_direction", "pluie_1h", "wigos_id"]),
    "table": (
        ["Time", "Date", "Temperature", "Pressure", "Humidity"],
        ["DateTime", "DateUTC", "Station", "Wind", "UV"],
    ),
    "API": (["stationID", "obsTimeUtc"], ["obsTimeLocal", "humidityAvg", "winddirAvg", "metric", "imperial"]),
    "METAR": (["icaoId", "obsTime"], ["temp", "visib", "altim", "rawOb"]),
    "METAR as text": (["station", "day_time", "report", "visibility", "qnh"], ["temperature", "wind_direction"]),
    "Météo-France": (["geo_id_insee", "validity_time", "rr1"], ["t", "insolh", "rr_per"]),
    "Météo-France hourly": (["NUM_POSTE", "AAAAMMJJHH"], ["T", "QT", "RR1"]),
    "SYNOP": (["numer_sta", "date", "cod_tend"], ["t", "n", "rr1"]),
    "RMI": (["code", "timestamp", "temp_dry_shelter_avg", "precip_quantity"], ["wind_direction", "qc_flags"]),
    "DWD": (["STATIONS_ID", "MESS_DATUM", "TT_TU", "RF_TU"], ["QN_9"]),
}
REJECTED = {"lost_day", "unknown_layout", "unreadable_values", "wrong_unit", "ambiguous_layout"}
# One cell of every type that a file can declare, but for those that the readers convert to others.
CELLS: list[pa.Array] = [
    pa.array([True]),
    pa.array([2**64 - 1], pa.uint64()),
    pa.array([5], pa.int8()),
    pa.array([1.5], pa.float16()),
    pa.array([float("inf")]),
    pa.array([20241005.0]),
    pa.array([Decimal("7005.00")]),
    pa.array([Decimal(7005)], pa.decimal256(50, 10)),
    pa.array([5]).dictionary_encode(),
    pa.array(["07005"]).dictionary_encode(),
    pa.array(["07005"], pa.large_string()),
    pa.array(["a\0b"]),
    pa.array([2**62]).cast(pa.timestamp("us")),
    pa.array([0]).cast(pa.timestamp("ns", "Europe/Paris")),
    pa.array([0], pa.int32()).cast(pa.date32()),
    pa.array([36_000], pa.int32()).cast(pa.time32("s")),
    pa.array([36_000]).cast(pa.duration("s")),
    pa.array([{"a": 1}]),
    pa.array([{"double": 12.5}]),
    pa.array([[]], pa.list_(pa.int64())),
    pa.array([[1.5]]),
    pa.array([[{"a": 1}]]),
    pa.array([["07005"]], pa.list_(pa.string(), 1)),
    pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())),
    pa.array([[(1, 1)]], pa.map_(pa.int64(), pa.int64())),
]


@st.composite
def columns(draw: st.DrawFn) -> dict[str, pa.Array]:
    always, others = FIELDS[draw(st.sampled_from(sorted(FIELDS)))]
    chosen = always + draw(st.lists(st.sampled_from(others), unique=True))
    return {name: draw(cells()) for name in chosen}


@st.composite
def cells(draw: st.DrawFn) -> pa.Array:
    kind, values = draw(st.sampled_from(KINDS))
    drawn = draw(st.lists(values | st.none(), min_size=ROWS, max_size=ROWS))
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind) or pa.types.is_time(kind):
        whole = pa.int32() if kind.bit_width == 32 else pa.int64()
        return pa.array(drawn, whole).view(kind)
    return pa.array(drawn, kind)


def outcome(batch: RawBatch) -> Result | str:
    transformer = ObjectTransformer(TABLE_KEY, STATIONS, NOW)
    result = Result()
    try:
        for part in (transformer.transform(batch), *transformer.finish()):
            result.add(part)
            validated = validate(part.observations, STATIONS, NOW)
            assert len(validated.rejected) == 0
    except ObjectRejectedError as error:
        return error.code
    return result


@given(columns(), st.sampled_from([None, "271024", "Feuil1"]))
def test_any_columns_are_read_or_rejected_and_never_an_internal_error(
    found: dict[str, pa.Array], sheet: str | None
) -> None:
    batch = batch_of([{}] * ROWS)
    batch.rows, batch.sheet = to_frame(pa.table(found)), sheet
    result = outcome(batch)
    if isinstance(result, str):
        assert result in REJECTED
        return
    assert result.rows_read == ROWS
    for row in result.observations:
        assert np.isfinite([row[name] for name in PARAMETER_NAMES if row[name] is not None]).all()
    for row in result.rejected:
        # Rows of two layouts in one batch are taken apart without the columns that only the others fill.
        assert {name for name, cells in found.items() if not cells.null_count} <= set(json.loads(row["row"]))
        assert json.loads(row["origin"])["generation_id"] == 1
    assert outcome(batch) == result


@pytest.mark.parametrize("name", FIELDS)
def test_the_generated_columns_cover_each_network(name: str) -> None:
    """What the property above draws is recognised, or it would prove nothing."""
    batch = batch_of([dict.fromkeys(FIELDS[name][0])])
    assert isinstance(outcome(batch), Result)


@pytest.mark.parametrize("name", ["DWD", *for_every_change(*(name for name in FIELDS if name != "DWD"))])
def test_a_column_of_any_type_is_no_error(name: str) -> None:
    always, others = FIELDS[name]
    plain = {field: pa.array(["1", None]) for field in (*always, *others)}
    for field in plain:
        for cell in CELLS:
            batch = batch_of([{}] * 2)
            batch.rows = to_frame(pa.table({**plain, field: cell.take(pa.array([0, None], pa.int64()))}))
            result = outcome(batch)
            assert result in REJECTED if isinstance(result, str) else result.rows_read == 2, (field, cell.type)
