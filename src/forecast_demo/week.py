"""The week of the demonstration, 1 to 7 October 2024, for the networks with objects from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
import numpy.typing as npt

from forecast.core.stations import Station
from forecast_demo.clock import Epochs
from forecast_demo.weather import Site

# Periods without reports, [first, end) in UTC, by station.
Gaps = Mapping[str, tuple[datetime, datetime]]


@dataclass(frozen=True, slots=True)
class Week:
    """The stations and their sites, by station id, and the seed of their weather."""

    stations: Mapping[str, Station]
    sites: Mapping[str, Site]
    seed: int

    def of(self, network: str) -> list[Station]:
        """The stations of a network, by id."""
        return [station for station in self.stations.values() if station.network == network]


def sites_of(stations: Iterable[Station], first: Iterable[str]) -> dict[str, Site]:
    """The site of each station, by id, numbered from 1.

    Stations of the networks in `first` come first, so that a station added to another network does not change their
    weather.
    """
    early = frozenset(first)
    ordered = sorted(stations, key=lambda station: station.network not in early)
    return {
        station.id: Site(number, station.latitude, station.longitude) for number, station in enumerate(ordered, start=1)
    }


def outside_gap(gaps: Gaps, station_id: str, epochs: Epochs) -> npt.NDArray[np.bool_]:
    """Whether the station has a report at each of these instants; shape (n,)."""
    if station_id not in gaps:
        return np.ones(len(epochs), dtype=np.bool_)
    first, end = (int(moment.timestamp()) for moment in gaps[station_id])
    return (epochs < first) | (epochs >= end)


def day_of(day: int) -> date:
    """A day of October 2024."""
    return date(2024, 10, day)


def utc(day: int, hour: int = 0) -> datetime:
    """An hour of a day of October 2024."""
    return datetime(2024, 10, day, hour, tzinfo=UTC)
