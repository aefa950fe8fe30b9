"""`read`, `latest`, `stations`, `parameters`: what `forecast` gives to Python."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from forecast.core.aggregation import MIN_SHARE, Frequency
from forecast.core.dataset import DATASET_SCHEMA
from forecast.core.errors import SettingError
from forecast.core.schemas import UTC_TIME
from forecast.core.settings import Settings, load_settings
from forecast.mongo.client import connect
from forecast.mongo.observation_reader import read_observations
from forecast.mongo.presence import presence_of
from forecast.reader.observations import Observations, observations
from forecast.reader.parquet_store import columns_of, in_box, read_parquet, read_stations
from forecast.reader.request import Box, Flags, Moment, Request, make_request
from forecast.run.stations import configured_stations
from forecast.storage import open_store
from forecast.zone.dataset import by_station_and_time
from forecast.zone.tables import parameters_table, stations_table

if TYPE_CHECKING:
    import pandas as pd

Source = str | Settings | None

_MONGODB: Final = ("mongodb://", "mongodb+srv://")


def read(  # noqa: PLR0913  what can be asked for, by name
    source: Source = None,
    *,
    stations: Sequence[str] | None = None,
    bbox: Box | None = None,
    parameters: Sequence[str] | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    flags: Flags = "good",
    freq: Frequency | None = None,
    min_share: float = MIN_SHARE,
    provenance: bool = False,
) -> Observations:
    """Observations from `since` on and before `until` (UTC; a date is its midnight), by station and time.

    `source` is a processed zone (a folder or s3://…) or a MongoDB (mongodb://…); None is PROCESSED_URI, or without one
    MONGODB_URI. `bbox` is west, south, east, north in degrees. `flags`: "good" leaves out values that are suspect or
    failed, "not_failed" those that failed; "all" leaves out none, and gives the flags beside the values.

    With `freq`, values of the regular intervals that lie between `since` and `until`. The timestamp is an interval's
    end, which belongs to it; its beginning does not. The value is the mean of a parameter, the maximum of gusts, the
    mean of a direction's unit vectors, the sum of rain, the last of counters and codes. It is left out where there are
    fewer than `min_share` of the values that the station's interval makes one expect.

    Nothing is filled. Raises ValueError for what cannot be asked for (a naive datetime, an unknown parameter),
    SettingError and RetryableError as the commands do.
    """
    request = make_request(
        stations, bbox, parameters, since, until, flags, provenance=provenance, freq=freq, min_share=min_share
    )
    settings = settings_of(source)
    return observations(_rows(settings, request.observed()), request, _registry(settings))


def latest(
    source: Source = None,
    *,
    stations: Sequence[str] | None = None,
    bbox: Box | None = None,
    parameters: Sequence[str] | None = None,
    flags: Flags = "good",
    provenance: bool = False,
) -> Observations:
    """The newest observation of each station; see `read`."""
    settings = settings_of(source)
    known = stations_of(settings)
    newest = dict(zip(known["station_id"].to_pylist(), known["last_observation"].to_pylist(), strict=True))
    by_day: defaultdict[date, list[str]] = defaultdict(list)
    for name in newest if stations is None else stations:
        if (last := newest.get(name)) is not None:
            by_day[last.date()].append(name)
    asked = make_request(stations, bbox, parameters, None, None, flags, provenance=provenance)
    parts = [_empty(asked)]
    for day, names in by_day.items():
        request = make_request(names, bbox, parameters, day, day + timedelta(days=1), flags, provenance=provenance)
        table = _rows(settings, request)
        last = pa.array([newest[name] for name in table["station_id"].to_pylist()], UTC_TIME)
        parts.append(table.filter(pc.equal(table["timestamp"], last)))
    return observations(by_station_and_time(pa.concat_tables(parts).unify_dictionaries()), asked, known)


def stations(source: Source = None) -> pd.DataFrame:
    """The registry: a row a station, with its first and its newest observation."""
    frame: pd.DataFrame = stations_of(source).to_pandas()
    return frame


def parameters() -> pd.DataFrame:
    """The data dictionary: a row a parameter, with its unit, its CF name and its meaning."""
    frame: pd.DataFrame = parameters_table().to_pandas()
    return frame


def settings_of(source: Source) -> Settings:
    """Settings, with a source that is a text in place of both stores. Raises SettingError where there is none."""
    if isinstance(source, Settings):
        settings = source
    elif source is None:
        settings = load_settings({})
    elif source.startswith(_MONGODB):
        settings = replace(load_settings({"MONGODB_URI": source}), processed_uri=None)
    else:
        settings = load_settings({"PROCESSED_URI": source})
    if settings.processed_uri is None and settings.mongodb_uri is None:
        raise SettingError(
            "neither PROCESSED_URI nor MONGODB_URI is set; name what to read: a folder, s3://bucket/prefix/ or mongodb://…"
        )
    return settings


def stations_of(source: Source) -> pa.Table:
    """The stations of a source (STATIONS_SCHEMA)."""
    settings = settings_of(source)
    if settings.processed_uri is not None:
        return read_stations(open_store(settings.processed_uri))
    registry = configured_stations(settings)
    with connect(settings) as collection:
        presence = presence_of(collection, registry, ())
    return stations_table(registry, presence.first, presence.newest)


def _registry(settings: Settings) -> pa.Table:
    """The stations of a source (STATIONS_SCHEMA), without asking a database when they reported."""
    if settings.processed_uri is not None:
        return read_stations(open_store(settings.processed_uri))
    return stations_table(configured_stations(settings), {}, {})


def _rows(settings: Settings, request: Request) -> pa.Table:
    """The observations that a request asks for, of the dataset where there is a zone."""
    if settings.processed_uri is not None:
        return read_parquet(open_store(settings.processed_uri), request)
    with connect(settings) as collection:
        found = read_observations(collection, request.stations, request.since, request.until)
    return in_box(found, request).select(columns_of(request))


def _empty(request: Request) -> pa.Table:
    return DATASET_SCHEMA.empty_table().select(columns_of(request))
