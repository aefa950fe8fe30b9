"""Records that leave the processed zone because a new version of their raw object no longer has them.

The database keeps them, because it never deletes anything, so they are counted. If the new version has no values at
all, the earlier one stays.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from forecast.qc.flags import MISSING
from forecast.storage import Store
from forecast.zone.writer import OBSERVATIONS, ZoneFile

LOGGER = logging.getLogger("forecast.zone.withdrawal")


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """The files to remove, those to keep, and the number of observations with values that leave the zone."""

    removed: Sequence[str] = ()
    kept: Sequence[str] = ()
    records: int = 0


def withdrawal(outdated: Sequence[str], files: Iterable[ZoneFile], store: Store, folder: Path) -> Withdrawal:
    """What becomes of the files of an earlier version (`outdated`), given those of the new one; `folder` is for copies.

    It works month by month, like the zone's partitions, and holds the ids of one month's observations in memory.
    """
    earlier = [key for key in outdated if key.startswith(OBSERVATIONS)]
    if not earlier:
        return Withdrawal(removed=outdated)
    new = [file for file in files if file.key.startswith(OBSERVATIONS)]
    if not any(len(_observations(file.path)) for file in new):
        return Withdrawal(kept=outdated)
    records = 0
    for month in sorted({_folder(key) for key in earlier}):
        known = [_observations(file.path) for file in new if _folder(file.key) == month]
        before = [_published(key, store, folder) for key in earlier if _folder(key) == month]
        gone = pa.chunked_array(before, pa.string()).unique()
        lacking = pc.invert(pc.is_in(gone, value_set=pa.chunked_array(known, pa.string()).combine_chunks()))
        records += pc.sum(lacking).as_py() or 0
    return Withdrawal(removed=outdated, records=records)


def _folder(key: str) -> str:
    return key.rpartition("/")[0]


def _published(key: str, store: Store, folder: Path) -> pa.Array:
    """The observations of a file of the zone; none if a run that was killed has already removed it."""
    listed = store.find(key)
    if listed is None:
        return pa.array([], pa.string())
    copy = folder / "earlier.parquet"
    store.fetch(listed, copy)
    try:
        return _observations(copy)
    except pa.ArrowException:
        LOGGER.warning("%s is not a complete file of records; what it holds is not counted", listed.uri)
        return pa.array([], pa.string())
    finally:
        copy.unlink()


def _observations(path: Path) -> pa.Array:
    """The ids of the observations in a file that have a value."""
    table = pq.read_table(path, columns=["_id", "flag"])
    return table["_id"].filter(pc.not_equal(table["flag"], MISSING)).combine_chunks()
