"""The processed zone: canonical records as Parquet, rejected rows as gzipped JSON lines.

Files are first written to a folder of the run, and published once their raw object is known to be complete. Their names
only depend on the raw object's digest, so that the same object processed twice writes the same keys.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from forecast.core.format_version import FORMAT_KEY, FORMAT_VERSION
from forecast.core.schemas import RECORD_SCHEMA, UTC_TIME, as_records, to_frame, to_table
from forecast.storage import Store
from forecast.zone.station_columns import StationColumns

# The folders of the zone.
OBSERVATIONS = "observations/"
REJECTED = "rejected/"
# Dictionaries of values that never repeat, and statistics that nobody uses, took a third of the writing time.
_UNIQUE = ("_id", "timestamp", "source_row", "digest")
_SEARCHED = ["_id", "station_id", "timestamp"]
# Integers, and texts of stations and runs, repeat, so their dictionaries leave nothing to compress; leaving out these
# columns and those without values saves a fifth of the writing time. In a file of few rows, all columns with a
# dictionary have some bytes each, and compressing each took half of the writing time; zstd for the others another
# quarter, for files that are a sixth smaller than with LZ4.
_PACKED = frozenset(
    field.name
    for field in RECORD_SCHEMA
    if not pa.types.is_integer(field.type) and not pa.types.is_dictionary(field.type)
)
# Small files are kept in memory: reading them again at once would take as long as writing them.
FEW_ROWS = 2_500
# A Parquet file of one row has 13 kB of metadata about its columns.
_FILE_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class RunContext:
    """The fields that are the same for every record of a run."""

    run_id: str
    started_at: datetime
    pipeline_version: str


@dataclass(frozen=True, slots=True)
class ZoneFile:
    """A local file and its key in the processed zone; `records` are its contents, if they are few."""

    path: Path
    key: str
    records: pa.Table | None = field(default=None, repr=False, compare=False)


def month_folder(day: date) -> str:
    """The folder of a month within a folder of the zone."""
    return f"year={day:%Y}/month={day:%m}/"


def publish(files: Iterable[ZoneFile], store: Store) -> None:
    """Publish every file to the processed zone."""
    for file in files:
        store.publish(file.path, file.key)


def remove(keys: Iterable[str], store: Store) -> None:
    """Remove files from the processed zone, if they are there."""
    for key in keys:
        store.remove(key)


def read_records(files: Iterable[ZoneFile], rows: int) -> Iterator[pd.DataFrame]:
    """The records (RECORD_SCHEMA) of the files that have any, in order, in frames of about this many rows."""
    tables: list[pa.Table] = []
    for file in files:
        if file.key.startswith(OBSERVATIONS):
            tables.append(_records_in(file.path) if file.records is None else file.records)
        if sum(table.num_rows for table in tables) >= rows:
            yield to_frame(pa.concat_tables(tables))
            tables = []
    if tables:
        yield to_frame(pa.concat_tables(tables))


def _records_in(path: Path) -> pa.Table:
    """The records of a file; Arrow's datasets, which `read_table` goes through, take a third longer."""
    with pq.ParquetFile(path) as opened:
        return as_records(opened.read())


@dataclass(frozen=True, slots=True)
class Source:
    """The raw object that records came from, in one version.

    `digest` is of its key and content, `modified_at` its own time, `day` that of its sync.
    """

    key: str
    uri: str
    digest: str
    modified_at: datetime
    day: date


def any_room(size: int) -> None:
    """Accept files of any size."""


