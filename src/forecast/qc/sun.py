"""The sun's elevation, and clear-sky irradiance and UV, against which measured values are checked."""

from __future__ import annotations

from typing import Final

import numpy as np

from forecast.core.clock import DAY_MS
from forecast.qc.flags import Floats, Times

# Days from 1970-01-01T00:00Z to the epoch J2000.0, 2000-01-01T12:00.
_J2000_DAY: Final = 10_957.5
_DAYS_PER_CENTURY: Final = 36_525.0
# Haurwitz, Insolation in relation to cloudiness and cloud density, J. Meteor. 2, 154-166, 1945, in the form of
# Reno, Hansen and Stein, SAND2012-2389, and of pvlib's `clearsky.haurwitz`: W/m², and the share lost at air mass 1.
_HAURWITZ_W_M2: Final = 1098.0
_HAURWITZ_EXTINCTION: Final = 0.059
# Madronich, Analytic formula for the clear-sky UV index, Photochem. Photobiol. 83, 1537-1538, 2007; 300 Dobson units.
_MADRONICH_INDEX: Final = 12.5
_MADRONICH_EXPONENT: Final = 2.42


def solar_elevation(times: Times, latitude: float | Floats, longitude: float | Floats) -> Floats:
    """The elevation of the sun's centre above the horizon at `times` (ms since 1970 UTC), in degrees.

    `latitude` and `longitude` in degrees, north and east positive: of one place, or of a place for each time. The
    elevation is geometric. Refraction, which lifts the sun by 0.5° at the horizon and by less than 0.1° above 10°, is
    ignored, as in the definition of civil twilight (-6°).

    Meeus, Astronomical Algorithms, chapters 12, 22 and 25 (low accuracy), as in NOAA's solar calculator.
    Within 0.015° of NREL's SPA from 1950 to 2050 (0.011° at the worst of 20 000 random times at each of four places).
    Reach in time: none, each value is computed from its own time.
    """
    days = times / DAY_MS - _J2000_DAY
    century = days / _DAYS_PER_CENTURY
    node = np.radians(125.04 - 1934.136 * century)
    nutation = -0.00478 * np.sin(node)
    sun = np.radians(_ecliptic_longitude(century) - 0.00569 + nutation)  # 0.00569°: aberration
    obliquity = np.radians(23.439291 - 0.0130042 * century + 0.00256 * np.cos(node))
    sidereal = 280.46061837 + 360.98564736629 * days + nutation * np.cos(obliquity)
    hour = np.radians(sidereal + longitude)
    # Only the component of the unit vector to the sun along the zenith is needed, so right ascension and hour angle,
    # two arctangents, can be skipped.
    x, y, z = np.cos(sun), np.cos(obliquity) * np.sin(sun), np.sin(obliquity) * np.sin(sun)
    north = np.radians(latitude)
    height = np.sin(north) * z + np.cos(north) * (np.cos(hour) * x + np.sin(hour) * y)
    elevation: Floats = np.degrees(np.arcsin(np.clip(height, -1.0, 1.0)))
    return elevation


def _ecliptic_longitude(century: Floats) -> Floats:
    """True longitude of the sun in degrees; `century` is Julian centuries since J2000.0."""
    mean = 280.46646 + century * (36000.76983 + 0.0003032 * century)
    anomaly = np.radians(357.52911 + century * (35999.05029 - 0.0001537 * century))
    sine = np.sin(anomaly)
    centre: Floats = (
        (1.914602 - century * (0.004817 + 0.000014 * century)) * sine
        + (0.019993 - 0.000101 * century) * 2.0 * sine * np.cos(anomaly)
        + 0.000289 * sine * (3.0 - 4.0 * sine * sine)
    )
    return mean + centre


def clear_sky_irradiance(elevation: Floats) -> Floats:
    """Global irradiance in W/m² on level ground under a cloudless sky; 0 if the sun (degrees) is at or below 0.

    Haurwitz (1945), the best of the models that only need the sun's elevation (SAND2012-2389). It ignores the season
    (the sun's distance makes ±3.4 %), haze, altitude and twilight. Broken clouds near the sun can add half of it for
    minutes (Yordanov et al., 2013). A limit is therefore a multiple of it plus a margin.
    """
    sine = _sine_above_horizon(elevation)
    # At the horizon itself, this would divide by 0; the irradiance there is 0 anyway.
    extinction = np.exp(-_HAURWITZ_EXTINCTION / np.where(sine > 0.0, sine, 1.0))
    irradiance: Floats = _HAURWITZ_W_M2 * sine * extinction
    return irradiance


def clear_sky_uv(elevation: Floats) -> Floats:
    """UV index under a cloudless sky with 300 Dobson units of ozone; 0 if the sun (degrees) is at or below 0.

    Madronich (2007), for clean air at sea level over dark ground. It is proportional to the ozone column to the power
    of -1.23: 220 units, a rare low over Europe, give 1.46 times as much.
    """
    index: Floats = _MADRONICH_INDEX * _sine_above_horizon(elevation) ** _MADRONICH_EXPONENT
    return index


def _sine_above_horizon(elevation: Floats) -> Floats:
    """Cosine of the zenith angle, 0 below the horizon; NaN stays NaN."""
    sine: Floats = np.maximum(np.sin(np.radians(elevation)), 0.0)
    return sine
