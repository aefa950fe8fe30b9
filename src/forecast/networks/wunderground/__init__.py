"""Weather Underground: the history table (local times, units in the cells) and the PWS API v2."""

from __future__ import annotations

from typing import Final

from forecast.networks.model import Licence, Network
from forecast.networks.wunderground.api import API
from forecast.networks.wunderground.fetch import FETCH
from forecast.networks.wunderground.table import TABLE
from forecast.qc.thresholds import PROJECT, limits

NETWORK: Final = Network(
    name=FETCH.network,
    id_prefix="",
    licence=Licence("Weather Underground terms of service", "https://www.wunderground.com/terms", "wunderground.com"),
    layouts=(API, TABLE),
    fetch=(FETCH,),
    # Weather Underground was founded then; its first personal stations came some years later.
    first_year=1995,
    # It stores pressure to 0.01 inHg (0.34 hPa), so a working barometer repeats values for longer there.
    thresholds={
        "air_pressure_at_mean_sea_level": limits(
            f"{PROJECT}: 0.34 hPa did not change for 3.2 h in a week of changing pressure",
            persistence_suspect_hours=12,
            stuck_tolerance=0.35,
        )
    },
    # qcStatus is one code for a whole row: 1 passed, 0 possibly incorrect, -1 not checked.
    failed_codes=frozenset({0}),
    access="your own key, which owners of a station find at https://www.wunderground.com/member/api-keys.",
    traps=(
        "A key may work for some products and not for others.",
        "Days are in the station's own time zone. A day without rows gives status 204, or 200 with an empty list.",
        "`history/hourly` and `history/daily` are aggregates, which are rejected.",
        "A station without sensors reports `precipRate` 0.",
    ),
)
