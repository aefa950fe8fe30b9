"""Observations from the database, in the dataset's schema (DATASET_SCHEMA)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import accumulate
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from forecast.core.dataset import DATASET_SCHEMA, flag_column
from forecast.core.parameters import PARAMETER_NAMES
from forecast.core.schemas import UTC_TIME
from forecast.mongo.bson_decoder import ORIGIN
from forecast.mongo.bson_layout import Alike, Distinct, alike_documents
from forecast.mongo.client import ObservationCollection, mongo_errors
from forecast.qc.checks.direction_at_calm import is_calm
from forecast.qc.flags import GOOD, MISSING, NOT_EVALUATED, Floats, Mask
from forecast.qc.names import GUST, WIND_DIRECTION, WIND_SPEED

# The fields that are read. They include `checks` of flags, because a projection cannot exclude keys of unknown parents.
_PROJECTION: Final = {
    "_id": 0,
    "station.id": 1,
    "timestamp": 1,
    "measurements": 1,
    "data_quality.flag": 1,
    "data_quality.flags": 1,
    "data_quality.qc_version": 1,
    **ORIGIN,
}
_BATCH: Final = 5_000
Document = Mapping[str, Any]
# The fields that documents of one station share, and those from one raw object, by column.
STATION_TEXTS: Final[dict[str, Callable[[Document], str | None]]] = {
    "station_id": lambda document: document["station"]["id"],
    "station_name": lambda document: document["station"].get("name"),
    "station_network": lambda document: document["station"].get("network"),
}
STATION_NUMBERS: Final[dict[str, Callable[[Document], float]]] = {
    "longitude": lambda document: document["station"]["location"]["coordinates"][0],
    "latitude": lambda document: document["station"]["location"]["coordinates"][1],
    "elevation": lambda document: document["station"]["elevation"],
}
SOURCE_TEXTS: Final[dict[str, Callable[[Document], str | None]]] = {
    "source_uri": lambda document: document["metadata"]["source_uri"],
    "run_id": lambda document: document["metadata"]["run_id"],
    "pipeline_version": lambda document: document["metadata"]["pipeline_version"],
}
SOURCE_NUMBERS: Final[dict[str, Callable[[Document], float]]] = {
    "completeness_score": lambda document: document["data_quality"]["completeness_score"],
}
# Those that documents with the same layout share.
_QUALITY_NUMBERS: Final[dict[str, Callable[[Document], float]]] = {
    "flag": lambda document: document["data_quality"]["flag"],
    "qc_version": lambda document: document["data_quality"]["qc_version"],
}
_TIMES: Final = {
    "timestamp": "timestamp",
    "extracted_at": "metadata.extracted_at",
    "ingested_at": "metadata.ingested_at",
}


def read_observations(
    collection: ObservationCollection,
    stations: Sequence[str] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> pa.Table:
    """The observations (DATASET_SCHEMA) of these stations, or of all, from `since` to before `until` (UTC).

    They are sorted by station and time. Raises RetryableError if the database is unreachable.
    """
    bounds = {"$gte": since, "$lt": until}
    query: dict[str, Any] = {}
    if given := {name: bound for name, bound in bounds.items() if bound is not None}:
        query["timestamp"] = given
    if stations is not None:
        query["station.id"] = {"$in": list(stations)}
    hint = "time" if stations is None and given else "station_time"
    with mongo_errors("reading observations"):
        batches: Any = collection.find_raw_batches(query, _PROJECTION, hint=hint, batch_size=_BATCH)
        return to_dataset(batches)


def to_dataset(batches: Iterable[bytes]) -> pa.Table:
    """Raw batches of documents, in any order, as observations (DATASET_SCHEMA) by station and time."""
    groups = [alike for batch in batches for alike in alike_documents(batch)]
    sizes = [len(group.matrix) for group in groups]
    stations = _together([group.by_station() for group in groups])
    rows = _order(groups, stations)
    layouts = Distinct([group.first for group in groups], np.repeat(np.arange(len(groups)), sizes))
    columns: dict[str, Any] = {
        **shared_columns(stations, rows, STATION_TEXTS, STATION_NUMBERS),
        **shared_columns(_together([group.by_source() for group in groups]), rows, SOURCE_TEXTS, SOURCE_NUMBERS),
        **shared_columns(layouts, rows, {}, _QUALITY_NUMBERS),
        **{name: _times(groups, path)[rows] for name, path in _TIMES.items()},
        "source_row": _places(groups).take(rows),
        **_measured(groups, sizes, rows),
    }
    return dataset_table(columns)


def dataset_table(columns: Mapping[str, Any]) -> pa.Table:
    """Arrays (numbers with NaN, times in ms) as a table, with the columns that are in DATASET_SCHEMA."""
    schema = pa.schema([field for field in DATASET_SCHEMA if field.name in columns], DATASET_SCHEMA.metadata)
    return pa.table([_array(columns[field.name], field.type) for field in schema], schema=schema)


def _array(column: Any, kind: pa.DataType) -> pa.Array:
    if isinstance(column, pa.Array):
        return column.cast(kind)
    if kind == UTC_TIME:
        return pa.array(column).cast(kind)
    if pa.types.is_floating(kind):
        return pa.array(column, kind, from_pandas=True)
    return pa.array(column.astype(kind.to_pandas_dtype()), kind)


def is_unevaluated(unflagged: Mask, speed: Floats, gust: Floats) -> Mask:
    """Which unflagged wind directions were not evaluated: those at calm. Documents only list flags 3 and 4."""
    return unflagged & is_calm(speed, gust)


def _together(parts: Sequence[Distinct]) -> Distinct:
    """The documents of all groups, and their rows one after another."""
    begins = accumulate((len(part.documents) for part in parts), initial=0)
    of_row = [part.of_row + begin for begin, part in zip(begins, parts, strict=False)]
    documents = [one for part in parts for one in part.documents]
    return Distinct(documents, np.concatenate([np.zeros(0, np.intp), *of_row]))


def _order(groups: Sequence[Alike], stations: Distinct) -> npt.NDArray[np.intp]:
    """The order of the rows by station and time."""
    ids = [one["station"]["id"] for one in stations.documents]
    number = {name: at for at, name in enumerate(sorted(set(ids)))}
    numbers = np.array([number[name] for name in ids], np.int64)
    return np.lexsort((_times(groups, "timestamp"), numbers[stations.of_row]))


def _times(groups: Sequence[Alike], path: str) -> npt.NDArray[np.int64]:
    return np.concatenate([np.zeros(0, np.int64), *(group.numbers(path, "<i8") for group in groups)])


def _places(groups: Sequence[Alike]) -> pa.Array:
    parts = [pa.array(group.texts("metadata.source_row"), pa.binary()).cast(pa.string()) for group in groups]
    return pa.concat_arrays([pa.array([], pa.string()), *parts])


def shared_columns(
    shared: Distinct,
    rows: npt.NDArray[np.intp],
    texts: Mapping[str, Callable[[Document], str | None]],
    numbers: Mapping[str, Callable[[Document], float]],
) -> dict[str, Any]:
    """Columns of fields that documents share, for some rows: texts as dictionary arrays."""
    places = shared.of_row[rows]
    return {
        **{name: _texts_of(shared.documents, of, places) for name, of in texts.items()},
        **{name: np.array([float(of(one)) for one in shared.documents])[places] for name, of in numbers.items()},
    }


def _texts_of(
    documents: Sequence[Document], of: Callable[[Document], str | None], places: npt.NDArray[np.intp]
) -> pa.Array:
    encoded = pa.array([of(one) for one in documents], pa.string()).dictionary_encode()
    return pa.DictionaryArray.from_arrays(encoded.indices.take(pa.array(places)), encoded.dictionary)


def _measured(groups: Sequence[Alike], sizes: Sequence[int], rows: npt.NDArray[np.intp]) -> dict[str, npt.NDArray[Any]]:
    """Values (NaN where missing) and flags by column."""
    total = sum(sizes)
    values = {name: np.full(total, np.nan) for name in PARAMETER_NAMES}
    flags = {name: np.full(total, MISSING, np.int8) for name in PARAMETER_NAMES}
    for start, group in zip(accumulate(sizes, initial=0), groups, strict=False):
        within = slice(start, start + len(group.matrix))
        quality = group.first["data_quality"]
        unflagged = NOT_EVALUATED if quality["flag"] == NOT_EVALUATED else GOOD
        for name, column in group.measurements():
            values[name][within] = column
            flags[name][within] = quality["flags"].get(name, {}).get("flag", unflagged)
    directions = flags[WIND_DIRECTION]
    directions[is_unevaluated(directions == GOOD, values[WIND_SPEED], values[GUST])] = NOT_EVALUATED
    return {
        **{name: column[rows] for name, column in values.items()},
        **{flag_column(name): column[rows] for name, column in flags.items()},
    }
