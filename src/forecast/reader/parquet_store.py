"""The dataset of a processed zone, read by the days and columns that are asked for."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from forecast.core.clock import midnight
from forecast.core.dataset import DATASET_SCHEMA, KEYS, PROVENANCE, STATION_COLUMNS, flag_column
from forecast.core.errors import RetryableError
from forecast.core.raw_objects import RawObject
from forecast.qc.resampling import WIND
from forecast.reader.request import Request
from forecast.storage import Store
from forecast.zone.dataset import CURRENT, DayFile, concatenated, day_file, day_folder, part_of, read_table
from forecast.zone.identity import require_dataset
from forecast.zone.tables import STATIONS

_DAY = timedelta(days=1)


def read_parquet(store: Store, request: Request) -> pa.Table:
    """The requested observations (columns of DATASET_SCHEMA), by station and time."""
    with tempfile.TemporaryDirectory(prefix="forecast-read-") as name:
        folder = Path(name)
        require_dataset(store, folder)
        columns = columns_of(request)
        tables = [_chosen(read_table(listed, store, folder, columns), request) for _, listed in _files(store, request)]
    schema = pa.schema([DATASET_SCHEMA.field(column) for column in columns])
    return concatenated([schema.empty_table(), *tables])


def read_stations(store: Store) -> pa.Table:
    """The stations next to the dataset (STATIONS_SCHEMA). Raises RetryableError where somebody has removed them."""
    with tempfile.TemporaryDirectory(prefix="forecast-read-") as name:
        folder = Path(name)
        require_dataset(store, folder)
        listed = store.find(STATIONS)
        if listed is None:
            raise RetryableError(f"{store.uri} lacks {STATIONS}, which every run writes; run `forecast run`")
        store.fetch(listed, folder / STATIONS)
        return pq.read_table(folder / STATIONS)


def columns_of(request: Request) -> list[str]:
    """The columns that a request needs, in the order of the dataset."""
    wanted = {*KEYS, *request.parameters, *map(flag_column, request.parameters)}
    if request.freq is not None:
        wanted |= {*WIND, *map(flag_column, WIND)}
    if request.bbox is not None:
        wanted |= {"latitude", "longitude"}
    if request.provenance:
        wanted |= {*STATION_COLUMNS, *PROVENANCE}
    return [name for name in DATASET_SCHEMA.names if name in wanted]


def _files(store: Store, request: Request) -> Iterator[tuple[DayFile, RawObject]]:
    prefix = CURRENT
    if request.since is not None and request.until is not None:
        last = request.until - timedelta(microseconds=1)
        prefix = _common_beginning(day_folder(_day(request.since)), day_folder(_day(last)))
    for listed in store.list(prefix):
        file = day_file(listed.key)
        if file is not None and _within(file, request.since, request.until) and _has(file, request.stations):
            yield file, listed


def _common_beginning(one: str, other: str) -> str:
    """What two keys begin with alike, so that a store lists no more than it has to."""
    return "".join(letter for letter, _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=True)))


def _day(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)).days


def _within(file: DayFile, since: datetime | None, until: datetime | None) -> bool:
    begin = midnight(file.day)
    return (since is None or begin + _DAY > since) and (until is None or begin < until)


def _has(file: DayFile, stations: Sequence[str] | None) -> bool:
    return stations is None or any(part_of(name, file.parts) == file.number for name in stations)


def _chosen(table: pa.Table, request: Request) -> pa.Table:
    """The rows of these stations, at this place and time."""
    kept = []
    if request.stations is not None:
        names = pa.array(request.stations, pa.string())
        kept.append(pc.is_in(table["station_id"].cast(pa.string()), value_set=names))
    if request.since is not None:
        kept.append(pc.greater_equal(table["timestamp"], pa.scalar(request.since, pa.timestamp("us", tz="UTC"))))
    if request.until is not None:
        kept.append(pc.less(table["timestamp"], pa.scalar(request.until, pa.timestamp("us", tz="UTC"))))
    for mask in kept[1:]:
        kept[0] = pc.and_(kept[0], mask)
    return in_box(table.filter(kept[0]) if kept else table, request)


def in_box(table: pa.Table, request: Request) -> pa.Table:
    """The rows of stations in the requested box, edges included."""
    if request.bbox is None:
        return table
    west, south, east, north = request.bbox
    longitude, latitude = table["longitude"], table["latitude"]
    across = pc.and_(pc.greater_equal(longitude, west), pc.less_equal(longitude, east))
    along = pc.and_(pc.greater_equal(latitude, south), pc.less_equal(latitude, north))
    return table.filter(pc.and_(across, along))
