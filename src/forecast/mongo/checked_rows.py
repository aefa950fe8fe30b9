"""Observations that were just checked, in the dataset's schema, from the columns that the checks read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from forecast.core.dataset import DATASET_SCHEMA, flag_column
from forecast.core.parameters import PARAMETER_NAMES
from forecast.mongo.bson_decoder import Origins, StationColumns
from forecast.mongo.bson_layout import Distinct
from forecast.mongo.observation_reader import (
    SOURCE_NUMBERS,
    SOURCE_TEXTS,
    STATION_NUMBERS,
    STATION_TEXTS,
    dataset_table,
    is_unevaluated,
    shared_columns,
)
from forecast.networks.qc_version import qc_version
from forecast.qc.flags import FAIL, GOOD, MISSING, NOT_EVALUATED, SUSPECT, Flags, Floats
from forecast.qc.names import GUST, WIND_DIRECTION, WIND_SPEED
from forecast.qc.results import QcResults
from forecast.zone.dataset import by_station_and_time

_AMOUNT: Final = "precipitation_amount"


class DaySink(Protocol):
    """Receives the observations of days that were checked, while they are in memory."""

    def expect(self, days: Mapping[str, Set[int]]) -> None:
        """Called before these days, given by station, are checked."""
        ...

    def flags_change(self, station_days: Iterable[tuple[str, int]]) -> None:
        """Called before flags of these days are rewritten."""
        ...

    def take(self, days: Mapping[str, set[int]], observations: pa.Table) -> None:
        """The stored observations of some of the days, by station and time, in the columns that have values."""
        ...


class CheckedRows(NamedTuple):
    """Some documents, by station and time: the worst flag and rain amount of each, and the checks' results."""

    columns: StationColumns
    origins: Origins
    results: QcResults
    rows: npt.NDArray[np.intp]
    flag: npt.NDArray[np.int32]
    amount: Floats


def dataset_of(parts: Sequence[CheckedRows]) -> pa.Table:
    """The documents as the dataset has them, by station and time, in the columns of DATASET_SCHEMA that have values."""
    if not parts:
        return DATASET_SCHEMA.empty_table()
    origins = [part.origins.take(part.rows) for part in parts]
    stations = _distinct(np.concatenate([one.stations for one in origins]))
    sources = _distinct(np.concatenate([one.sources for one in origins]))
    every = np.arange(len(stations.of_row))
    rows = pa.concat_arrays([pa.array(one.source_rows, pa.binary()).cast(pa.string()) for one in origins])
    columns: dict[str, Any] = {
        **shared_columns(stations, every, STATION_TEXTS, STATION_NUMBERS),
        **shared_columns(sources, every, SOURCE_TEXTS, SOURCE_NUMBERS),
        "flag": np.concatenate([part.flag for part in parts]),
        "qc_version": np.full(len(every), qc_version()),
        "timestamp": np.concatenate([part.columns.times[part.rows] for part in parts]),
        "extracted_at": np.concatenate([one.extracted_at for one in origins]),
        "ingested_at": np.concatenate([one.ingested_at for one in origins]),
        "source_row": rows,
    }
    for name in PARAMETER_NAMES:
        values = np.concatenate([_values(name, part) for part in parts])
        if not np.isnan(values).all():
            columns[name] = values
            columns[flag_column(name)] = np.concatenate([_flags(name, part) for part in parts])
    observations = dataset_table(columns)
    return observations if len(parts) == 1 else by_station_and_time(observations)


def _distinct(documents: npt.NDArray[np.object_]) -> Distinct:
    """The same objects once each."""
    numbers = np.fromiter(map(id, documents), np.uint64, len(documents))
    _, first, of_row = np.unique(numbers, return_index=True, return_inverse=True)
    # In the order in which they come: the numbers are addresses in memory.
    order = np.argsort(first)
    return Distinct(documents[first[order]].tolist(), np.argsort(order)[of_row])


def _values(name: str, part: CheckedRows) -> Floats:
    if name == _AMOUNT:
        return part.amount
    values = part.columns.values.get(name)
    return np.full(len(part.rows), np.nan) if values is None else values[part.rows]


def _flags(name: str, part: CheckedRows) -> Flags:
    """A parameter's flags: an unflagged value is good, or not evaluated at calm or if its whole document is not."""
    values = part.columns.values.get(name)
    unflagged = np.where(part.flag == NOT_EVALUATED, np.uint8(NOT_EVALUATED), np.uint8(GOOD))
    if name == WIND_DIRECTION:
        calm = is_unevaluated(unflagged == GOOD, _values(WIND_SPEED, part), _values(GUST, part))
        unflagged = np.where(calm, np.uint8(NOT_EVALUATED), unflagged)
    present = ~np.isnan(_values(name, part))
    given = part.results.flags.get(name)
    if given is not None and values is not None:
        given = given[part.rows]
        unflagged = np.where((given == SUSPECT) | (given == FAIL), given, unflagged)
    return np.where(present, unflagged, np.uint8(MISSING))
