"""Stations for the dashboard, from the database; each query uses an index.

The page of all stations takes two queries, and the page of a single station two more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa

from forecast.core.clock import DAY_MS
from forecast.mongo.bson_decoder import StationColumns
from forecast.mongo.client import ObservationCollection
from forecast.mongo.days import DailyAggregates
from forecast.mongo.station_series import station_series
from forecast.mongo.station_states import StationStates
from forecast.mongo.strangers import strangers_named
from forecast.site.model import NIGHTS, WEEK_DAYS, Day, Flags, ParameterDay, StationView, Week

_WEEK: Final = timedelta(days=WEEK_DAYS)
# Includes the newest observation.
_A_MOMENT: Final = timedelta(milliseconds=1)


def with_database(views: Iterable[StationView], collection: ObservationCollection) -> tuple[StationView, ...]:
    """The stations with their states and their newest days, for the page of all stations."""
    known = {one["_id"]: one for one in StationStates.for_collection(collection).read()}
    found = tuple(_with_state(view, known.get(view.place.id, {})) for view in views)
    newest = DailyAggregates.for_collection(collection).newest({one.place.id: one.last for one in found if one.last})
    return tuple(replace(one, days=_newest_day(newest.get(one.place.id))) for one in found)


def with_details(view: StationView, collection: ObservationCollection) -> StationView:
    """A station with its days, and its week up to its newest value, for its own page."""
    if view.last is None:
        return view
    days = DailyAggregates.for_collection(collection)
    week = _week(collection, view.place.id, view.last)
    return replace(view, days=tuple(_days(days, view.place.id, view.last)), week=week)


def _with_state(view: StationView, entry: Mapping[str, Any]) -> StationView:
    return replace(
        view,
        first=_utc(entry.get("first")),
        since=_utc(entry.get("since")),
        count=entry.get("count"),
        last=_utc(entry.get("last")) or view.last,
        revision=entry.get("revision"),
    )


def _newest_day(found: Mapping[str, Any] | None) -> tuple[Day, ...]:
    return () if found is None else (_day(found),)


def _days(aggregates: DailyAggregates, station: str, last: datetime) -> Iterator[Day]:
    newest = int(last.timestamp() * 1000) // DAY_MS
    return map(_day, aggregates.of_station(station, newest - NIGHTS + 1, newest))


def _day(one: Mapping[str, Any]) -> Day:
    parameters = {
        name: ParameterDay(entry["received"], entry["suspect"], entry["failed"], entry["checks"])
        for name, entry in one["parameters"].items()
    }
    return Day(one["day"].date(), one["expected"], one["received"], parameters)


def _week(collection: ObservationCollection, station: str, last: datetime) -> Week | None:
    with strangers_named(collection):
        columns = station_series(collection, station, last - _WEEK, last + _A_MOMENT)
    return None if columns is None else week_of(columns)


def week_of(columns: StationColumns) -> Week:
    """The columns with their flags by parameter."""
    encoded = pa.array(columns.flags, pa.string()).dictionary_encode()
    texts = encoded.dictionary.to_pylist()
    # The flag of a parameter by the index of the row's text; the last one is for rows without a text.
    by_text: dict[str, Flags] = {name: np.zeros(len(texts) + 1, np.int8) for name in columns.values}
    checks: dict[str, set[str]] = {}
    flagged: Mapping[str, Any]
    for number, text in enumerate(texts):
        flagged = msgspec.json.decode(text or "{}")
        for name, entry in flagged.items():
            if name in by_text:
                by_text[name][number] = entry["flag"]
                checks.setdefault(name, set()).update(entry["checks"])
    numbers = encoded.indices.fill_null(len(texts)).to_numpy(zero_copy_only=False)
    flags = {name: of_texts[numbers] for name, of_texts in by_text.items()}
    return Week(columns.times, columns.values, flags, {name: tuple(sorted(found)) for name, found in checks.items()})


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=moment.tzinfo or UTC)
