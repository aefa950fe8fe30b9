"""Météo-France's DPPaquetObs v2: the last 24 hours of a department (hourly) or of a station (every 6 minutes)."""

from __future__ import annotations

from typing import Any, Final

from forecast.core.stations import Station
from forecast_demo.apis.answer import Answer, as_json
from forecast_demo.apis.fake import Call
from forecast_demo.apis.world import WARMER, World
from forecast_demo.clock import DAY_SECONDS, HOUR_SECONDS
from forecast_demo.networks.meteofrance_obs import rows

PATH: Final = "/public/DPPaquetObs/v2/paquet/"
NETWORK: Final = "Météo-France observations"
_SIX_MINUTES: Final = 360
PER_MINUTE: Final = 50
_INVALID: Final = {"fault": {"code": 900901, "message": "Invalid Credentials", "description": "Invalid JWT token"}}
_THROTTLED: Final = {"fault": {"code": 900800, "message": "Message throttled out"}}


def answer(call: Call) -> Answer:
    """The response to a call."""
    if not call.has_good_key:
        return as_json(401, _INVALID)
    if call.is_over_quota(PATH, PER_MINUTE):
        return as_json(429, _THROTTLED)
    query, of_network = call.query, call.world.stations_of(NETWORK)
    if call.path == f"{PATH}horaire" and "id-departement" in query:
        asked, step = query["id-departement"][0], HOUR_SECONDS
        known = [station for station in of_network if station.network_id.startswith(asked)]
    elif call.path == f"{PATH}infrahoraire-6m" and "id_station" in query:
        asked, step = query["id_station"][0], _SIX_MINUTES
        known = [station for station in of_network if station.network_id == asked]
    else:
        return Answer(404, b'{"detail": "Not found"}')
    if query.get("format") != ["json"]:
        return Answer(200, b"lat;lon;geo_id_insee\n", {"Content-Type": "text/csv"})
    return as_json(200, [row for station in known for row in _last_day(call.world, station, step, call.now)])


def _last_day(world: World, station: Station, step: int, now: float) -> list[dict[str, Any]]:
    epochs = world.instants(station, now - DAY_SECONDS + 1, now, step, now)
    made = rows.rows(station, epochs, world.site(station), world.seed, step) if len(epochs) else []
    for epoch, row in zip(epochs.tolist(), made, strict=True):
        if world.is_corrected(station.id, epoch, now):
            row["t"] = round(row["t"] + WARMER, 2)
    return made
