"""Publishes files of the dataset, several at a time: each waits for the disk, or for S3."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from forecast.core.dataset import KEYS
from forecast.storage import Store

# The tables of so many files are in memory besides the next one.
_AT_ONCE: Final = 4
# Rows of one station are consecutive; a row group for some stations lets
# readers skip the others.
_ROWS_A_GROUP: Final = 32_768
# Tables up to here are not compressed.
_FEW_ROWS: Final = 2_500


@dataclass(frozen=True, slots=True)
class Publisher:
    """Publishes tables as objects of a store, each completely or not at all, in any order."""

    store: Store
    _threads: ThreadPoolExecutor
    _running: deque[Future[None]] = field(default_factory=deque)

    def publish(self, table: pa.Table, key: str) -> None:
        """Begin to publish a table; raises what went wrong with an earlier one."""
        self._wait_for_all_but(_AT_ONCE - 1)
        self._running.append(self._threads.submit(publish_table, table, key, self.store))

    def finish(self) -> None:
        """Wait until all are published. Do this before reading what was published here."""
        self._wait_for_all_but(0)

    def _wait_for_all_but(self, number: int) -> None:
        while len(self._running) > number:
            self._running.popleft().result()


@contextmanager
def publishing(store: Store) -> Iterator[Publisher]:
    """A publisher. At the end, everything is published; after an error, nothing is being published any more."""
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="publish") as threads:
        publisher = Publisher(store, threads)
        yield publisher
        publisher.finish()


def publish_table(table: pa.Table, key: str, store: Store) -> None:
    """Publish a table as an object of the processed zone, completely or not at all."""
    # The writer makes hundreds of small writes.
    written = pa.BufferOutputStream()
    # Statistics are omitted, because no reader skips a day's file by bounds of values.
    pq.write_table(
        table, written, compression=_packed(table), write_statistics=list(KEYS), row_group_size=_ROWS_A_GROUP
    )
    store.publish(memoryview(written.getvalue()), key)


def _packed(table: pa.Table) -> str | dict[str, str]:
    """The compression of a table, or of each of its columns.

    A file has about a hundred columns. Those of flags, and those without values, have some bytes each; compressing them
    took a quarter of the time. Compressing the others took a sixth for the days of two stations, and saved a tenth of
    the size.
    """
    if table.num_rows <= _FEW_ROWS:
        return "none"
    return {name: "zstd" if _holds_much(table[name]) else "none" for name in table.column_names}


def _holds_much(column: pa.ChunkedArray) -> bool:
    return not pa.types.is_integer(column.type) and column.null_count < len(column)
