"""RMI's 10-minute and hourly observations, as features of its WFS."""

from __future__ import annotations

import json
from typing import Any, Final

from forecast.core.stations import Station
from forecast_demo.clock import HOUR_SECONDS, Epochs, utc_text
from forecast_demo.weather import Site, simulate

_SUNSHINE: Final = 120  # W/m² (WMO-No. 8)
_FLAGS: Final = json.dumps({"validated": {"TEMP_DRY_SHELTER_AVG": True, "PRESSURE": True}}, separators=(",", ":"))


def features(station: Station, epochs: Epochs, site: Site, seed: int, step: int) -> list[dict[str, Any]]:
    """Make one feature per instant; hourly ones (`step`, in s) have no wind direction."""
    weather = simulate(epochs, site, seed)
    made = []
    for row, epoch in enumerate(epochs.tolist()):
        fields = {
            "code": int(station.network_id),
            "timestamp": utc_text(epoch, "%Y-%m-%dT%H:%M:%SZ"),
            "precip_quantity": round(weather.rain_rate[row] * step / HOUR_SECONDS, 2),
            "temp_dry_shelter_avg": round(weather.air_temperature[row], 2),
            "wind_speed_10m": round(weather.speed[row], 2),
            "wind_direction": round(weather.direction[row], 1),
            "wind_gusts_speed": round(weather.gust[row], 2),
            "humidity_rel_shelter_avg": round(weather.humidity[row], 1),
            "pressure": round(weather.pressure[row] - station.elevation / 8.3, 1),
            "sun_duration": round(step / 60 if weather.solar[row] > _SUNSHINE else 0.0, 1),
            "short_wave_from_sky_avg": round(weather.solar[row], 1),
            "qc_flags": _FLAGS,
        }
        if step == HOUR_SECONDS:
            del fields["wind_direction"]
        place = {"type": "Point", "coordinates": [station.latitude, station.longitude]}
        made.append({"type": "Feature", "geometry": place, "geometry_name": "the_geom", "properties": fields})
    return made
