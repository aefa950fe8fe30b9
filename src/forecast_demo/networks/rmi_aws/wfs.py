"""RMI's WFS: layers that can be filtered, sorted and paged."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any, Final

from forecast.core.stations import Station
from forecast_demo.apis.answer import Answer, as_json
from forecast_demo.apis.fake import Call
from forecast_demo.apis.world import WARMER, World
from forecast_demo.clock import HOUR_SECONDS
from forecast_demo.networks.rmi_aws import features

PATH: Final = "/service/aws/ows"
NETWORK: Final = "RMI automatic stations"
_STEPS: Final = {"aws:aws_10min": 600, "aws:aws_1hour": HOUR_SECONDS}
_FILTER: Final = re.compile(r"code IN \(([\d,]+)\) AND timestamp >= '([^']+)' AND timestamp <= '([^']+)'")
_EXCEPTION: Final = """<?xml version="1.0" encoding="UTF-8"?>
<ows:ExceptionReport xmlns:ows="http://www.opengis.net/ows/1.1" version="2.0.0">
  <ows:Exception exceptionCode="NoApplicableCode"><ows:ExceptionText>{}</ows:ExceptionText></ows:Exception>
</ows:ExceptionReport>"""


def answer(call: Call) -> Answer:
    """The response to a call."""
    one = {name: values[0] for name, values in call.query.items()}
    found = _FILTER.fullmatch(one.get("CQL_FILTER", ""))
    step = _STEPS.get(one.get("typeNames", ""))
    if found is None or step is None:
        return _exception("Could not parse CQL filter list.")
    if "startIndex" in one and "sortBy" not in one:
        return _exception("Cannot do natural order without a primary key")
    own = call.world.by_network_id(NETWORK)
    known = [own[code] for code in found[1].split(",") if code in own]
    made = (_between(call.world, station, (found[2], found[3]), step, call.now) for station in known)
    matched = [feature for of_station in made for feature in of_station]
    matched.sort(key=lambda feature: [feature["properties"][name] for name in one["sortBy"].split(",")])
    start, size = int(one["startIndex"]), min(int(one["count"]), call.apis.max_page)
    page = matched[start : start + size]
    return as_json(
        200,
        {
            "type": "FeatureCollection",
            "features": page,
            "totalFeatures": len(matched),
            "numberMatched": len(matched),
            "numberReturned": len(page),
        },
    )


def _between(world: World, station: Station, days: tuple[str, str], step: int, now: float) -> list[dict[str, Any]]:
    """The features between two times, both included, that have arrived by `now`."""
    first, last = (datetime.fromisoformat(text).timestamp() for text in days)
    epochs = world.instants(station, first, last, step, now)
    made = features.features(station, epochs, world.site(station), world.seed, step) if len(epochs) else []
    for epoch, feature in zip(epochs.tolist(), made, strict=True):
        if world.is_corrected(station.id, epoch, now):
            feature["properties"]["temp_dry_shelter_avg"] += WARMER
    return made


def _exception(text: str) -> Answer:
    return Answer(200, _EXCEPTION.format(json.dumps(text)).encode(), {"Content-Type": "application/xml"})