class ObjectWriter:
    """Stages the files of one raw object; `name` begins the names of those with records.

    `stations` can serve several writers.

    Before each file, `make_room` gets the number of bytes that all of them may have after it.
    """

    def __init__(
        self,
        folder: Path,
        source: Source,
        context: RunContext,
        stations: StationColumns,
        name: str | None = None,
        make_room: Callable[[int], None] = any_room,
    ) -> None:
        self._folder = folder
        self._source = source
        self._context = context
        self._stations = stations
        self._name = name or source.digest
        self._make_room = make_room
        self._parts = 0
        self._rejected_path = folder / "rejected.jsonl.gz"
        self._has_rejected = False
        self._records_files: list[ZoneFile] = []
        self._records_bytes = 0

    @property
    def size(self) -> int:
        """Bytes of everything that was staged."""
        return self._records_bytes + (self._rejected_path.stat().st_size if self._has_rejected else 0)

    def add(self, validated: pa.Table) -> None:
        """Stage records (VALIDATED_SCHEMA), in one file per month of observation."""
        table = self._records(validated)
        for month, rows in _by_month(table):
            path = self._folder / f"{self._parts}-{month}.parquet"
            numbered = rows.replace_schema_metadata({FORMAT_KEY: str(FORMAT_VERSION)})
            if len(rows) <= FEW_ROWS:
                # The writer makes hundreds of small writes, which take a third of the time on a disk.
                file = pa.BufferOutputStream()
                _write(numbered, file)
                content = file.getvalue()
                self._make_room(self.size + content.size)
                path.write_bytes(content)
            else:
                self._make_room(self.size + _most_bytes(rows))
                _write(numbered, path)
            key = f"{OBSERVATIONS}{month_folder(date.fromisoformat(f'{month}-01'))}{self._name}-{self._parts}.parquet"
            self._records_files.append(ZoneFile(path, key, rows if table.num_rows <= FEW_ROWS else None))
            self._records_bytes += path.stat().st_size
        self._parts += 1

    def add_rejected(self, rejected: pd.DataFrame) -> None:
        """Stage rejected rows (REJECTED_SCHEMA) with where they came from; a loop, because they are few."""
        if rejected.empty:
            return
        table = to_table(rejected)
        self._make_room(self.size + _most_bytes(table))
        self._has_rejected = True
        with gzip.open(self._rejected_path, "at", encoding="utf-8") as file:
            for record in table.to_pylist():
                source = {"source_uri": self._source.uri, "key": self._source.key}
                version = {"source_modified_at": self._source.modified_at.isoformat(timespec="milliseconds")}
                whole = {"run_id": self._context.run_id, **source, **version, **record}
                file.write(json.dumps(whole, ensure_ascii=False) + "\n")

    @property
    def files(self) -> list[ZoneFile]:
        """Everything that was staged."""
        if not self._has_rejected:
            return list(self._records_files)
        key = f"{REJECTED}{month_folder(self._source.day)}{self._source.digest}-0.jsonl.gz"
        return [*self._records_files, ZoneFile(self._rejected_path, key)]

    def _records(self, validated: pa.Table) -> pa.Table:
        everywhere = pa.repeat(pa.scalar(0, pa.int32()), validated.num_rows)
        texts = {
            "source_uri": self._source.uri,
            "run_id": self._context.run_id,
            "pipeline_version": self._context.pipeline_version,
        }
        moments = {"source_modified_at": self._source.modified_at, "ingested_at": self._context.started_at}
        columns = {
            **dict(zip(validated.column_names, validated.columns, strict=True)),
            **self._stations.of(validated["station_id"]),
            **{name: pa.DictionaryArray.from_arrays(everywhere, pa.array([text])) for name, text in texts.items()},
            **{name: pa.repeat(pa.scalar(at, UTC_TIME), validated.num_rows) for name, at in moments.items()},
        }
        return pa.table([columns[name] for name in RECORD_SCHEMA.names], schema=RECORD_SCHEMA)


def _write(records: pa.Table, file: Path | pa.NativeFile) -> None:
    names = zip(records.column_names, records.columns, strict=True)
    filled = [name for name, cells in names if cells.null_count < records.num_rows]
    few = records.num_rows <= FEW_ROWS
    packed, codec = (_UNIQUE, "lz4") if few else (_PACKED, "zstd")
    pq.write_table(
        records,
        file,
        compression={name: codec for name in filled if name in packed},
        use_dictionary=[name for name in filled if name not in _UNIQUE],
        write_statistics=_SEARCHED,
    )


def _most_bytes(table: pa.Table) -> int:
    """An upper bound of the size of a file of these rows: both formats compress, except for what an empty file has."""
    return 2 * int(table.nbytes) + _FILE_BYTES


def _by_month(table: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """The rows of each month ("2024-10") of observation, in their order."""
    months = np.asarray(table["timestamp"].cast(pa.int64())).astype("datetime64[ms]").astype("datetime64[M]")
    distinct, starts = np.unique(months, return_index=True)
    ends = [*starts[1:].tolist(), len(months)]
    in_order = bool((months[1:] >= months[:-1]).all())
    for month, start, end in zip(distinct, starts.tolist(), ends, strict=True):
        # A slice copies nothing.
        yield str(month), table.slice(start, end - start) if in_order else table.filter(pa.array(months == month))
