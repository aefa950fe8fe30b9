"""Weather Underground: `history/all` of its PWS API v2, and history tables."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, Final

import numpy as np

from forecast.core.stations import Station
from forecast_demo.apis.answer import Answer, as_json
from forecast_demo.apis.fake import Call, FakeNetwork
from forecast_demo.apis.world import WARMER, World
from forecast_demo.clock import epoch_of
from forecast_demo.networks.wunderground.rows import FIRST_MINUTE, pws_observations
from forecast_demo.networks.wunderground.week import NETWORK, objects
from forecast_demo.weather import STEP_SECONDS

_PATH: Final = "/v2/pws/history/all"
_PARAMETERS: Final = frozenset({"stationId", "format", "units", "numericPrecision", "date"})


def day_rows(world: World, station: Station, day: date, now: float) -> list[dict[str, Any]]:
    """The rows of a day, in the station's local time, that have arrived by `now`."""
    first = epoch_of(day, FIRST_MINUTE, station.timezone)
    end = epoch_of(day + timedelta(days=1), zone=station.timezone)
    epochs = world.arrived(station, np.arange(first, end, STEP_SECONDS, dtype=np.int64), now)
    if not len(epochs):
        return []
    records = pws_observations(station, epochs, world.site(station), world.seed)
    for record in records:
        _alter(world, station, record, now)
    return records


def _alter(world: World, station: Station, record: dict[str, Any], now: float) -> None:
    """Give a record what real ones have: missing gusts, corrections, and nulls while the sensors are off."""
    epoch = record["epoch"]
    metric = record["metric"]
    if epoch % 7 == 0:
        metric |= dict.fromkeys(("windgustHigh", "windgustLow", "windgustAvg"))
    if world.is_corrected(station.id, epoch, now):
        metric |= {name: round(metric[name] + WARMER, 1) for name in ("tempHigh", "tempLow", "tempAvg")}
    if world.sensors_are_off(station.id, epoch):
        sensors = ("solarRadiationHigh", "uvHigh", "winddirAvg", "humidityHigh", "humidityLow", "humidityAvg")
        record |= dict.fromkeys(sensors)
        record["metric"] = {**dict.fromkeys(metric), "precipRate": 0.0}


def _answer(call: Call) -> Answer:
    if not call.has_good_key:
        return as_json(401, {"success": False, "errors": [{"error": {"message": "Invalid apiKey."}}]})
    if call.is_over_quota(_PATH, call.apis.per_minute, call.apis.per_day):
        return Answer(429, b"Too many requests", {"Retry-After": "60"})
    query = call.query
    if set(query) != _PARAMETERS or query["numericPrecision"] != ["decimal"] or query["units"] != ["m"]:
        return as_json(400, {"success": False, "errors": [{"error": {"message": "Invalid parameter."}}]})
    station = call.world.stations.get(query["stationId"][0])
    day = datetime.strptime(query["date"][0], "%Y%m%d").date()  # noqa: DTZ007  a day has no zone
    rows = day_rows(call.world, station, day, call.now) if station and station.network == NETWORK else []
    if not rows and day.day % 2:
        return Answer(204)  # the API reports a day without rows in two ways
    return as_json(200, {"observations": rows})


FAKE: Final = FakeNetwork(NETWORK, answers={_PATH: _answer}, week=objects)
