"""Compares the dataset with its database, and logs what differs."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from forecast.core.clock import midnight
from forecast.core.dataset import DATASET_SCHEMA, flag_column
from forecast.core.parameters import PARAMETER_NAMES
from forecast.core.raw_objects import RawObject
from forecast.core.stations import Stations
from forecast.mongo.client import ObservationCollection
from forecast.mongo.observation_reader import read_observations
from forecast.mongo.qc_evaluation import days_held
from forecast.mongo.qc_queue import pending_dataset
from forecast.report.models.migration import DatasetComparison
from forecast.run.differences import differing_observations
from forecast.run.hourly_check import HoursCheck
from forecast.storage import Store
from forecast.zone.dataset import CURRENT, DayFile, day_file, part_of, read_table
from forecast.zone.identity import read_identity

LOGGER = logging.getLogger("forecast.run.dataset_check")
COMPARED: Final = (*PARAMETER_NAMES, *(flag_column(name) for name in PARAMETER_NAMES))


def compare_dataset(
    store: Store, collection: ObservationCollection, stations: Stations, folder: Path
) -> DatasetComparison:
    """Compare every value and every flag of the dataset, and the hours next to it, with the database's.

    Raises RetryableError if one of them is unreachable.
    """
    identity = read_identity(store, folder)
    if identity is None or identity.collection != collection.full_name:
        return DatasetComparison(is_of_database=False)
    pending = pending_dataset(collection, "").marks().keys()
    held = days_held(collection, {})
    checked = differing = 0
    for file, listed, names in _files(store, held):
        since, until = midnight(file.day), midnight(file.day + 1)
        later = [name for name, day in pending if day == file.day]
        ours = _without(read_observations(collection, sorted(names), since, until), later)
        theirs = _without(_content(listed, store, folder), later)
        for name in differing_observations(ours, theirs, COMPARED):
            LOGGER.error("observation %s in the dataset differs from the database", name)
            differing += 1
        checked += ours.num_rows
    hours = HoursCheck(store, collection, stations, folder).compare(held, pending)
    return DatasetComparison(True, checked, differing, len(pending), *hours)


def _content(listed: RawObject | None, store: Store, folder: Path) -> pa.Table:
    """The content of a file; empty if it is missing or incomplete."""
    if listed is not None:
        try:
            return read_table(listed, store, folder)
        except pa.ArrowException:
            LOGGER.error("%s is not a complete file of the dataset", listed.uri)  # noqa: TRY400  no traceback
    return DATASET_SCHEMA.empty_table()


def _files(store: Store, held: dict[str, set[int]]) -> Iterator[tuple[DayFile, RawObject | None, set[str]]]:
    """Every file that exists or should, with the stations in the database that belong in it."""
    there = {file: listed for listed in store.list(CURRENT) if (file := day_file(listed.key))}
    parts: defaultdict[int, int] = defaultdict(lambda: 1)
    for file in there:
        parts[file.day] = max(parts[file.day], file.parts)
    wanted: dict[DayFile, set[str]] = {file: set() for file in there}
    for name, days in held.items():
        for day in days:
            file = DayFile(day, part_of(name, parts[day]), parts[day])
            wanted.setdefault(file, set()).add(name)
    for file, names in sorted(wanted.items()):
        yield file, there.get(file), names


def _without(table: pa.Table, names: Collection[str]) -> pa.Table:
    if not names:
        return table
    left_out = pc.is_in(table["station_id"].cast(pa.string()), value_set=pa.array(names, pa.string()))
    return table.filter(pc.invert(left_out))
