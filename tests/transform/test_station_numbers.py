"""Networks whose station ids are numbers: a tool that took them for amounts changed how they are written."""

from __future__ import annotations

from typing import Any

import pytest

from forecast.core.stations import Stations
from tests.networks import station
from tests.transform.samples import batch_of, transform

OBSERVATION = {"validity_time": "2024-10-05T00:00:00Z", "t": 285.15, "rr1": 0.0}
SYNOP = {"date": "20241005000000", "cod_tend": "8", "t": "285.15"}
HOURLY = {"AAAAMMJJHH": "2024100500", "T": "12.0"}
AUTOMATIC = {
    "timestamp": "2024-10-05T00:00:00",
    "temp_dry_shelter_avg": 7.6,
    "precip_quantity": 0.0,
    "wind_direction": 9,
}
GERMAN = {"MESS_DATUM": "2024100500", "TT_TU": "12.0", "RF_TU": "80"}
# By network: the prefix, the own id, its field, and a row without it.
NETWORKS: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "Météo-France observations": ("mf-", "01014002", "geo_id_insee", OBSERVATION),
    "Météo-France SYNOP": ("mf-synop-", "07005", "numer_sta", SYNOP),
    "Météo-France hourly data": ("mf-h-", "01014002", "NUM_POSTE", HOURLY),
    "RMI automatic stations": ("rmi-", "6407", "code", AUTOMATIC),
    "DWD": ("dwd-", "01078", "STATIONS_ID", GERMAN),
}
OF_EACH_NETWORK = pytest.mark.parametrize("network", NETWORKS)


def outcome(network: str, cell: object) -> tuple[list[str], list[str]]:
    prefix, own, field, row = NETWORKS[network]
    known = station(prefix + own, network=network, network_id=own)
    result = transform(batch_of([{field: cell, **row}]), key="any/object", stations=Stations({known.id: known}))
    return [entry["station_id"] for entry in result.observations], result.codes


@OF_EACH_NETWORK
def test_an_id_that_a_tool_took_for_a_number_is_still_that_of_the_station(network: str) -> None:
    prefix, own, _, _ = NETWORKS[network]
    number = int(own)
    for cell in (own, f" {own} ", number, float(number), str(number), f"{number}.0", f"{own}.00"):
        assert outcome(network, cell) == ([prefix + own], []), cell


@OF_EACH_NETWORK
def test_any_other_text_is_no_id(network: str) -> None:
    number = int(NETWORKS[network][1])
    for cell in (number + 0.5, f"{number}.5", f"{number}.", f"{number}e0", hex(number), f"{number:,}", -number, "0.0"):
        assert outcome(network, cell) == ([], ["unknown_station"]), cell
