"""What the stations of the made-up networks have measured by now, and what of it has arrived."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from forecast.core.stations import Station, Stations
from forecast_demo import infoclimat, metar, meteofrance, rmi, wunderground
from forecast_demo.clock import DAY_SECONDS, Epochs, epoch_of
from forecast_demo.weather import STEP_SECONDS, Site

_PWS_PHASE: Final = 240  # rows are at :04, :09 ... of every hour
WARMER: Final = 0.2

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Correction:
    """From `at` on, the temperatures of [first, end) of a station are warmer by a little. All in epoch s."""

    station: str
    first: float
    end: float
    at: float


@dataclass(frozen=True, slots=True)
class Outage:
    """A station is offline in [first, end); what it measured arrives at `uploaded`, or never. All in epoch s."""

    station: str
    first: float
    end: float
    uploaded: float = float("inf")
    # It is the sensors that are off: the station sends rows of nulls with precipRate 0.
    heartbeat: bool = False


@dataclass(slots=True)
class World:
    """Made-up stations and their weather: the same seed gives the same values."""

    stations: Stations
    seed: int = 2024
    corrections: list[Correction] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)

    def site(self, station: Station) -> Site:
        """The place of a station, and a number of its own."""
        ids = [known.id for known in self.stations]
        return Site(ids.index(station.id) + 1, station.latitude, station.longitude)

    def pws_day(self, station: Station, day: date, now: float) -> list[Record]:
        """The rows of a day on the station's clock that are there by `now`."""
        first, end = (epoch_of(at, zone=station.timezone) for at in (day, day + timedelta(days=1)))
        epochs = self._arrived(station, np.arange(first + _PWS_PHASE, end, STEP_SECONDS, dtype=np.int64), now)
        if not len(epochs):
            return []
        records = wunderground.pws_observations(station, epochs, self.site(station), self.seed)
        for record in records:
            self._spoil(station, record, now)
        return records

    def infoclimat_days(self, station: Station, first: date, last: date, now: float) -> list[infoclimat.Row]:
        """The records of these UTC days that are there by `now`."""
        step = int(station.interval_minutes * 60)
        end = epoch_of(last) + DAY_SECONDS
        epochs = self._arrived(station, np.arange(epoch_of(first), end, step, dtype=np.int64), now)
        if not len(epochs):
            return []
        rows = infoclimat.observations(station, epochs, self.site(station), self.seed)
        for epoch, row in zip(epochs.tolist(), rows, strict=True):
            if self._is_corrected(station.id, epoch, now):
                row["temperature"] = f"{float(str(row['temperature'])) + WARMER:.1f}"
        return rows

    def metar_reports(self, station: Station, first: float, last: float, now: float) -> list[Record]:
        """The reports of these seconds that are there by `now`, newest first; both ends are in it."""
        step = int(station.interval_minutes * 60)
        epochs = self.instants(station, first, last, step, now)
        rows = metar.reports(station, epochs, self.site(station), self.seed) if len(epochs) else []
        for row in rows:
            if self._is_corrected(station.id, row["obsTime"], now):
                row |= {"temp": row["temp"] + 1, "rawOb": row["rawOb"].replace("METAR", "METAR COR", 1)}
        return rows

    def rmi_features(self, station: Station, days: tuple[str, str], step: int, now: float) -> list[Record]:
        """The features of this time, both ends in it, that are there by `now`."""
        first, last = (datetime.fromisoformat(text).timestamp() for text in days)
        epochs = self.instants(station, first, last, step, now)
        made = rmi.features(station, epochs, self.site(station), self.seed, step) if len(epochs) else []
        for epoch, feature in zip(epochs.tolist(), made, strict=True):
            if self._is_corrected(station.id, epoch, now):
                feature["properties"]["temp_dry_shelter_avg"] += WARMER
        return made

    def meteofrance_rows(self, station: Station, first: float, step: int, now: float) -> list[Record]:
        """The rows after `first` that are there by `now`."""
        epochs = self.instants(station, first + 1, now, step, now)
        made = meteofrance.rows(station, epochs, self.site(station), self.seed, step) if len(epochs) else []
        for epoch, row in zip(epochs.tolist(), made, strict=True):
            if self._is_corrected(station.id, epoch, now):
                row["t"] = round(row["t"] + WARMER, 2)
        return made

    def instants(self, station: Station, first: float, last: float, step: int, now: float) -> Epochs:
        """The instants in a time, both ends in it, at which a station has measured something that is there."""
        return self._arrived(station, np.arange(-(-first // step) * step, last + 1, step).astype(np.int64), now)

    def corrections_of(self, station_id: str, now: float, first: float, end: float) -> list[Correction]:
        """The corrections of a station within a time that have come by `now`."""
        return [
            one
            for one in self.corrections
            if one.station == station_id and one.at <= now and first <= one.first and one.end <= end
        ]

    def _arrived(self, station: Station, epochs: Epochs, now: float) -> Epochs:
        there: npt.NDArray[np.bool_] = epochs <= now
        for outage in self._outages(station.id):
            if now < outage.uploaded and not outage.heartbeat:
                there &= (epochs < outage.first) | (epochs >= outage.end)
        return epochs[there]

    def _spoil(self, station: Station, record: Record, now: float) -> None:
        epoch = record["epoch"]
        metric = record["metric"]
        if epoch % 7 == 0:
            metric |= dict.fromkeys(("windgustHigh", "windgustLow", "windgustAvg"))
        if self._is_corrected(station.id, epoch, now):
            metric |= {name: round(metric[name] + WARMER, 1) for name in ("tempHigh", "tempLow", "tempAvg")}
        if any(one.heartbeat and one.first <= epoch < one.end for one in self._outages(station.id)):
            sensors = ("solarRadiationHigh", "uvHigh", "winddirAvg", "humidityHigh", "humidityLow", "humidityAvg")
            record |= dict.fromkeys(sensors)
            record["metric"] = {**dict.fromkeys(metric), "precipRate": 0.0}

    def _outages(self, station_id: str) -> Iterable[Outage]:
        return (outage for outage in self.outages if outage.station == station_id)

    def _is_corrected(self, station_id: str, epoch: float, now: float) -> bool:
        return any(
            one.station == station_id and one.first <= epoch < one.end and now >= one.at for one in self.corrections
        )
