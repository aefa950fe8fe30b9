"""The names of fields that decide how rows are read, whatever the network."""

from __future__ import annotations

import re
from typing import Final

# The names of fields that name the station of a row, in the order in which they are tried. A field that is
# next to the payload can have another network's spelling. A layout can add one of its own.
STATION_FIELDS: Final = ("idstation", "stationid", "station")
# The names of fields with WMO's identifier of a station ("0-20000-0-07005"), next to the network's own id.
WIGOS_FIELDS: Final = ("geoidwigos", "wigosid", "wigosstationidentifier")
# Fivetran's _fivetran_deleted, Airbyte's _ab_cdc_deleted_at, Singer's _sdc_deleted_at, Debezium's __deleted.
_DELETION: Final = re.compile(r"_(.*[^a-z])?deleted(_at)?", re.IGNORECASE)
_NOT_ALPHANUMERIC = re.compile("[^a-z0-9]")


def spelled(name: str) -> str:
    """A normalised spelling: "stationID" and Airbyte's "station_id" both become "stationid"."""
    return _NOT_ALPHANUMERIC.sub("", name.casefold())


def marks_deletion(name: str) -> bool:
    """Whether a field states if, or when, the producer deleted its row."""
    return _DELETION.fullmatch(name) is not None
