"""The files of the dataset in the processed zone, and how a day is updated.

A day has one file for every 100 stations that report every 5 minutes, or for more of slower ones (decision 9), in which
each observation occurs once. A station's id determines its file, so a changed station-day is one object, which is
replaced completely or not at all.
"""

from __future__ import annotations

import logging
import math
import re
import zlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from forecast.core.clock import midnight
from forecast.core.dataset import DATASET_SCHEMA, KEYS, conformed
from forecast.core.raw_objects import RawObject
from forecast.core.schemas import UTC_TIME
from forecast.storage import ObjectChangedError, Store
from forecast.zone.newest import fetch_newest
from forecast.zone.publishing import Publisher

LOGGER = logging.getLogger("forecast.zone.dataset")
CURRENT: Final = "current/"
# Stations that report every 5 minutes: 28 800 observations a day. Of slower ones, a file has more.
STATIONS_A_FILE: Final = 100
_MINUTES: Final = 5.0
_FIRST_DAY: Final = date(1970, 1, 1)
_KEY: Final = re.compile(r"day=(?P<day>\d{4}-\d{2}-\d{2})/part-(?P<number>\d+)-of-(?P<parts>\d+)\.parquet$")


class DayFile(NamedTuple):
    """One file of a day (since 1970): number `number` of `parts`."""

    day: int
    number: int
    parts: int

    @property
    def key(self) -> str:
        """The file's key in the processed zone."""
        return self.key_in(CURRENT)

    def key_in(self, dataset: str) -> str:
        """The key of the corresponding file of another dataset."""
        return f"{day_folder(self.day, dataset)}part-{self.number}-of-{self.parts}.parquet"


def day_folder(day: int, dataset: str = CURRENT) -> str:
    """The folder of a UTC day (since 1970)."""
    return f"{dataset}day={_FIRST_DAY + timedelta(day)}/"


def day_file(key: str) -> DayFile | None:
    """The file of the dataset that a key names; None for any other key."""
    found = _KEY.search(key)
    if found is None:
        return None
    day = date.fromisoformat(found["day"]) - date(1970, 1, 1)
    return DayFile(day.days, int(found["number"]), int(found["parts"]))


def parts_for(minutes: Iterable[float]) -> int:
    """The number of files for a day that is written for the first time; `minutes` are the stations' intervals."""
    stations = sum(min(1.0, _MINUTES / interval) for interval in minutes)
    return max(1, math.ceil(stations / STATIONS_A_FILE))


def part_of(station_id: str, parts: int) -> int:
    """The number of the file for a station's observations on a day."""
    return zlib.crc32(station_id.encode()) % parts


# Returns what the database holds of some stations (None: all) on a day.
ReadDay = Callable[[int, Collection[str] | None], pa.Table]


class WrittenDay(NamedTuple):
    """What was written of a day, and the stations whose observation at its first midnight may have changed."""

    files: int
    rows: int
    other_midnight: set[str]


class _Merged(NamedTuple):
    table: pa.Table
    other_midnight: set[str]


def write_day(
    day: int, changed: Collection[str], publisher: Publisher, read: ReadDay, new_parts: int, folder: Path
) -> WrittenDay:
    """Replace these stations' observations on a day by what the database holds.

    Other stations' observations are kept. A new day gets `new_parts` files (`parts_for`). `folder` is for copies.
    """
    store = publisher.store
    there = {file: listed for listed in store.list(day_folder(day)) if (file := day_file(listed.key))}
    parts = max((file.parts for file in there), default=new_parts)
    rows, other_midnight = 0, set[str]()
    chosen = by_part(changed, parts)
    for number, names in chosen.items():
        file = DayFile(day, number, parts)
        table, others = _merged(file, there.get(file), names, store, read, folder)
        rows += table.num_rows
        other_midnight |= others
        if table.num_rows:
            publisher.publish(table, file.key)
        else:
            store.remove(file.key)
    return WrittenDay(len(chosen), rows, other_midnight)


def by_part(stations: Iterable[str], parts: int) -> dict[int, set[str]]:
    """Stations by the number of their file."""
    chosen: defaultdict[int, set[str]] = defaultdict(set)
    for name in stations:
        chosen[part_of(name, parts)].add(name)
    return dict(sorted(chosen.items()))


