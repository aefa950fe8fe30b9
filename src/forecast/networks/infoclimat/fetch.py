"""InfoClimat's open data API: up to 100 stations and whole UTC days per call. The token is bound to one IPv4 address.

Refusals come with HTTP 200, as text or as JSON. No quota is published; the association is run by volunteers, so the
limits here are our own restraint: docs/ingestion.md.
"""

from __future__ import annotations

from typing import Final

from forecast.networks.fetch import EACH, FIRST_DAY, KEY, LAST_DAY, STATION, Fetch, Meaning, Refusal
from forecast.networks.infoclimat.fields import FIELDS

# Units that the document's metadata spells differently ("Ncloud cover,octats"). For present weather, it has the address
# of the code table instead of a unit.
_SPELLED: Final = {"okta": "octats"}

FETCH: Final = Fetch(
    source="infoclimat",
    network="InfoClimat",
    stream="observations",
    path="/opendata/",
    params=(
        ("version", "2"),
        ("method", "get"),
        ("format", "json"),
        ("stations[]", STATION),
        ("start", FIRST_DAY),
        ("end", LAST_DAY),
        ("token", KEY),
    ),
    key_setting="INFOCLIMAT_TOKEN",
    url_setting="INFOCLIMAT_API_URL",
    day_format="%Y-%m-%d",
    records=("hourly", EACH, EACH),
    station_field="id_station",
    time_field="dh_utc",
    time_format="%Y-%m-%d %H:%M:%S",
    batch=100,
    # 100 station-days are 12 200 records and 3 MB of JSON.
    station_days=100,
    per_minute=10,
    per_day=500,
    ipv4_only=True,
    units=tuple(
        (name, _SPELLED.get(known.unit, known.unit))
        for name, known in FIELDS.items()
        if known.unit is not None and known.unit != "code"
    ),
    refusals=(
        Refusal(
            Meaning.DENIED,
            "the token is bound to an IPv4 address other than the one that this machine uses",
            contains="wrong ip address",
        ),
        Refusal(Meaning.DENIED, "the token is not accepted", differs=("status", "OK"), contains="token"),
        Refusal(Meaning.REFUSED, "it answered with a status other than OK", differs=("status", "OK")),
        Refusal(
            Meaning.REFUSED,
            'it answered OK, but without "hourly", as for a window that is not whole days',
            lacks="hourly",
        ),
    ),
)
