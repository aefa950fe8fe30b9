"""Which stations are compared with each other."""

from __future__ import annotations

from typing import Final

import numpy as np

from forecast.core.stations import Station

# Our stations are 9 to 63 km apart; within 10 km there is one neighbour at most.
RADIUS_KM: Final = 75
# GHCNh: neighbours differ by 200 m in height at most.
_MAX_HEIGHT_M: Final = 200
EARTH_KM: Final = 6371


def distance_km(one: Station, other: Station) -> float:
    """Great circle."""
    north, east = np.radians([one.latitude, other.latitude]), np.radians([one.longitude, other.longitude])
    haversine = np.sin((north[1] - north[0]) / 2) ** 2 + np.cos(north).prod() * np.sin((east[1] - east[0]) / 2) ** 2
    return float(2 * EARTH_KM * np.arcsin(np.sqrt(haversine)))


def are_neighbours(one: Station, other: Station) -> bool:
    """Whether two stations are compared with each other; those of one site share its faults, and are not."""
    return (
        one.site != other.site
        and abs(one.elevation - other.elevation) <= _MAX_HEIGHT_M
        and distance_km(one, other) <= RADIUS_KM
    )
