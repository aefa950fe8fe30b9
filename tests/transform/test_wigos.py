"""A row that names one station by the network's id and another by WMO's is quarantined."""

from __future__ import annotations

from typing import Any

import pytest

from forecast.core.stations import Stations
from tests.networks import station
from tests.transform.samples import Result, batch_of, transform

ROW = {"id_station": "07915", "dh_utc": "2024-10-05 00:00:00", "temperature": "7.6"}
OBSERVATION = {
    "geo_id_insee": "59343991", "validity_time": "2024-10-05T00:00:00Z", "t": 285.15, "rr1": 0.0,
}  # fmt: skip
AUTOMATIC = {"code": 6991, "timestamp": "2024-10-05T00:00:00", "temp_dry_shelter_avg": 7.6, "precip_quantity": 0.0}
ROWS = {
    "InfoClimat": ROW,
    "Météo-France observations": OBSERVATION,
    "RMI automatic stations": AUTOMATIC | {"wind_direction": 230.0},
}
STATIONS = Stations(
    {
        one.id: one
        for one in (
            station("07915", wigos_id="0-20000-0-07915"),
            station("mf-59343991", network="Météo-France observations", wigos_id="0-20000-0-07915"),
            station("rmi-6991", network="RMI automatic stations", wigos_id="0-20000-0-06991"),
            station("00092"),
        )
    }
)
OF_ANY_NETWORK = pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
IN_ANY_COLUMN = pytest.mark.parametrize("column", ["geo_id_wigos", "wigos_id", "WIGOS Station Identifier"])


def read(row: dict[str, Any]) -> Result:
    return transform(batch_of([row]), key="any/object", stations=STATIONS)


@OF_ANY_NETWORK
@IN_ANY_COLUMN
def test_another_stations_identifier_is_a_contradiction(row: dict[str, Any], column: str) -> None:
    result = read(row | {column: "0-20000-0-07005"})
    assert [(entry["code"], entry["reason"]) for entry in result.rejected] == [
        ("contradicting_stations", "its WIGOS identifier is that of another station")
    ]


@OF_ANY_NETWORK
def test_the_stations_own_identifier_one_of_another_series_and_none_are_no_contradictions(row: dict[str, Any]) -> None:
    own = {"07915": "0-20000-0-07915", "59343991": "0-20000-0-7915"}.get(str(next(iter(row.values()))))
    for written in (own or "0-20000-0-06991", "0-250-1-59343001", "somewhere", "", None):
        result = read(row | {"wigos_id": written})
        assert (len(result.observations), result.rejected) == (1, []), written


def test_a_station_whose_identifier_the_registry_lacks_contradicts_none() -> None:
    result = read(ROW | {"id_station": "00092", "wigos_id": "0-20000-0-07005"})
    assert (len(result.observations), result.rejected) == (1, [])
