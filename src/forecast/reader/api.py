"""`read`, `latest`, `stations`, `parameters`: the public Python API of `forecast`."""

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
from forecast.zone.dataset import concatenated
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
    """Read observations from `since` (included) to `until` (excluded), ordered by station and time.

    Times are UTC, and a date means its midnight. `source` is a processed zone (a folder or s3://…) or a MongoDB
    (mongodb://…). None means PROCESSED_URI or, if that is not set, MONGODB_URI. `stations` are station ids. `bbox` is
    west, south, east, north in degrees. `parameters` are names of the parameter table. `flags`: "good" leaves out
    suspect and failed values, "not_failed" leaves out failed values, and "all" keeps every value and adds its flag.
    `provenance` adds the station's name and position and the origin of each observation.

    With `freq`, the result has values of the regular intervals between `since` and `until`. The timestamp is the end of
    the interval. The end belongs to the interval, its beginning does not. The value is the mean of a parameter, the
    maximum of gusts, the direction of the mean unit vector of directions, the sum of rain, or the last value of a
    counter or code. It is left out if fewer than `min_share` of the values expected from the station's interval are
    present.

    Nothing is filled. Raises ValueError for an invalid request (a naive datetime, an unknown parameter), and
    SettingError or RetryableError as the commands do.
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
    """Read the newest observation of each station. The arguments are those of `read`."""
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
    return observations(concatenated(parts), asked, known)


def stations(source: Source = None) -> pd.DataFrame:
    """Return the station registry: one row per station, with the times of its first and newest observation."""
    frame: pd.DataFrame = stations_of(source).to_pandas()
    return frame


def parameters() -> pd.DataFrame:
    """Return the data dictionary: one row per parameter, with its unit, CF name and description."""
    frame: pd.DataFrame = parameters_table().to_pandas()
    return frame


def settings_of(source: Source) -> Settings:
    """Return the settings, with a source given as text in place of both stores. Raises SettingError without any."""
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
            "neither PROCESSED_URI nor MONGODB_URI is set; name a source: a folder, s3://bucket/prefix/ or mongodb://…"
        )
    return settings


def stations_of(source: Source) -> pa.Table:
    """Return the stations of a source (STATIONS_SCHEMA)."""
    settings = settings_of(source)
    if settings.processed_uri is not None:
        return read_stations(open_store(settings.processed_uri))
    registry = configured_stations(settings)
    with connect(settings) as collection:
        presence = presence_of(collection, registry, ())
    return stations_table(registry, presence.first, presence.newest)


def _registry(settings: Settings) -> pa.Table:
    """Return the stations of a source (STATIONS_SCHEMA), without asking a database for their observations."""
    if settings.processed_uri is not None:
        return read_stations(open_store(settings.processed_uri))
    return stations_table(configured_stations(settings), {}, {})


def _rows(settings: Settings, request: Request) -> pa.Table:
    """Return the requested observations, from the dataset if there is a zone."""
    if settings.processed_uri is not None:
        return read_parquet(open_store(settings.processed_uri), request)
    with connect(settings) as collection:
        found = read_observations(collection, request.stations, request.since, request.until)
    return in_box(found, request).select(columns_of(request))


def _empty(request: Request) -> pa.Table:
    return DATASET_SCHEMA.empty_table().select(columns_of(request))