def _merged(
    file: DayFile, listed: RawObject | None, names: set[str], store: Store, read: ReadDay, folder: Path
) -> _Merged:
    """The whole table of a file."""
    if listed is None:
        return _Merged(read(file.day, names), names)
    before = readable(listed, store, folder)
    if before is None:
        return _Merged(of_file(read(file.day, None), file), names)
    own = read(file.day, names)
    at_midnight = pa.scalar(midnight(file.day), UTC_TIME)
    was, now = (table.filter(pc.equal(table["timestamp"], at_midnight)) for table in (before, own))
    same = plain(of_stations(was, names)).equals(plain(now))
    return _Merged(concatenated([without_stations(before, names), own]), set() if same else names)


def plain(table: pa.Table) -> pa.Table:
    """The table with texts instead of dictionaries: the same texts may be in another order in a dictionary."""
    for place, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            table = table.set_column(place, field.name, table.column(place).cast(pa.string()))
    return table


def by_station_and_time(table: pa.Table) -> pa.Table:
    """The rows in the order of the dataset."""
    keys = pa.table([table["station_id"].cast(pa.string()), table["timestamp"]], names=KEYS)
    return table.take(pc.sort_indices(keys, sort_keys=[(name, "ascending") for name in KEYS]))


def concatenated(tables: Iterable[pa.Table]) -> pa.Table:
    """The rows of tables of one schema, in the order of the dataset."""
    return by_station_and_time(pa.concat_tables(tables).unify_dictionaries())


def together(tables: Collection[pa.Table]) -> pa.Table:
    """The rows of tables in the order of the dataset, in those of its columns that any of them has.

    Half of the columns belong to other networks; if they were filled in first, they would be copied with every row.
    """
    held = set().union(*(table.column_names for table in tables))
    schema = pa.schema([field for field in DATASET_SCHEMA if field.name in held], DATASET_SCHEMA.metadata)
    return concatenated([table if table.schema.equals(schema) else conformed(table, schema) for table in tables])


def readable(
    listed: RawObject, store: Store, folder: Path, columns: list[str] | None = None, schema: pa.Schema = DATASET_SCHEMA
) -> pa.Table | None:
    """The same as `read_table`, but None if the file is damaged or removed: it is rebuilt from the database."""
    try:
        return read_table(listed, store, folder, columns, schema)
    except ObjectChangedError:
        return None
    except pa.ArrowException:
        LOGGER.warning("%s is not a complete file of the dataset; it is rewritten", listed.uri)
        return None


def read_table(
    listed: RawObject, store: Store, folder: Path, columns: list[str] | None = None, schema: pa.Schema = DATASET_SCHEMA
) -> pa.Table:
    """A file of a dataset, or some of its columns.

    Raises pa.ArrowException if it is invalid, ObjectChangedError if it was removed.
    """
    copy = folder / "dataset.parquet"
    fetch_newest(store, listed, copy)
    try:
        if columns is not None:
            schema = pa.schema([schema.field(name) for name in columns])
        with pq.ParquetFile(copy) as opened:
            # A file builds its schema again on every access.
            held = set(opened.schema_arrow.names)
            return conformed(opened.read(columns=[name for name in schema.names if name in held]), schema)
    finally:
        copy.unlink()


def of_file(table: pa.Table, file: DayFile) -> pa.Table:
    """The rows of the stations that belong in a file."""
    stations = pc.unique(table["station_id"]).to_pylist()
    return of_stations(table, [name for name in stations if part_of(name, file.parts) == file.number])


def of_stations(table: pa.Table, names: Collection[str]) -> pa.Table:
    """The rows of some stations."""
    if _only_of(table, names):
        return table
    wanted = _is_of(table, names)
    return table if pc.all(wanted, min_count=0).as_py() else table.filter(wanted)


def without_stations(table: pa.Table, names: Collection[str]) -> pa.Table:
    """The rows of all other stations."""
    return table.filter(pc.invert(_is_of(table, names)))


def _only_of(table: pa.Table, names: Collection[str]) -> bool:
    """Whether the stations that the table's dictionaries name, although perhaps without rows, are among these."""
    chunks = table["station_id"].chunks
    return all(isinstance(one, pa.DictionaryArray) and set(one.dictionary.to_pylist()) <= set(names) for one in chunks)


def _is_of(table: pa.Table, names: Collection[str]) -> pa.ChunkedArray:
    return pc.is_in(table["station_id"].cast(pa.string()), value_set=pa.array(sorted(names), pa.string()))
