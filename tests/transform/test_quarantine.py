"""A rejected row keeps all that is needed to send it through again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from forecast.core.schemas import ORIGIN_SCHEMA, RawBatch, to_frame, to_table
from forecast.core.stations import Stations
from forecast.extract.json.lines import rows_of_records
from forecast.transform import ObjectTransformer
from tests.transform.samples import NOW, STATIONS, TABLE_KEY, Result, batch_of, transform

NOWHERE = Stations({})
CLIMATE = {"id_station": "07915", "dh_utc": "2024-10-05 00:00:00", "temperature": "7.6", "humidite": 89, "neige": None}
TABLE = {"Time": "00:04:00", "Temperature": "56.8\u00a0°F", "Humidity": "87 %", "Wind": "WSW", "UV": 0.5}
API = {
    "stationID": "ITESTB25",
    "obsTimeUtc": "2024-10-05T00:04:00Z",
    "humidityAvg": 87,
    "uvHigh": None,
    "metric": {"tempAvg": 13.8, "pressureMax": 1013, "pressureMin": None},
}


def sent(batch: RawBatch, stations: Stations, key: str = TABLE_KEY) -> Result:
    return Result.of(ObjectTransformer(key, stations, NOW), [batch])


def again(rejected: Sequence[Mapping[str, Any]]) -> RawBatch:
    """The batch of rejected rows as the reject store keeps them, all of one sheet."""
    kept = [json.loads(json.dumps(row)) for row in rejected]
    origins = [json.loads(row["origin"]) for row in kept]
    for row, origin in zip(kept, origins, strict=True):
        origin |= {"position": row["position"], "extracted_at": datetime.fromisoformat(origin["extracted_at"])}
    groups = [origin.get("group") for origin in origins]
    return RawBatch(
        to_frame(rows_of_records([json.loads(row["row"]) for row in kept])),
        to_frame(pa.Table.from_pylist(origins, schema=ORIGIN_SCHEMA)),
        sheet=origins[0].get("sheet"),
        groups=pa.array(groups, pa.string()) if any(groups) else None,
    )


LOST = [{"field": "humidite", "change": "NULLED", "reason": "DESTINATION_SERIALIZATION_ERROR"}]


@pytest.mark.parametrize(
    "batch",
    [
        batch_of([CLIMATE, CLIMATE | {"dh_utc": "2024-10-05 00:10:00"}], groups=["07915", "07915"]),
        batch_of([CLIMATE | {"humidite": None}], changes=[LOST]),
        batch_of([TABLE | {"Station": "ITESTB25"}, TABLE | {"Station": "ITESTA19"}], sheet="011024"),
        batch_of([API, API | {"humidityAvg": None, "stationID": "ITESTA19"}]),
    ],
    ids=["grouped", "lost on the way", "a sheet", "nested"],
)
def test_a_row_of_an_unknown_station_goes_through_once_the_station_is_known(batch: RawBatch) -> None:
    first = sent(batch, NOWHERE)
    assert first.observations == []
    assert first.codes == ["unknown_station"] * len(batch.rows)
    expected = sent(batch, STATIONS)
    assert len(expected.observations) == len(batch.rows)
    assert sent(again(first.rejected), STATIONS).observations == expected.observations


def test_a_row_listed_under_another_station_is_quarantined_again() -> None:
    first = sent(batch_of([CLIMATE], groups=["00092"]), STATIONS)
    assert first.codes == ["station_mismatch"]
    assert sent(again(first.rejected), STATIONS).rejected == first.rejected


def test_a_row_that_is_quarantined_twice_is_kept_the_same() -> None:
    odd = {"nan": float("nan"), "infinite": float("-inf"), "list": [1, None, 3], "true": True, "größe": "5\u00a0m"}
    first = sent(batch_of([CLIMATE | odd]), NOWHERE)
    assert json.loads(first.rejected[0]["row"]) == {**CLIMATE, **odd, "nan": "nan", "infinite": "-inf"}
    assert sent(again(first.rejected), NOWHERE).rejected == first.rejected


def test_the_origin_of_a_row() -> None:
    (row,) = sent(batch_of([TABLE | {"Time": "noon"}], sheet="011024"), STATIONS).rejected
    assert json.loads(row["origin"]) == {
        "extracted_at": "2024-10-09 00:00:00.000Z",
        "generation_id": 1,
        "sync_id": 2,
        "sheet": "011024",
    }


TYPED: dict[str, tuple[pa.Array, Any]] = {
    "time": (pa.array([time(0, 4)]), "00:04:00.000000"),
    "day": (pa.array([date(2024, 10, 1)]), "2024-10-01"),
    "naive": (pa.array([datetime.fromisoformat("2024-10-01T00:04")]), "2024-10-01 00:04:00.000000"),
    "aware": (pa.array([datetime(2024, 10, 1, tzinfo=UTC)]), "2024-10-01 00:00:00.000000Z"),
    "beyond": (pa.array([9 * 10**18], pa.timestamp("ms")), "<value out of range: 9000000000000000000>"),
    "nested": (
        pa.array([{"at": 9 * 10**18}], pa.struct([("at", pa.timestamp("ms"))])),
        {"at": "<value out of range: 9000000000000000000>"},
    ),
    "nothing": (pa.array([None], pa.struct([("at", pa.int64())])), None),
    "decimal": (pa.array([Decimal("1.50")]), "1.50"),
    "span": (pa.array([timedelta(seconds=90)]), "00:01:30"),
    "fraction": (pa.array([-1_500], pa.duration("ms")), "-00:00:01.500"),
    "short float": (pa.array([13.8], pa.float32()), 13.8),
    "empty": (pa.array([{}], pa.struct([])), {}),
}


@pytest.mark.parametrize("name", TYPED)
def test_typed_cells_are_kept_as_text_that_reads_the_same(name: str) -> None:
    cells, kept = TYPED[name]
    batch = batch_of([CLIMATE])
    batch.rows[name] = to_frame(pa.table({name: cells}))[name]
    (row,) = sent(batch, NOWHERE).rejected
    assert json.loads(row["row"]) == {**CLIMATE, name: kept}


def test_a_row_of_the_hour_that_occurs_twice_is_kept_as_it_was() -> None:
    row = TABLE | {"Date": "2024-10-27", "Time": "02:30:00"}
    (rejected,) = transform(batch_of([row])).rejected
    assert (rejected["code"], json.loads(rejected["row"])) == ("ambiguous_local_time", row)


def test_of_a_long_value_the_row_keeps_all() -> None:
    (row,) = transform(batch_of([CLIMATE | {"dh_utc": "x" * 1000}])).rejected
    assert row["value"] == "x" * 199 + "…"
    assert json.loads(row["row"])["dh_utc"] == "x" * 1000


def test_a_batch_of_only_quarantined_rows_is_read() -> None:
    rows = [CLIMATE | {"dh_utc": f"2024-10-0{1 + index % 9} 00:00:00", "n": index} for index in range(100)]
    first = sent(batch_of(rows), NOWHERE)
    assert [json.loads(row["row"])["n"] for row in first.rejected] == list(range(100))
    assert to_table(again(first.rejected).rows).to_pylist() == rows
