"""RMI's WFS (GeoServer): ten-minute and hourly observations, some stations and whole UTC days per call; no key.

The layers have no primary key, so pages need an explicit order, and only the one by time and station is the same in
every response. No quota is published; the limits here are our own restraint. https://opendata.meteo.be/
"""

from __future__ import annotations

from typing import Final

from forecast.networks.fetch import (
    EACH,
    FIRST_DAY,
    LAST_DAY,
    PAGE_SIZE,
    PAGE_START,
    STATIONS,
    Fetch,
    Meaning,
    Pages,
    Refusal,
)

_TIME: Final = "timestamp"
_STATION: Final = "code"
_FILTER: Final = (
    f"{_STATION} IN ({STATIONS}) AND {_TIME} >= '{FIRST_DAY}T00:00:00Z' AND {_TIME} <= '{LAST_DAY}T23:59:59Z'"
)


def _fetch(source: str, stream: str, layer: str, station_days: int) -> Fetch:
    return Fetch(
        source=source,
        network="RMI automatic stations",
        stream=stream,
        path="/service/aws/ows",
        params=(
            ("service", "WFS"),
            ("version", "2.0.0"),
            ("request", "GetFeature"),
            ("typeNames", layer),
            ("outputFormat", "application/json"),
            ("CQL_FILTER", _FILTER),
            ("sortBy", f"{_TIME},{_STATION}"),
            ("count", PAGE_SIZE),
            ("startIndex", PAGE_START),
        ),
        key_setting=None,
        url_setting="RMI_API_URL",
        day_format="%Y-%m-%d",
        records=("features", EACH, "properties"),
        station_field=_STATION,
        time_field=_TIME,
        time_format="%Y-%m-%dT%H:%M:%SZ",
        batch=20,
        station_days=station_days,
        # The data of one call fit on one of our pages; the server may use smaller ones.
        pages=Pages(5_000, "numberMatched"),
        quota="rmi",
        per_minute=20,
        per_day=1_000,
        no_manifest="the API pages by offset, so rows are lost when others are added or removed between two pages",
        refusals=(
            Refusal(Meaning.REFUSED, "it answered with an exception report", (200, 400), contains="exceptionreport"),
            Refusal(Meaning.QUOTA, "too many calls", statuses=(429,)),
        ),
    )


# 144 rows of 600 bytes per station and day.
TEN_MINUTES: Final = _fetch("rmi", "aws_10min", "aws:aws_10min", 30)
HOURLY: Final = _fetch("rmi_hourly", "aws_1hour", "aws:aws_1hour", 180)
FETCH: Final = (TEN_MINUTES, HOURLY)
