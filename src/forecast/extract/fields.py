"""The few names of the networks' fields that decide how rows are read."""

from __future__ import annotations

import re
from typing import Final

# The fields in which a known network has an object: the PWS API's, one for each system of units. In every other field a
# text is a text, also "{".
OBJECT_FIELDS: Final = frozenset({"metric", "metricsi", "ukhybrid", "imperial"})
# The fields in which a known network names the station of a row, in the order in which they are looked at. One that
# stands beside the payload may be in another network's spelling.
STATION_FIELDS: Final = ("idstation", "stationid", "station")
_NOT_ALPHANUMERIC = re.compile("[^a-z0-9]")


def spelled(name: str) -> str:
    """One spelling of a name: "stationID" and Airbyte's "station_id" are both "stationid"."""
    return _NOT_ALPHANUMERIC.sub("", name.casefold())
