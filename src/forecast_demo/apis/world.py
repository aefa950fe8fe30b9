"""What the simulated stations have measured, and what of it has been received by a given time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from forecast.core.stations import Station, Stations
from forecast_demo.apis.fake import fake_networks
from forecast_demo.clock import Epochs
from forecast_demo.weather import Site
from forecast_demo.week import sites_of

WARMER: Final = 0.2  # °C


@dataclass(frozen=True, slots=True)
class Correction:
    """From `at` on, a station's temperatures in [first, end) are higher by WARMER. All times are in epoch s."""

    station: str
    first: float
    end: float
    at: float


@dataclass(frozen=True, slots=True)
class Outage:
    """A station is offline in [first, end). What it measured arrives at `uploaded`, or never. Times are in epoch s."""

    station: str
    first: float
    end: float
    uploaded: float = float("inf")
    # Only the sensors are off: the station still sends rows, of nulls with precipRate 0.
    heartbeat: bool = False


def site_of_each(stations: Iterable[Station]) -> dict[str, Site]:
    """The site of each station, by id. Stations of networks in the demonstration week have the first numbers."""
    return sites_of(stations, (fake.network for fake in fake_networks() if fake.week is not None))


@dataclass(slots=True)
class World:
    """The simulated stations and their weather; the same seed gives the same values."""

    stations: Stations
    seed: int = 2024
    corrections: list[Correction] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)

    def site(self, station: Station) -> Site:
        """A station's position and its number."""
        return site_of_each(self.stations)[station.id]

    def stations_of(self, network: str) -> list[Station]:
        """The stations of a network."""
        return [station for station in self.stations if station.network == network]

    def by_network_id(self, network: str) -> dict[str, Station]:
        """The stations of a network, by the network's own id."""
        return {station.network_id: station for station in self.stations_of(network)}

    def parts(
        self, network: str, first: int, end: int, step: int, now: float
    ) -> Iterator[tuple[Station, Site, Epochs]]:
        """Each station of a network, its site, and the instants in [first, end) whose values have arrived by `now`."""
        for station in self.stations_of(network):
            yield station, self.site(station), self.instants(station, first, end - 1, step, now)

    def instants(self, station: Station, first: float, last: float, step: int, now: float) -> Epochs:
        """The multiples of `step` in [first, last] whose values have arrived by `now`; shape (n,)."""
        return self.arrived(station, np.arange(-(-first // step) * step, last + 1, step).astype(np.int64), now)

    def corrections_of(self, station_id: str, now: float, first: float, end: float) -> list[Correction]:
        """The corrections of a station within [first, end) that were made by `now`."""
        return [
            one
            for one in self.corrections
            if one.station == station_id and one.at <= now and first <= one.first and one.end <= end
        ]

    def arrived(self, station: Station, epochs: Epochs, now: float) -> Epochs:
        """Those of these instants whose values have arrived by `now`; shape (n,)."""
        there: npt.NDArray[np.bool_] = epochs <= now
        for outage in self._outages(station.id):
            if now < outage.uploaded and not outage.heartbeat:
                there &= (epochs < outage.first) | (epochs >= outage.end)
        return epochs[there]

    def sensors_are_off(self, station_id: str, epoch: float) -> bool:
        """Whether a station sends rows although its sensors are off."""
        return any(one.heartbeat and one.first <= epoch < one.end for one in self._outages(station_id))

    def _outages(self, station_id: str) -> Iterable[Outage]:
        return (outage for outage in self.outages if outage.station == station_id)

    def is_corrected(self, station_id: str, epoch: float, now: float) -> bool:
        """Whether the temperature of this instant was corrected by `now`."""
        return any(
            one.station == station_id and one.first <= epoch < one.end and now >= one.at for one in self.corrections
        )
