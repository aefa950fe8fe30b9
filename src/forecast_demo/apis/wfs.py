"""RMI's WFS: layers that are filtered, sorted and given in pages."""

from __future__ import annotations

import json
import re
from typing import Final

from forecast_demo.apis.answer import Answer, as_json
from forecast_demo.apis.world import World
from forecast_demo.clock import HOUR_SECONDS

PATH: Final = "/service/aws/ows"
NETWORK: Final = "RMI automatic stations"
_STEPS: Final = {"aws:aws_10min": 600, "aws:aws_1hour": HOUR_SECONDS}
_FILTER: Final = re.compile(r"code IN \(([\d,]+)\) AND timestamp >= '([^']+)' AND timestamp <= '([^']+)'")
_EXCEPTION: Final = """<?xml version="1.0" encoding="UTF-8"?>
<ows:ExceptionReport xmlns:ows="http://www.opengis.net/ows/1.1" version="2.0.0">
  <ows:Exception exceptionCode="NoApplicableCode"><ows:ExceptionText>{}</ows:ExceptionText></ows:Exception>
</ows:ExceptionReport>"""


def answer(world: World, query: dict[str, list[str]], now: float, most: int) -> Answer:
    """What the WFS answers; a page has `most` features at most."""
    one = {name: values[0] for name, values in query.items()}
    found = _FILTER.fullmatch(one.get("CQL_FILTER", ""))
    step = _STEPS.get(one.get("typeNames", ""))
    if found is None or step is None:
        return _exception("Could not parse CQL filter list.")
    if "startIndex" in one and "sortBy" not in one:
        return _exception("Cannot do natural order without a primary key")
    own = {station.network_id: station for station in world.stations if station.network == NETWORK}
    known = [own[code] for code in found[1].split(",") if code in own]
    features = [
        feature for station in known for feature in world.rmi_features(station, (found[2], found[3]), step, now)
    ]
    features.sort(key=lambda feature: [feature["properties"][name] for name in one["sortBy"].split(",")])
    start, size = int(one["startIndex"]), min(int(one["count"]), most)
    page = features[start : start + size]
    return as_json(
        200,
        {
            "type": "FeatureCollection",
            "features": page,
            "totalFeatures": len(features),
            "numberMatched": len(features),
            "numberReturned": len(page),
        },
    )


def _exception(text: str) -> Answer:
    return Answer(200, _EXCEPTION.format(json.dumps(text)).encode(), {"Content-Type": "application/xml"})
