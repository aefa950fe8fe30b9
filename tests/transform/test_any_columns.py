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
FIELDS = {
    "InfoClimat": ["id_station", "dh_utc", "temperature", "pression", "vent_direction", "pluie_1h"],
    "table": ["Time", "Date", "DateTime", "DateUTC", "Station", "Temperature", "Pressure", "Humidity", "Wind", "UV"],
    "API": ["stationID", "obsTimeUtc", "obsTimeLocal", "humidityAvg", "winddirAvg", "metric", "imperial"],
}


@st.composite
def columns(draw: st.DrawFn) -> dict[str, pa.Array]:
    fields = FIELDS[draw(st.sampled_from(sorted(FIELDS)))]
    chosen = fields[:2] + draw(st.lists(st.sampled_from(fields[2:]), unique=True))
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
def test_any_columns_are_read_or_refused_and_never_an_error(found: dict[str, pa.Array], sheet: str | None) -> None:
    batch = batch_of([{}] * ROWS)
    batch.rows, batch.sheet = to_frame(pa.table(found)), sheet
    result = outcome(batch)
    if isinstance(result, str):
        assert result in {"lost_day", "unknown_layout", "unreadable_values", "wrong_unit"}
        return
    assert result.rows_read == ROWS
    for row in result.observations:
        assert np.isfinite([row[name] for name in PARAMETER_NAMES if row[name] is not None]).all()
    for row in result.rejected:
        assert set(json.loads(row["row"])) == set(found)
        assert json.loads(row["origin"])["generation_id"] == 1
    assert outcome(batch) == result


@pytest.mark.parametrize("name", FIELDS)
def test_each_network_is_really_among_them(name: str) -> None:
    """What the property above draws is recognised, or it would prove nothing."""
    batch = batch_of([dict.fromkeys(FIELDS[name])])
    assert isinstance(outcome(batch), Result)
