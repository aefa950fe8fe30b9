"""The API of NOAA's Aviation Weather Center: reports of the last 15 days, by stations and whole UTC days; no key.

A response has at most 400 reports. The operator asks for no more than 100 calls per minute, preferably fewer
(https://aviationweather.gov/data/api/); the limits here are well below.
"""

from __future__ import annotations

from typing import Final

from forecast.networks.fetch import EACH, EPOCH_SECONDS, HOURS, LAST_DAY, STATIONS, Fetch, Meaning, Refusal

FETCH: Final = Fetch(
    source="metar",
    network="METAR",
    stream="reports",
    path="/api/data/metar",
    params=(
        ("ids", STATIONS),
        ("format", "json"),
        ("hours", HOURS),
        ("date", LAST_DAY),
    ),
    key_setting=None,
    url_setting="METAR_API_URL",
    # The end of the window.
    day_format="%Y-%m-%dT23:59:59Z",
    records=(EACH,),
    station_field="icaoId",
    time_field="obsTime",
    time_format=EPOCH_SECONDS,
    # A station that reports every 20 minutes, and additionally in bad weather, has fewer than 100 per day.
    batch=4,
    station_days=4,
    most_records=400,
    per_minute=30,
    per_day=2_000,
    refusals=(
        Refusal(Meaning.EMPTY, "nothing was reported on those days", statuses=(204,)),
        Refusal(Meaning.QUOTA, "too many calls", statuses=(429,)),
        Refusal(Meaning.REFUSED, "it answered with an error", has="error"),
    ),
)
