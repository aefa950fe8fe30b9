"""The quality of the data of some days, from the database alone."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Set
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

import numpy as np

from forecast.core.clock import EARLIEST_YEAR
from forecast.core.counts import QualityTally, StationTally
from forecast.core.errors import SettingError
from forecast.core.parameters import MEASURED_NAMES
from forecast.core.stations import Stations
from forecast.mongo.client import ObservationCollection, mongo_errors
from forecast.mongo.loader import check_collection
from forecast.mongo.presence import presence_of
from forecast.mongo.qc_evaluation import days_held, evaluated
from forecast.mongo.strangers import strangers_named
from forecast.qc.results import QcResults
from forecast.report.findings import Findings
from forecast.report.models.quality import QualityReport
from forecast.report.quality import window_report
from forecast.report.silence import silence_warnings, stations_seen

LOGGER = logging.getLogger("forecast.run.quality_window")
_EPOCH: Final = date(1970, 1, 1).toordinal()


def quality_of_window(
    collection: ObservationCollection,
    stations: Stations,
    since: date,
    until: date,
    now: datetime,
    max_age_hours: float | None = None,
) -> QualityReport:
    """The quality report of the UTC days from `since` to `until`, both included.

    The checks run again on what is stored; nothing is written. Raises SettingError if the days are in the wrong
    order, RetryableError if the database is unreachable.
    """
    if since > until:
        raise SettingError(f"--since {since} is later than --until {until}")
    # No observation is older than this, or later than tomorrow.
    first_day = max(since, date(EARLIEST_YEAR, 1, 1))
    last_day = min(until, now.astimezone(UTC).date() + timedelta(days=1))
    first, end = (datetime.combine(day, time(), UTC) for day in (first_day, last_day + timedelta(days=1)))
    query = {"timestamp": {"$gte": first, "$lt": end}}
    check_collection(collection)
    findings, tally = Findings(), QualityTally()
    days_asked = range(first_day.toordinal() - _EPOCH, last_day.toordinal() - _EPOCH + 1)
    for station in stations:
        findings.expect(station, days_asked)
    with strangers_named(collection):
        for window, results in evaluated(days_held(collection, query), collection, stations):
            for one in results:
                findings.observe(one, window.changed)
                _count(tally, one, window.changed)
        for parameter, number in _unreadable(collection, query):
            tally.unreadable[parameter] += number
        presence = presence_of(collection, stations, (), max_age_hours)
    seen = stations_seen(presence, stations, now)
    for words, facts in silence_warnings(seen, max_age_hours):
        LOGGER.warning(words, extra={"facts": facts})
    return window_report(since, until, tally, now, findings, seen)


def _count(tally: QualityTally, results: QcResults, days: Mapping[str, Set[int]]) -> None:
    """Count the observations of these days by station."""
    series = results.series
    rows = np.flatnonzero(series.rows_on(days))
    if not len(rows):
        return
    columns = {**series.values, "precipitation_amount": results.amount}
    places, starts = np.unique(series.of_row[rows], return_index=True)
    numbers = np.diff(starts, append=len(rows)).tolist()
    present = {
        name: np.add.reduceat(~np.isnan(values[rows]), starts, dtype=np.int64).tolist()
        for name, values in columns.items()
    }
    first, last = series.times[rows[starts]].tolist(), series.times[rows[[*starts[1:] - 1, -1]]].tolist()
    for at, place in enumerate(places.tolist()):
        station = series.stations[place]
        reported = {name: present[name][at] if name in present else 0 for name in station.parameters}
        share = sum(reported.values()) / len(station.parameters)
        tally.stations[station.id].add(StationTally(numbers[at], first[at], last[at], share))
        tally.missing.update({name: numbers[at] - received for name, received in reported.items()})
    tally.values.update({name: sum(received) for name, received in present.items()})


def _unreadable(collection: ObservationCollection, query: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """The numbers of unreadable cells, by parameter."""
    stages: list[dict[str, Any]] = [
        {"$match": {**query, "data_quality.parse_issues.0": {"$exists": True}}},
        {"$unwind": "$data_quality.parse_issues"},
        {"$group": {"_id": "$data_quality.parse_issues.parameter", "number": {"$sum": 1}}},
    ]
    with mongo_errors("reading parse issues"):
        for entry in collection.aggregate(stages):
            if entry["_id"] in MEASURED_NAMES:
                yield entry["_id"], entry["number"]
