"""METAR: the API of NOAA's Aviation Weather Center."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from forecast.core.stations import Station
from forecast_demo.apis.answer import Answer, as_json
from forecast_demo.apis.fake import Call, FakeNetwork
from forecast_demo.apis.world import World
from forecast_demo.clock import HOUR_SECONDS
from forecast_demo.networks.metar import reports

NETWORK: Final = "METAR"
_MAX_REPORTS: Final = 400


def reports_between(world: World, station: Station, first: float, last: float, now: float) -> list[dict[str, Any]]:
    """The reports from `first` to `last` (epoch s, both included) that have arrived by `now`, newest first."""
    step = int(station.interval_minutes * 60)
    epochs = world.instants(station, first, last, step, now)
    rows = reports.reports(station, epochs, world.site(station), world.seed) if len(epochs) else []
    for row in rows:
        if world.is_corrected(station.id, row["obsTime"], now):
            row |= {"temp": row["temp"] + 1, "rawOb": row["rawOb"].replace("METAR", "METAR COR", 1)}
    return rows


def _answer(call: Call) -> Answer:
    if call.query.get("format") != ["json"]:
        return Answer(200, b"METAR LFQQ 170600Z 24007KT CAVOK 11/09 Q1013")
    last = datetime.fromisoformat(call.query["date"][0]).timestamp()
    first = last - HOUR_SECONDS * float(call.query["hours"][0])
    own = call.world.by_network_id(NETWORK)
    known = [own[name] for name in call.query["ids"][0].split(",") if name in own]
    rows = [row for station in known for row in reports_between(call.world, station, first, last, call.now)]
    return as_json(200, rows[:_MAX_REPORTS]) if rows else Answer(204)


FAKE: Final = FakeNetwork(NETWORK, answers={"/api/data/metar": _answer})
