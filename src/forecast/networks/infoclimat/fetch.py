"""InfoClimat's open data API: up to 100 stations and whole UTC days a call.

The token is bound to one IPv4 address. Refusals come with HTTP 200, as text or as JSON. No quota is published; the
association is run by volunteers, so the limits here are our own restraint: docs/ingestion.md.
"""

from __future__ import annotations

from forecast.networks.fetch import EACH, FIRST_DAY, KEY, LAST_DAY, STATION, Fetch, Meaning, Refusal

FETCH = Fetch(
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
    # As the document's metadata spells them ("Ncloud cover,octats"). Present weather has an address in its place.
    units=(
        ("temperature", "degC"),
        ("pression", "hPa"),
        ("humidite", "%"),
        ("point_de_rosee", "degC"),
        ("visibilite", "m"),
        ("vent_moyen", "km/h"),
        ("vent_rafales", "km/h"),
        ("vent_direction", "deg"),
        ("pluie_3h", "mm"),
        ("pluie_1h", "mm"),
        ("neige_au_sol", "cm"),
        ("nebulosite", "octats"),
    ),
    refusals=(
        Refusal(
            Meaning.DENIED,
            "the token is bound to another IPv4 address than the one that this machine calls from",
            contains="wrong ip address",
        ),
        Refusal(Meaning.DENIED, "the token is not accepted", differs=("status", "OK"), contains="token"),
        Refusal(Meaning.REFUSED, "it answered with another status than OK", differs=("status", "OK")),
        Refusal(
            Meaning.REFUSED,
            'it answered OK, but without "hourly", as for a window that is not whole days',
            lacks="hourly",
        ),
    ),
)
