"""aviationweather's METAR as JSON: whole degrees and knots, tens of degrees, QNH cut to whole hectopascals."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from forecast.core.stations import Station
from forecast_demo.clock import Epochs, utc_text
from forecast_demo.weather import Site, simulate

_KNOT_MS: Final = 1852 / 3600
_GUSTY_KT: Final = 10
_FAR_METRES: Final = 9_999
_MILE_M: Final = 1_609.344


def reports(station: Station, epochs: Epochs, site: Site, seed: int) -> list[dict[str, Any]]:
    """Make one report per instant, newest first, as the API returns them: without members that are empty."""
    weather = simulate(epochs, site, seed)
    made = []
    for row, epoch in enumerate(epochs.tolist()):
        temp, dew = (int(np.rint(values[row])) for values in (weather.air_temperature, weather.dew_point))
        speed, gust = (int(np.rint(values[row] / _KNOT_MS)) for values in (weather.speed, weather.gust))
        direction = (int(np.rint(weather.direction[row] / 10)) * 10 or 360) if speed else 0
        metres = min(_FAR_METRES, int(2_000 * max(0.5, weather.air_temperature[row] - weather.dew_point[row])))
        qnh = int(weather.pressure[row])
        gusts = {"wgst": gust} if gust >= speed + _GUSTY_KT else {}
        text = (
            f"METAR {station.network_id} {utc_text(epoch, '%d%H%M')}Z {direction:03}{speed:02}"
            f"{f'G{gust:02}' if gusts else ''}KT {metres:04} {_signed(temp)}/{_signed(dew)} Q{qnh:04}"
        )
        made.append(
            {
                "icaoId": station.network_id,
                "receiptTime": utc_text(epoch + 300, "%Y-%m-%dT%H:%M:%S.000Z"),
                "obsTime": epoch,
                "reportTime": utc_text(epoch, "%Y-%m-%dT%H:%M:%S.000Z"),
                "temp": temp,
                "dewp": dew,
                "wdir": direction,
                "wspd": speed,
                **gusts,
                "visib": "6+" if metres == _FAR_METRES else round(metres / _MILE_M, 2),
                "altim": qnh,
                "metarType": "METAR",
                "rawOb": text,
                "lat": station.latitude,
                "lon": station.longitude,
                "elev": station.elevation,
                "name": station.name,
                "clouds": [],
            }
        )
    return made[::-1]


def _signed(degrees: int) -> str:
    return f"{'M' if degrees < 0 else ''}{abs(degrees):02}"
