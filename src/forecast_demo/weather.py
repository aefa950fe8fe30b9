"""Synthetic weather as a pure function of place and time: any part can be computed on its own, and all agree.

Slow changes are sums of sine waves whose periods have no common factor; fast ones come from a hash of the instant.
Nothing is stored in between: memory use is constant, and two objects that overlap have the same weather.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from forecast_demo.clock import DAY_SECONDS, HOUR_SECONDS, Epochs, wall_clock

Floats = npt.NDArray[np.float64]

STEP_SECONDS: Final = 300  # rain is summed over steps of 5 minutes, the shortest interval of our sources
REGION: Final = 0  # the key of everything that all stations share

SYNOPTIC_HOURS: Final = (233.0, 151.0, 97.0, 61.0)  # lows and highs pass within days
SHOWER_HOURS: Final = (29.3, 11.1, 7.3, 4.7)
GUST_HOURS: Final = (13.7, 5.9, 3.1, 1.3)
YEAR_DAYS: Final = 365.25
WET_ABOVE: Final = 1.2  # in standard deviations of the shower signal: it rains 12 % of the time


@dataclass(frozen=True, slots=True)
class Site:
    """A place: `key` distinguishes the weather of one station from its neighbour's, degrees are north and east."""

    key: int
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Weather:
    """Arrays of shape (n,): °C, °C, %, hPa, m/s, m/s, ° (0 < d <= 360), mm/h, fraction of the sky, W/m², UV index."""

    air_temperature: Floats
    dew_point: Floats
    humidity: Floats
    pressure: Floats
    speed: Floats
    gust: Floats
    direction: Floats
    rain_rate: Floats
    cloud: Floats
    solar: Floats
    uv: Floats


def simulate(epochs: Epochs, site: Site, seed: int) -> Weather:
    """The weather at UTC instants (s since 1970); dew point < temperature, gust >= speed, no sun at night."""
    hour = (epochs / HOUR_SECONDS + site.longitude / 15) % 24  # mean solar time
    warmest_at_3_pm = np.cos(2 * np.pi * (hour - 15) / 24)
    shower = _shower(epochs, site, seed)
    cloud = 1 / (1 + np.exp(-1.5 * (shower + 0.2)))
    temperature = _temperature(epochs, site, seed, warmest_at_3_pm * (1.6 + 3.0 * (1 - cloud)))
    dryness = 2.4 + 2.0 * warmest_at_3_pm + 0.9 * _waves(epochs, seed, site.key, "dryness", SHOWER_HOURS) - shower
    # The smooth maximum keeps the dew point at least 0.3 °C (0.54 °F) below, which no rounding can close.
    dew_point = temperature - 0.3 - np.logaddexp(0, dryness)
    speed = _speed(epochs, site, seed, warmest_at_3_pm)
    solar, uv = _sun(epochs, site, hour, cloud)
    return Weather(
        air_temperature=temperature,
        dew_point=dew_point,
        humidity=100 * _saturation(dew_point) / _saturation(temperature),
        pressure=_pressure(epochs, seed, hour),
        speed=speed,
        gust=speed * (1.35 + 0.3 * np.abs(_noise(epochs, seed, site.key, "gust"))),
        direction=_direction(epochs, site, seed),
        rain_rate=_rain_rate(shower),
        cloud=cloud,
        solar=solar,
        uv=uv,
    )


def rain_since_midnight(epochs: Epochs, zone: str, site: Site, seed: int) -> Floats:
    """Sum the rain in mm since local midnight; `epochs` are 5 minutes apart; shape (n,)."""
    # The longest day has 25 hours: going back that far always includes a midnight.
    lead = 25 * HOUR_SECONDS // STEP_SECONDS
    grid = int(epochs[0]) + np.arange(-lead, len(epochs), dtype=np.int64) * STEP_SECONDS
    amounts = _rain_rate(_shower(grid, site, seed)) * STEP_SECONDS / HOUR_SECONDS
    total = np.cumsum(amounts)
    days = wall_clock(grid, zone) // DAY_SECONDS
    new_day = np.concatenate(([True], days[1:] != days[:-1]))
    # The total only grows, so its value at the latest midnight is the largest of those at all midnights so far.
    at_midnight = np.maximum.accumulate(np.where(new_day, total - amounts, 0.0))
    return np.maximum(total - at_midnight, 0.0)[lead:]


def rain_of_last_hours(epochs: Epochs, site: Site, seed: int, hours: int) -> Floats:
    """Sum the rain in mm of the hours before each instant; `epochs` are multiples of 5 minutes apart; shape (n,)."""
    steps = hours * HOUR_SECONDS // STEP_SECONDS
    first = int(epochs.min()) - hours * HOUR_SECONDS
    grid = np.arange(first, int(epochs.max()) + 1, STEP_SECONDS, dtype=np.int64)
    total = np.cumsum(_rain_rate(_shower(grid, site, seed)) * STEP_SECONDS / HOUR_SECONDS)
    at = (epochs - first) // STEP_SECONDS
    return np.maximum(total[at] - total[at - steps], 0.0)


