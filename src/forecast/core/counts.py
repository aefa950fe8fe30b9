"""Counts by raw object, station, parameter, check and rejection code.

Memory grows with the number of stations, parameters, checks and codes, never with the number of rows.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from forecast.core.parameters import PARAMETER_NAMES
from forecast.core.reading import RenamedParameter, UnknownColumns, UnreadParameter
from forecast.core.schemas import to_table
from forecast.core.stations import Stations

Outcome = Literal["loaded", "rejected", "failed", "interrupted"]
OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)
COUNTED = (
    "rows_read",
    "rows_empty",
    "records_extracted",
    "records_validated",
    "records_rejected",
    "inserted",
    "updated",
    "unchanged",
    "superseded",
    "values_removed",
    "records_withdrawn",
    "written_by_interrupted",
)
_TALLIED = ("timestamp", "completeness_score")
_AGGREGATES = [
    *((name, "count") for name in PARAMETER_NAMES),
    ("timestamp", "min"),
    ("timestamp", "max"),
    ("completeness_score", "sum"),
    ([], "count_all"),
]


class CountsError(AssertionError):
    """The counts contradict each other, which is a fault of the program, not of the data."""


@dataclass(slots=True)
class ObjectCounts:
    """One raw object: its outcome ("loaded", "rejected", "failed" or "interrupted") and what became of its rows.

    An object that is `known` was rejected by an earlier run, and was not tried again.
    `cells_not_stored` counts, by column, measurements for which there is no parameter. `rows_missing` are rows that its
    documents count, but do not have. `columns_missing` are parameters that its stations report and its layouts can
    hold, but for which it has no column. `records_not_delivered` are rejected records that contain an error or nothing
    at all instead of rows. `records_withdrawn` are records that only an earlier version of the object had, and that the
    processed zone no longer has. `written_by_interrupted` are documents that are unchanged because an interrupted load
    of the same object had already written them.
    """

    key: str
    uri: str
    outcome: Outcome
    rows_read: int = 0
    rows_empty: int = 0
    records_validated: int = 0
    records_rejected: int = 0
    records_not_delivered: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    superseded: int = 0
    values_removed: int = 0
    records_withdrawn: int = 0
    written_by_interrupted: int = 0
    error_code: str | None = None
    error: str | None = None
    unread_parameters: list[UnreadParameter] = field(default_factory=list)
    renamed_parameters: list[RenamedParameter] = field(default_factory=list)
    unknown_columns: UnknownColumns | None = None
    cells_not_stored: dict[str, int] = field(default_factory=dict)
    rows_missing: int = 0
    columns_missing: tuple[str, ...] = ()
    known: bool = False

    @property
    def records_extracted(self) -> int:
        """Rows that are not empty."""
        return self.rows_read - self.rows_empty

    @property
    def unread(self) -> Iterator[tuple[str, str, str]]:
        """What the station measures but the object lacks: code, parameter, and a message for people."""
        yield from (("unread_parameter", entry.parameter, entry.words) for entry in self.unread_parameters)
        yield from (("renamed_parameter", entry.parameter, entry.words) for entry in self.renamed_parameters)

    @property
    def remarks(self) -> int:
        """How much is reported about the object besides its records."""
        told = (self.unknown_columns is not None, self.rows_missing > 0, bool(self.columns_missing))
        return len(self.unread_parameters) + len(self.renamed_parameters) + sum(told)

    @property
    def records_written(self) -> int:
        """Records whose outcome in the database is known."""
        return self.inserted + self.updated + self.unchanged + self.superseded


def totals(objects: Iterable[ObjectCounts]) -> dict[str, int]:
    """Sum the counts of COUNTED over the objects."""
    sums = dict.fromkeys(COUNTED, 0)
    for counts in objects:
        for name in COUNTED:
            sums[name] += getattr(counts, name)
    return sums


def ratio(part: float, whole: float) -> float:
    """The quotient; 0 if the whole is 0."""
    return part / whole if whole else 0.0


def check_counts(objects: Iterable[ObjectCounts]) -> None:
    """Check that nothing was lost or counted twice (docs/reports.md).

    Raises CountsError naming the object and the sum that does not hold.
    """
    for counts in objects:
        for fault in _faults(counts):
            raise CountsError(f"{counts.key}: {fault}")


def _faults(counts: ObjectCounts) -> Iterator[str]:
    if counts.outcome not in OUTCOMES:
        yield f"outcome {counts.outcome!r} is none of {', '.join(OUTCOMES)}"
    for name in COUNTED:
        if getattr(counts, name) < 0:
            yield f"{name} is {getattr(counts, name)}"
    evaluated = counts.records_validated + counts.records_rejected
    if counts.records_extracted != evaluated:
        yield (
            f"{counts.rows_read} rows read - {counts.rows_empty} empty = {counts.records_extracted} records extracted, "
            f"but {counts.records_validated} validated + {counts.records_rejected} rejected = {evaluated}"
        )
    if counts.outcome == "loaded" and counts.records_validated != counts.records_written:
        yield (
            f"{counts.records_validated} records validated, but inserted, updated, unchanged and superseded are "
            f"{counts.records_written} together"
        )


@dataclass(slots=True)
class QcCounts:
    """Documents that were checked, documents that were rewritten, and values whose flag changed."""

    evaluated: int = 0
    rewritten: int = 0
    flags_changed: int = 0

    def add(self, other: QcCounts) -> None:
        """Add the counts of another range of days."""
        self.evaluated += other.evaluated
        self.rewritten += other.rewritten
        self.flags_changed += other.flags_changed


@dataclass(slots=True)
class StationTally:
    """The validated records of one station; `first` and `last` are in milliseconds since 1970."""

    observations: int = 0
    first: int | None = None
    last: int | None = None
    completeness_sum: float = 0.0

    def add(self, other: StationTally) -> None:
        """Add the counts of another tally of the same station."""
        self.observations += other.observations
        self.first = min((ms for ms in (self.first, other.first) if ms is not None), default=None)
        self.last = max((ms for ms in (self.last, other.last) if ms is not None), default=None)
        self.completeness_sum += other.completeness_sum


@dataclass(slots=True)
class QualityTally:
    """The counts for the quality report.

    `values`, `missing` and `unreadable` are by parameter, and `reasons` has rejected rows by code. `findings` counts
    the findings of the checks, once the flags are up to date.
    """

    stations: defaultdict[str, StationTally] = field(default_factory=lambda: defaultdict(StationTally))
    values: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)
    unreadable: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def observations(self) -> int:
        """Validated records."""
        return sum(station.observations for station in self.stations.values())

    @property
    def completeness_score(self) -> float:
        """The mean over all validated records, 0..1; 0 if there are none."""
        total = sum(station.completeness_sum for station in self.stations.values())
        return min(1.0, ratio(total, self.observations))

    def add_validated(self, records: pa.Table, stations: Stations) -> None:
        """Add records with the columns of VALIDATED_SCHEMA, and possibly others."""
        if not records.num_rows:
            return
        for row in _by_station(records):
            self._add_station(row, stations)
        for notes, count in _distinct_json(records["parse_issues"]):
            for note in notes:
                self.unreadable[note["parameter"]] += count

    def add_rejected(self, frame: pd.DataFrame) -> None:
        """Add a frame of REJECTED_SCHEMA."""
        if len(frame):
            for code, count in _distinct(to_table(frame[["code"]])["code"]):
                self.reasons[code or "unknown"] += count

    def merge(self, other: QualityTally) -> None:
        """Add the counts of another tally."""
        for station_id, station in other.stations.items():
            self.stations[station_id].add(station)
        for name in ("values", "missing", "unreadable", "reasons"):
            getattr(self, name).update(getattr(other, name))

    def _add_station(self, row: dict[str, Any], stations: Stations) -> None:
        station_id = row["station_id"]
        rows = row["count_all"]
        self.stations[station_id].add(
            StationTally(
                observations=rows,
                first=row["timestamp_min"],
                last=row["timestamp_max"],
                completeness_sum=row["completeness_score_sum"] or 0.0,
            )
        )
        for name in PARAMETER_NAMES:
            self.values[name] += row[f"{name}_count"]
        known = stations.get(station_id)
        for name in known.parameters if known else ():
            self.missing[name] += rows - row[f"{name}_count"]


def _by_station(table: pa.Table) -> list[dict[str, Any]]:
    # Whole numbers group several times faster than texts.
    stations = table["station_id"].combine_chunks().dictionary_encode()
    columns = {name: table[name] for name in (*PARAMETER_NAMES, *_TALLIED)}
    columns["timestamp"] = columns["timestamp"].cast(pa.int64())
    if len(stations.dictionary) == 1:
        return [_of_one_station(stations.dictionary[0].as_py(), columns, table.num_rows)]
    numbered = pa.table({"station": stations.indices, **columns})
    rows: list[dict[str, Any]] = numbered.group_by("station").aggregate(_AGGREGATES).to_pylist()
    names = stations.dictionary.to_pylist()
    return [row | {"station_id": names[row["station"]]} for row in rows]


def _of_one_station(station_id: str, columns: dict[str, pa.ChunkedArray], rows: int) -> dict[str, Any]:
    """The same for most raw objects: for a day of rows, a tenth of the time that grouping them takes."""
    bounds = pc.min_max(columns["timestamp"])
    return {
        "station_id": station_id,
        "count_all": rows,
        "timestamp_min": bounds["min"].as_py(),
        "timestamp_max": bounds["max"].as_py(),
        "completeness_score_sum": pc.sum(columns["completeness_score"]).as_py(),
        **{f"{name}_count": rows - columns[name].null_count for name in PARAMETER_NAMES},
    }


def _distinct(column: pa.ChunkedArray) -> Iterator[tuple[Any, int]]:
    counted = pc.value_counts(column)
    yield from zip(counted.field(0).to_pylist(), counted.field(1).to_pylist(), strict=True)


def _distinct_json(column: pa.ChunkedArray) -> Iterator[tuple[Any, int]]:
    """Each distinct JSON text, parsed once, with the number of rows that have it; nulls left out."""
    if column.null_count == len(column):
        return
    for text, count in _distinct(column.drop_null()):
        yield json.loads(text), count
