"""Rows of Météo-France's DPPaquetObs v2: kelvin, pascal and joules, hourly or every 6 minutes."""

from __future__ import annotations

from typing import Any, Final

from forecast.core.stations import Station
from forecast_demo.clock import HOUR_SECONDS, Epochs, utc_text
from forecast_demo.weather import Site, simulate

_KELVIN: Final = 273.15
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"


def rows(station: Station, epochs: Epochs, site: Site, seed: int, step: int) -> list[dict[str, Any]]:
    """Make one row per instant, for an hour or for 6 minutes (`step`, in s)."""
    weather = simulate(epochs, site, seed)
    made = []
    for row, epoch in enumerate(epochs.tolist()):
        kelvin = round(weather.air_temperature[row] + _KELVIN, 2)
        gust, direction = round(weather.gust[row], 1), float(round(weather.direction[row] / 10) * 10)
        rain = round(weather.rain_rate[row] * step / HOUR_SECONDS, 1)
        of_period = (
            {"tx": kelvin, "tn": kelvin, "raf": gust, "ddraf": direction, "rr1": rain}
            if step == HOUR_SECONDS
            else {"raf10": gust, "ddraf10": direction, "rr_per": rain}
        )
        made.append(
            {
                "lat": station.latitude,
                "lon": station.longitude,
                "geo_id_insee": station.network_id,
                "reference_time": utc_text(epoch + 607, _TIME),
                "insert_time": utc_text(epoch + 192, _TIME),
                "validity_time": utc_text(epoch, _TIME),
                "t": kelvin,
                "td": round(weather.dew_point[row] + _KELVIN, 2),
                "u": round(weather.humidity[row]),
                "dd": direction,
                "ff": round(weather.speed[row], 1),
                **of_period,
                "ray_glo01": round(weather.solar[row] * step),
                "pmer": round(weather.pressure[row], 1) * 100,
                "sss": None,
            }
        )
    return made
