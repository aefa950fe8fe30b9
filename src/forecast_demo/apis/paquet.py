"""Météo-France's DPPaquetObs v2: the last 24 hours of a department, hourly, and of a station, every 6 minutes."""

from __future__ import annotations

from typing import Final

from forecast_demo.apis.answer import Answer, as_json
from forecast_demo.apis.world import World
from forecast_demo.clock import DAY_SECONDS, HOUR_SECONDS

PATH: Final = "/public/DPPaquetObs/v2/paquet/"
NETWORK: Final = "Météo-France observations"
_SIX_MINUTES: Final = 360
PER_MINUTE: Final = 50
INVALID: Final = {"fault": {"code": 900901, "message": "Invalid Credentials", "description": "Invalid JWT token"}}
THROTTLED: Final = {"fault": {"code": 900800, "message": "Message throttled out"}}


def answer(world: World, path: str, query: dict[str, list[str]], now: float) -> Answer:
    """What is answered to a key that is good and has calls left."""
    of_network = [station for station in world.stations if station.network == NETWORK]
    if path == f"{PATH}horaire" and "id-departement" in query:
        asked, step = query["id-departement"][0], HOUR_SECONDS
        known = [station for station in of_network if station.network_id.startswith(asked)]
    elif path == f"{PATH}infrahoraire-6m" and "id_station" in query:
        asked, step = query["id_station"][0], _SIX_MINUTES
        known = [station for station in of_network if station.network_id == asked]
    else:
        return Answer(404, b'{"detail": "Not found"}')
    if query.get("format") != ["json"]:
        return Answer(200, b"lat;lon;geo_id_insee\n", {"Content-Type": "text/csv"})
    rows = [row for station in known for row in world.meteofrance_rows(station, now - DAY_SECONDS, step, now)]
    return as_json(200, rows)