def _temperature(epochs: Epochs, site: Site, seed: int, daily: Floats) -> Floats:
    day_of_year = (epochs / DAY_SECONDS) % YEAR_DAYS
    yearly = 11.0 - 7.5 * np.cos(2 * np.pi * (day_of_year - 20) / YEAR_DAYS)
    slow = 2.0 * _waves(epochs, seed, REGION, "temperature", SYNOPTIC_HOURS)
    local = 0.4 * _waves(epochs, seed, site.key, "temperature", SHOWER_HOURS)
    return yearly + slow + daily + local + 0.06 * _noise(epochs, seed, site.key, "temperature")


def _pressure(epochs: Epochs, seed: int, hour: Floats) -> Floats:
    slow = 8.0 * _waves(epochs, seed, REGION, "pressure", SYNOPTIC_HOURS)
    return 1014.0 + slow + 0.5 * np.cos(4 * np.pi * (hour - 10) / 24)  # the tide peaks at 10 and 22 h


def _speed(epochs: Epochs, site: Site, seed: int, warmest_at_3_pm: Floats) -> Floats:
    slow = 0.35 * _waves(epochs, seed, REGION, "wind", SYNOPTIC_HOURS)
    local = 0.2 * _waves(epochs, seed, site.key, "wind", GUST_HOURS)
    turbulent = 1 + 0.2 * _noise(epochs, seed, site.key, "wind")
    # A cup anemometer stands still below about 0.7 m/s.
    return np.maximum(2.9 * np.exp(slow + local) * (1 + 0.35 * warmest_at_3_pm) * turbulent - 0.7, 0.0)


def _direction(epochs: Epochs, site: Site, seed: int) -> Floats:
    slow = 70 * _waves(epochs, seed, REGION, "direction", SYNOPTIC_HOURS)
    local = 12 * _waves(epochs, seed, site.key, "direction", GUST_HOURS)
    direction = (225 + slow + local + 10 * _noise(epochs, seed, site.key, "direction")) % 360
    return np.where(direction == 0, 360.0, direction)


def _shower(epochs: Epochs, site: Site, seed: int) -> Floats:
    region = _waves(epochs, seed, REGION, "shower", SHOWER_HOURS)
    return 0.95 * region + 0.31 * _waves(epochs, seed, site.key, "shower", GUST_HOURS)


def _rain_rate(shower: Floats) -> Floats:
    return 2.0 * np.maximum(shower - WET_ABOVE, 0.0)


def _sun(epochs: Epochs, site: Site, hour: Floats, cloud: Floats) -> tuple[Floats, Floats]:
    """Irradiance and UV index: Haurwitz (1945), Madronich (2007), clouds after Kasten and Czeplak (1980)."""
    day_of_year = (epochs / DAY_SECONDS) % YEAR_DAYS
    declination = np.radians(-23.44) * np.cos(2 * np.pi * (day_of_year + 10) / YEAR_DAYS)
    latitude = np.radians(site.latitude)
    noon = np.sin(latitude) * np.sin(declination)
    height = noon + np.cos(latitude) * np.cos(declination) * np.cos(2 * np.pi * (hour - 12) / 24)
    height = np.maximum(height, 0.0)
    through = 1 - 0.75 * cloud**3.4
    up = height > 0
    clear = np.where(up, 1098 * height * np.exp(-0.057 / np.where(up, height, 1.0)), 0.0)
    return clear * through, 12.5 * height**2.42 * through


def _saturation(celsius: Floats) -> Floats:
    """The saturation vapour pressure over water in hPa (Magnus formula, WMO-No. 8)."""
    return 6.112 * np.exp(17.62 * celsius / (243.12 + celsius))


def _waves(epochs: Epochs, seed: int, key: int, name: str, periods: tuple[float, ...]) -> Floats:
    """A signal of mean 0 and standard deviation 1: sine waves of these periods in hours, with phases from the seed."""
    phases = np.random.default_rng(_entropy(seed, key, name)).uniform(0, 2 * np.pi, len(periods))
    hours = epochs / HOUR_SECONDS
    total: Floats = np.zeros(epochs.shape)
    for period, phase in zip(periods, phases, strict=True):
        total += np.sin(2 * np.pi / period * hours + phase)
    return total * math.sqrt(2 / len(periods))


def _noise(epochs: Epochs, seed: int, key: int, name: str) -> Floats:
    """Numbers from [-1, 1), an independent one per instant: the finaliser of SplitMix64 over instant and salt."""
    salt = np.random.SeedSequence(_entropy(seed, key, name)).generate_state(1, np.uint64)[0]
    bits = epochs.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + salt
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    bits ^= bits >> np.uint64(31)
    uniform: Floats = (bits >> np.uint64(11)).astype(np.float64) * 2.0**-52
    return uniform - 1.0


def _entropy(seed: int, key: int, name: str) -> list[int]:
    return [seed, key, int.from_bytes(name.encode(), "big")]
