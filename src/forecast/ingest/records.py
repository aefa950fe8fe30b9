"""The records of a response by station and day; only those that were requested."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime

from forecast.core.stations import Station
from forecast.core.text import escaped
from forecast.ingest.answers import Record
from forecast.ingest.api import Window
from forecast.ingest.faults import UnusableAnswerError
from forecast.networks.fetch import EPOCH_SECONDS, Fetch


def records_by_day(
    fetch: Fetch, stations: Mapping[str, Station], window: Window, records: Iterable[Record]
) -> dict[tuple[str, date], list[Record]]:
    """The records of each station and day of a window.

    Raises WindowError if one is from another station or day, unless the API returns more than requested.
    """
    registered = {stations[name].network_id: name for name in window.stations}
    by_day: dict[tuple[str, date], list[Record]] = defaultdict(list)
    day_of: dict[str, date] = {}
    for record in records:
        network_id = str(record.station)
        if network_id not in registered:
            if fetch.more_than_asked:
                continue
            raise UnusableAnswerError(
                "other_station", f"a record names station {escaped(network_id)[:40]}, which was not requested"
            )
        name = registered[network_id]
        day = window.first if fetch.local_days else _utc_day(fetch, record)
        # A record without a time goes with the one before it; the pipeline says what it lacks.
        day_of[name] = day or day_of.get(name, window.first)
        if not window.first <= day_of[name] <= window.last:
            if fetch.more_than_asked:
                continue
            raise UnusableAnswerError("other_day", f"a record is dated {day_of[name]}, which was not requested")
        by_day[name, day_of[name]].append(record)
    return by_day


def _utc_day(fetch: Fetch, record: Record) -> date | None:
    found = str(record.time)
    try:
        if fetch.time_format == EPOCH_SECONDS:
            return datetime.fromtimestamp(float(found), UTC).date()
        return date.fromisoformat(found[:10])
    except (ValueError, OverflowError, OSError):
        return None
