"""InfoClimat: its open data API."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

import numpy as np

from forecast.core.stations import Station
from forecast_demo.apis.answer import Answer, as_json
from forecast_demo.apis.fake import Call, FakeNetwork
from forecast_demo.apis.world import WARMER, World
from forecast_demo.clock import DAY_SECONDS, epoch_of
from forecast_demo.networks.infoclimat.documents import Row, document, document_text, observations
from forecast_demo.networks.infoclimat.week import NETWORK, objects

_MAX_STATIONS: Final = 100


def days(world: World, station: Station, first: date, last: date, now: float) -> list[Row]:
    """The records of these UTC days that have arrived by `now`."""
    step = int(station.interval_minutes * 60)
    epochs = world.arrived(station, np.arange(epoch_of(first), epoch_of(last) + DAY_SECONDS, step, dtype=np.int64), now)
    if not len(epochs):
        return []
    rows = observations(station, epochs, world.site(station), world.seed)
    for epoch, row in zip(epochs.tolist(), rows, strict=True):
        if world.is_corrected(station.id, epoch, now):
            row["temperature"] = f"{float(str(row['temperature'])) + WARMER:.1f}"
    return rows


def _answer(call: Call) -> Answer:
    if not call.has_good_key:
        return as_json(200, {"status": "NOK", "errors": ["Invalid token"], "data": []})
    try:
        first, last = (date.fromisoformat(call.query[name][0]) for name in ("start", "end"))
    except ValueError:
        return as_json(200, {"status": "OK", "errors": [], "data": []})
    known = [call.world.stations.get(name) for name in call.query["stations[]"]]
    stations = [station for station in known if station is not None and station.network == NETWORK]
    if len(known) > _MAX_STATIONS:
        return as_json(200, {"status": "NOK", "errors": ["Too many stations"], "data": []})
    rows = {station.id: days(call.world, station, first, last, call.now) for station in stations}
    there: dict[str, Any] = {name: of_station for name, of_station in rows.items() if of_station}
    return Answer(200, document_text(document(stations, there)).encode())


FAKE: Final = FakeNetwork(NETWORK, answers={"/opendata/": _answer}, week=objects)
