"""What the dashboard adds to the assessment of runs: what it alone reads, and stations that are only late."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from forecast.report.headline import StationState, minute
from forecast.report.models.status import Attention
from forecast.site.model import SUSPECT_SHARE, Finding


def late_stations(stations: Sequence[StationState]) -> Iterator[Attention]:
    """Stations that are late, those that have been for longest first."""
    late = [(one.last, one.station) for one in stations if one.state == "late" and one.last is not None]
    for last, station in sorted(late):
        message = f"Station {station} is late: its newest observation is from {minute(last)}"
        yield Attention("info", "late_station", message, station=station)


def found_by_checks(findings: Mapping[str, Sequence[Finding]], told: Collection[str | None]) -> Iterator[Attention]:
    """The first, and so the worst, of what the checks found at each station that is not told of yet."""
    for station, found in findings.items():
        first = found[0]
        if station in told or (first.share is not None and first.share < SUSPECT_SHARE):
            continue
        message = f"Station {station}, {first.parameter}: {first.message}"
        yield Attention("warning", "suspect_values", message, station=station, parameter=first.parameter)
