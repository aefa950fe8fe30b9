"""Writes the flags that differ from those in the database, each only if its document is still as it was read."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from forecast.core.clock import iso_time, iso_time_of
from forecast.core.digests import HASH_LENGTH, Hashes
from forecast.core.errors import ForecastError, SettingError
from forecast.core.stations import Station
from forecast.mongo.bson_decoder import StationColumns
from forecast.mongo.client import ObservationCollection, foreign_index, mongo_errors, refusal, validation_failed
from forecast.networks.qc_version import qc_version
from forecast.qc.flags import Floats
from forecast.qc.results import QcResults, Quality

# Up to four batches are in memory, as objects and as BSON; where all values are flagged, 2 500 rows are 10 MB.
_BATCH: Final = 600
_WRITERS: Final = 2
_AMOUNT: Final = "measurements.precipitation_amount"


class _Flag(msgspec.Struct):
    """The part of a parameter's entry that counts as a change; which checks gave the flag does not."""

    flag: int


_FLAGS: Final = msgspec.json.Decoder(dict[str, _Flag])


class OutdatedFlags(NamedTuple):
    """The rows whose flags are outdated, and the QC hashes of the flags that replace theirs.

    The flags themselves are made again when they are written: where all values are flagged, they take 400 bytes a row
    as text. `evaluated` are all rows that were evaluated, with the worst flag and rain amount of each.
    """

    rows: npt.NDArray[np.intp]
    hashes: Hashes
    evaluated: npt.NDArray[np.intp]
    flag: npt.NDArray[np.int32]
    amount: Floats

    @classmethod
    def joined(cls, parts: Sequence[OutdatedFlags]) -> OutdatedFlags:
        """Those of several groups of rows, one after another."""
        return cls(*map(np.concatenate, zip(*parts, strict=True)))


def flag_updates(
    results: QcResults, stored: StationColumns, differing: OutdatedFlags, changed: dict[str, int], *, by_name: bool
) -> Iterator[list[UpdateOne]]:
    """The writes of outdated flags, in batches; each is conditional on the document being as it was read.

    `results` and `stored` have the same rows. `changed` gets the number of values with a different flag, by document,
    so that a second attempt does not count twice. Documents are found by `_id`, which is fast, or by station and time
    if somebody has renamed them by hand.
    """
    series = results.series
    for at in range(0, len(differing.rows), _BATCH):
        updates = []
        rows, hashes = differing.rows[at : at + _BATCH], differing.hashes[at : at + _BATCH]
        quality = results.quality(rows)
        for number, (row, text) in enumerate(zip(rows.tolist(), quality.flags.to_pylist(), strict=True)):
            station = series.stations[series.of_row[row]]
            name = document_id(station, stored.times[row])
            changed[name] = _changed_flags(stored.flags[row], text)
            digest = stored.digests[row].decode()
            change = _change(quality, number, text, digest[:HASH_LENGTH] + hashes[number].decode())
            moment = datetime.fromtimestamp(int(stored.times[row]) / 1000, UTC)
            only = {"_id": name} if by_name else {"station.id": station.id, "timestamp": moment}
            updates.append(UpdateOne({**only, "metadata.digest": digest}, change))
        yield updates


def rewrite_all(batches: Iterable[list[UpdateOne]], collection: ObservationCollection) -> int:
    """Write batches, one while the next is prepared; return how many documents were still as they were read."""
    written = 0
    waiting: deque[Future[int]] = deque()
    with ThreadPoolExecutor(_WRITERS, thread_name_prefix="flags") as writers:
        for updates in batches:
            waiting.append(writers.submit(rewrite, updates, collection))
            if len(waiting) > _WRITERS:
                written += waiting.popleft().result()
        return written + sum(one.result() for one in waiting)


def rewrite(updates: list[UpdateOne], collection: ObservationCollection) -> int:
    """Write one batch; return how many documents were still as they were read."""
    with mongo_errors("writing flags"):
        try:
            return collection.bulk_write(updates, ordered=False).matched_count
        except BulkWriteError as error:
            raise _refused(error) from error


def _refused(error: BulkWriteError) -> ForecastError:
    first: dict[str, Any] = next(iter([*error.details["writeErrors"], *error.details["writeConcernErrors"]]), {})
    if validation_failed(first):
        wanted = first["op"]["q"]
        which = wanted.get("_id") or f"of {wanted['station.id']} at {iso_time(wanted['timestamp'])}"
        return SettingError(
            f"the database's validator rejects the flags of document {which}, which was not written by this "
            "pipeline (src/config/mongodb_schema.json); fix or remove it"
        )
    if foreign := foreign_index(first):
        return SettingError(
            f"a unique index that is not the pipeline's, {foreign}, refuses a change of flags; drop the index, or set "
            "MONGODB_COLLECTION to another collection"
        )
    return refusal(first.get("code"), "writing flags")


def _change(quality: Quality, row: int, text: str | None, digest: str) -> dict[str, Any]:
    amount = float(quality.amount[row])
    change: dict[str, Any] = {
        "$set": {
            "data_quality.flag": int(quality.flag[row]),
            "data_quality.flags": msgspec.json.decode(text or "{}"),
            "data_quality.anomalies_detected": int(quality.anomalies[row]),
            "data_quality.qc_version": qc_version(),
            "metadata.digest": digest,
        }
    }
    if np.isnan(amount):
        change["$unset"] = {_AMOUNT: ""}
    else:
        change["$set"][_AMOUNT] = amount
    return change


def _changed_flags(before: str | None, after: str | None) -> int:
    """How many values have a different flag than before."""
    if before == after:
        return 0
    old, new = (_FLAGS.decode(text or "{}") for text in (before, after))
    gone = sum(name not in new for name in old)
    return gone + sum(old.get(name) != flag for name, flag in new.items())


def document_id(station: Station, time: np.int64) -> str:
    """The `_id` of the observation of a station at a time (milliseconds since 1970)."""
    return f"{station.id}@{iso_time_of(int(time))}"
