"""Stations for the dashboard, from the database; each query uses an index.

The page of all stations takes two queries, and the pages of up to 25 stations with values until the same day two more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby, islice
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa

from forecast.core.clock import milliseconds
from forecast.mongo.bson_decoder import StationColumns
from forecast.mongo.client import ObservationCollection
from forecast.mongo.days import DailyAggregates, day_number
from forecast.mongo.station_series import station_series
from forecast.mongo.station_states import StationStates
from forecast.mongo.strangers import strangers_named
from forecast.site.model import NIGHTS, WEEK_DAYS, Day, Flags, ParameterDay, StationView, Week

_WEEK: Final = timedelta(days=WEEK_DAYS)
# Includes the newest observation.
_A_MOMENT: Final = timedelta(milliseconds=1)
_STATIONS_AT_ONCE: Final = 25
# 3 MB. A station may have more in a week, and is then on its own.
_ROWS_AT_ONCE: Final = 20_000


def with_database(views: Iterable[StationView], collection: ObservationCollection) -> tuple[StationView, ...]:
    """The stations with their states and their newest days, for the page of all stations."""
    known = {one["_id"]: one for one in StationStates.for_collection(collection).read()}
    found = tuple(_with_state(view, known.get(view.place.id, {})) for view in views)
    newest = DailyAggregates.for_collection(collection).newest({one.place.id: one.last for one in found if one.last})
    return tuple(replace(one, days=_newest_day(newest.get(one.place.id))) for one in found)


def with_details(views: Sequence[StationView], collection: ObservationCollection) -> Iterator[StationView]:
    """The stations, in order, each with its days, and its week up to its newest value, for its own page.

    They are read as they are taken, some at a time.
    """
    aggregates = DailyAggregates.for_collection(collection)
    for day, alike in groupby(views, _last_day):
        if day is None:
            yield from alike
            continue
        while some := tuple(islice(alike, _STATIONS_AT_ONCE)):
            found = aggregates.of_stations([one.place.id for one in some], day - NIGHTS + 1, day)
            whole = [replace(one, days=tuple(map(_day, found.get(one.place.id, ())))) for one in some]
            for part in _of_few_rows(whole):
                yield from _with_weeks(part, collection)


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


def _last_day(view: StationView) -> int | None:
    return None if view.last is None else day_number(view.last)


def _day(one: Mapping[str, Any]) -> Day:
    parameters = {
        name: ParameterDay(entry["received"], entry["suspect"], entry["failed"], entry["checks"])
        for name, entry in one["parameters"].items()
    }
    return Day(one["day"].date(), one["expected"], one["received"], parameters)


def _of_few_rows(views: Iterable[StationView]) -> Iterator[list[StationView]]:
    """The stations in groups whose weeks have at most _ROWS_AT_ONCE rows, or that consist of a single station."""
    group: list[StationView] = []
    rows = 0
    for view in views:
        # A week can begin in the middle of a day.
        of_view = sum(day.received for day in view.days[-WEEK_DAYS - 1 :])
        if group and rows + of_view > _ROWS_AT_ONCE:
            yield group
            group, rows = [], 0
        group.append(view)
        rows += of_view
    if group:
        yield group


def _with_weeks(views: Sequence[StationView], collection: ObservationCollection) -> Iterator[StationView]:
    spans = {view.place.id: (view.last - _WEEK, view.last + _A_MOMENT) for view in views if view.last is not None}
    since, until = min(start for start, _ in spans.values()), max(end for _, end in spans.values())
    with strangers_named(collection):
        found = station_series(collection, spans.keys(), since, until)
    for view in views:
        columns = found.pop(view.place.id, None)
        if columns is not None:
            start, end = spans[view.place.id]
            columns = columns.between(milliseconds(start), milliseconds(end))
        yield replace(view, week=week_of(columns) if columns is not None and len(columns.times) else None)


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
