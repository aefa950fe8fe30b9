"""Weather Underground's PWS API v2: `history/all`, five-minute values of one station and one local day.

`history/hourly` and `history/daily` are aggregates, which are not read. `history/all` also returns the current day.
Quotas and kinds of responses: docs/ingestion.md.
"""

from __future__ import annotations

from typing import Final

from forecast.networks.fetch import EACH, FIRST_DAY, KEY, STATION, Fetch, Meaning, Refusal

FETCH: Final = Fetch(
    source="wunderground",
    network="Weather Underground",
    stream="pws_history",
    path="/v2/pws/history/all",
    params=(
        ("stationId", STATION),
        ("format", "json"),
        ("units", "m"),
        ("numericPrecision", "decimal"),
        ("date", FIRST_DAY),
        ("apiKey", KEY),
    ),
    key_setting="WUNDERGROUND_API_KEY",
    url_setting="WUNDERGROUND_API_URL",
    day_format="%Y%m%d",
    records=("observations", EACH),
    station_field="stationID",
    time_field="epoch",
    time_format="%s",
    batch=1,
    station_days=1,
    per_minute=30,
    per_day=1_500,
    local_days=True,
    refusals=(
        Refusal(Meaning.EMPTY, "nothing was measured on that day", statuses=(204,)),
        Refusal(
            Meaning.DENIED,
            "the key is not accepted for history/all; a key may work for other products and not for this one",
            statuses=(401, 403),
        ),
        Refusal(Meaning.QUOTA, "too many calls", statuses=(429,)),
        Refusal(Meaning.REFUSED, "it answered 200 with errors in place of observations", has="errors"),
        Refusal(Meaning.REFUSED, "it answered 200 without observations", lacks="observations"),
    ),
)
