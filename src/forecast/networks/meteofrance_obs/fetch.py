"""Météo-France's DPPaquetObs v2: hourly values of a department, six-minute values of a station; the last 24 hours.

The key goes in the header `apikey`. A key may make 50 calls per minute, to all streams together; no daily limit is
published, so the one here is our own restraint. The ids of Corsica's stations begin with 20, as departments were
numbered before 1976, and those overseas with three digits.
https://portail-api.meteofrance.fr/web/fr/api/DonneesPubliquesPaquetObservation
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from forecast.networks.fetch import EACH, GROUP, STATION, Fetch, Meaning, Refusal
from forecast.networks.french_overseas import department_of

_PATH: Final = "/public/DPPaquetObs/v2/paquet"


def _fetch(
    source: str, stream: str, path: str, asked: tuple[str, str], batch: int, group_of: Callable[[str], str] | None
) -> Fetch:
    return Fetch(
        source=source,
        network="Météo-France observations",
        stream=stream,
        path=f"{_PATH}/{path}",
        params=(asked, ("format", "json")),
        key_setting="METEOFRANCE_API_KEY",
        key_header="apikey",
        url_setting="METEOFRANCE_API_URL",
        day_format="%Y-%m-%d",
        records=(EACH,),
        station_field="geo_id_insee",
        time_field="validity_time",
        time_format="%Y-%m-%dT%H:%M:%SZ",
        batch=batch,
        station_days=2 * batch,
        group_of=group_of,
        more_than_asked=True,
        keeps_hours=24,
        lookback_days=1,
        deep_lookback_days=1,
        quota="meteofrance",
        per_minute=50,
        per_day=10_000,
        no_manifest="a connector requests one day at a time, and this API only covers the last 24 hours",
        refusals=(
            Refusal(
                Meaning.DENIED,
                "the key is not accepted; a key only works for APIs that its account has subscribed to, and expires",
                statuses=(401, 403),
            ),
            Refusal(Meaning.QUOTA, "too many calls", statuses=(429,)),
        ),
    )


# A department has at most 100 stations.
HOURLY: Final = _fetch("meteofrance", "horaire", "horaire", ("id-departement", GROUP), 1_000, department_of)
SIX_MINUTES: Final = _fetch("meteofrance_6min", "infrahoraire_6m", "infrahoraire-6m", ("id_station", STATION), 1, None)
FETCH: Final = (HOURLY, SIX_MINUTES)
