"""Stations as the dashboard shows them, from the database: one query a station and kind, each through an index."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np

from forecast.core.clock import DAY_MS
from forecast.mongo.bson_decoder import StationColumns
from forecast.mongo.client import ObservationCollection
from forecast.mongo.days import DailyAggregates
from forecast.mongo.station_series import station_series
from forecast.mongo.station_states import StationStates
from forecast.site.model import NIGHTS, WEEK_DAYS, Day, Flags, ParameterDay, StationView, Week

_WEEK: Final = timedelta(days=WEEK_DAYS)
# The newest observation is shown too.
_A_MOMENT: Final = timedelta(milliseconds=1)


def with_database(views: tuple[StationView, ...], collection: ObservationCollection) -> Iterator[StationView]:
    """The stations with what the database knows of them: since when, days, and the week up to their newest value."""
    known = {one["_id"]: one for one in StationStates.for_collection(collection).read()}
    days = DailyAggregates.for_collection(collection)
    for view in views:
        entry = known.get(view.place.id, {})
        last = _utc(entry.get("last")) or view.last
        yield replace(
            view,
            first=_utc(entry.get("first")),
            since=_utc(entry.get("since")),
            count=entry.get("count"),
            last=last,
            days=() if last is None else tuple(_days(days, view.place.id, last)),
            week=None if last is None else _week(collection, view.place.id, last),
        )


def _days(aggregates: DailyAggregates, station: str, last: datetime) -> Iterator[Day]:
    newest = int(last.timestamp() * 1000) // DAY_MS
    for one in aggregates.of_station(station, newest - NIGHTS + 1, newest):
        parameters = {
            name: ParameterDay(entry["received"], entry["suspect"], entry["failed"], entry["checks"])
            for name, entry in one["parameters"].items()
        }
        yield Day(one["day"].date(), one["expected"], one["received"], parameters)


def _week(collection: ObservationCollection, station: str, last: datetime) -> Week | None:
    columns = station_series(collection, station, last - _WEEK, last + _A_MOMENT)
    return None if columns is None else week_of(columns)


def week_of(columns: StationColumns) -> Week:
    """The columns with their flags by parameter."""
    flags: dict[str, Flags] = {name: np.zeros(len(columns.times), np.int8) for name in columns.values}
    checks: dict[str, set[str]] = {}
    flagged: Mapping[str, Any]
    for text in {text for text in columns.flags.tolist() if text}:
        flagged = json.loads(text)
        rows = columns.flags == text
        for name, entry in flagged.items():
            if name in flags:
                flags[name][rows] = entry["flag"]
                checks.setdefault(name, set()).update(entry["checks"])
    return Week(columns.times, columns.values, flags, {name: tuple(sorted(found)) for name, found in checks.items()})


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=moment.tzinfo or UTC)
