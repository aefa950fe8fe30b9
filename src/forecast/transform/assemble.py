"""Assembles converted columns into observations, rejected rows, and the count of empty rows."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from forecast.core.admission import Mask, Violation
from forecast.core.parameters import PARAMETER_NAMES
from forecast.core.reading import ParameterReading, Unreadable
from forecast.core.schemas import (
    OBSERVATION_SCHEMA,
    REJECTED_SCHEMA,
    UTC_TIME,
    RawBatch,
    Transformed,
    concat,
    frame_of,
)
from forecast.transform.quarantine import Rejection, rejected_rows
from forecast.transform.values.clocks import DateTimes
from forecast.transform.values.columns import AMBIGUOUS, ParsedColumn, ParseIssue
from forecast.transform.values.wind_words import VARIABLE

# Leaves room in a 64-bit key for one more parameter with a million codes.
_LARGEST_KEY = 2**40
# Of several objects in one batch: the first row of each, and the end of the last.
Bounds = npt.NDArray[np.intp]


@dataclass(slots=True)
class BatchDraft:
    """A batch that is being transformed; every array has one entry per row.

    `time_issues` say how a time was read; a row that has nothing else is still empty. `source_codes` are the
    network's own quality codes (JSON, or null) for each parameter's values. `not_empty` marks rows that are not empty
    although none of their columns has anything. `group` is the layout's parameter group.
    """

    station_ids: pa.Array
    moments: DateTimes
    columns: Mapping[str, ParsedColumn]
    rejections: list[Rejection] = field(default_factory=list)
    lost: list[ParseIssue] = field(default_factory=list)
    time_issues: list[ParseIssue] = field(default_factory=list)
    postponed: Mask | None = None
    source_codes: Mapping[str, pa.Array] = field(default_factory=dict)
    not_empty: Mask | None = None
    group: str = ""


def assemble(batch: RawBatch, draft: BatchDraft) -> tuple[Transformed, pa.Table, Mask]:
    """The batch as canonical rows, and the rows that `draft.postponed` defers (without a time), with their mask."""
    size = len(batch.rows)
    cell_issues = [*draft.lost, *(issue for column in draft.columns.values() for issue in column.issues)]
    noted = np.zeros(size, dtype=bool)
    noted[[issue.row for issue in cell_issues]] = True
    empty = without_values(size, draft.columns) & ~noted
    if draft.not_empty is not None:
        empty &= ~draft.not_empty
    rejected = np.zeros(size, dtype=bool)
    records: list[dict[str, Any]] = []
    for rejection in [*draft.rejections, *_ambiguous_numbers(size, draft.columns)]:
        rows = np.flatnonzero(rejection.mask & ~empty & ~rejected)
        if len(rows):
            records += rejected_rows(batch, rows.tolist(), rejection)
            rejected[rows] = True
    table = observation_table(batch, draft, issues_column(size, [*draft.time_issues, *cell_issues]))
    postponed = np.zeros(size, dtype=bool) if draft.postponed is None else draft.postponed & ~empty & ~rejected
    kept = ~empty & ~rejected & ~postponed
    transformed = Transformed(
        observations=table if kept.all() else table.filter(pa.array(kept)),
        rejected=concat([batch.rejected, frame_of(records, REJECTED_SCHEMA)], REJECTED_SCHEMA),
        rows_read=size + len(batch.rejected) - int(postponed.sum()),
        rows_empty=int(empty.sum()),
        readings=_readings(draft, batch.origin["position"]),
        stations=frozenset(draft.station_ids.filter(pa.array(~rejected)).drop_null().unique().to_pylist()),
    )
    waiting = table.filter(pa.array(postponed)) if postponed.any() else OBSERVATION_SCHEMA.empty_table()
    return transformed, waiting, postponed


def _readings(draft: BatchDraft, positions: pd.Series) -> dict[str, ParameterReading]:
    """Counts of each parameter's cells; a cell that was lost in transfer counts as one that had something."""
    lost: defaultdict[str, list[ParseIssue]] = defaultdict(list)
    for issue in draft.lost:
        lost[issue.parameter].append(issue)
    nothing = {name: ParsedColumn(np.full(len(positions), np.nan)) for name in lost if name not in draft.columns}
    return {
        name: _reading(column, [*column.issues, *lost.get(name, ())], positions)
        for name, column in {**draft.columns, **nothing}.items()
    }


def _reading(column: ParsedColumn, issues: Iterable[ParseIssue], positions: pd.Series) -> ParameterReading:
    """Counts of a column's cells; a row counts once, however many columns of the parameter it has.

    A cell that says the wind is variable counts as read, like one that says calm: no direction was missed. Otherwise,
    a single report from a night could be an object whose wind direction cannot be read.
    """
    is_value = read_cells(column)
    values = int(np.count_nonzero(is_value))
    unread = {issue.row: issue for issue in issues if not is_value[issue.row] and issue.reason != VARIABLE}
    reading = ParameterReading(dict.fromkeys(column.sources), values + len(unread), values)
    for row, issue in unread.items():
        found = reading.reasons.get(issue.reason)
        if found is not None:
            found.count += 1
        else:
            reading.add_unreadable(issue.reason, Unreadable(1, issue.raw, str(positions.iloc[row])))
    return reading


def read_cells(column: ParsedColumn) -> Mask:
    """The rows that have a value from one of their own cells."""
    is_value: Mask = ~np.isnan(column.values)
    return is_value if column.inferred is None else is_value & ~column.inferred


def entry_rejections(faults: Iterable[Violation], field: str, cells: pa.Array | None) -> list[Rejection]:
    """Violations of the admission rules, as rejections for one raw field."""
    return [Rejection(fault.mask, fault.code, field, fault.reason, cells, fault.instants) for fault in faults]


def _ambiguous_numbers(size: int, columns: Mapping[str, ParsedColumn]) -> Iterator[Rejection]:
    """The rows with a number that can be read in two ways."""
    for parameter, column in columns.items():
        if found := column.ambiguous:
            mask = np.zeros(size, dtype=bool)
            mask[list(found)] = True
            cells = pa.array([found.get(row) for row in range(size)], pa.string())
            yield Rejection(mask, "ambiguous_number", parameter, AMBIGUOUS, cells)


def issues_column(size: int, issues: list[ParseIssue]) -> pa.Array:
    """The parse issues of each row as JSON; null if it has none."""
    if not issues:
        return pa.nulls(size, pa.string())
    by_row: dict[int, list[dict[str, str]]] = {}
    for issue in issues:
        by_row.setdefault(issue.row, []).append(
            {"parameter": issue.parameter, "raw": issue.raw, "reason": issue.reason}
        )
    texts = np.full(size, None, dtype=object)
    for row, entries in by_row.items():
        texts[row] = json.dumps(entries, ensure_ascii=False)
    return pa.array(texts, pa.string())


def source_flags(codes: Mapping[str, pa.Array], columns: Mapping[str, ParsedColumn], size: int) -> pa.Array:
    """The codes of each row's values as JSON, {parameter: code}; null if it has none."""
    names = [name for name in PARAMETER_NAMES if name in columns and name in codes]
    encoded = {id(cells): cells.dictionary_encode() for cells in codes.values() if cells.null_count < size}
    keys, which, bound = np.zeros(size, np.int64), {}, 1
    for name in names:
        if (found := encoded.get(id(codes[name]))) is None:
            continue
        numbers = found.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        which[name] = np.where(np.isnan(columns[name].values), -1, numbers)
        # Rows with the same codes get equal keys, because their text is the same.
        keys = keys * (len(found.dictionary) + 1) + which[name] + 1
        bound *= len(found.dictionary) + 1
        if bound > _LARGEST_KEY:
            keys, bound = np.unique(keys, return_inverse=True)[1], size
    if not which:
        return pa.nulls(size, pa.string())
    distinct, first, places = np.unique(keys, return_index=True, return_inverse=True)
    texts = np.full(len(distinct), None, dtype=object)
    for number, row in enumerate(first.tolist()):
        present = {
            name: encoded[id(codes[name])].dictionary[at] for name in which if (at := int(which[name][row])) >= 0
        }
        if present:
            texts[number] = "{" + ", ".join(f'"{name}": {code}' for name, code in present.items()) + "}"
    return pa.array(texts[places], pa.string())


def lost_on_the_way(changes: pd.Series, parameters_of: Callable[[str], Sequence[str]]) -> list[ParseIssue]:
    """The values that Airbyte nulled or truncated, from its own list; `parameters_of` maps a field to parameters."""
    issues = []
    cells = pa.array(changes)
    for row in np.flatnonzero(cells.is_valid()).tolist() if cells.null_count < len(cells) else ():
        for change in _changes_of(cells[row].as_py()):
            reason = f"lost on the way: {change.get('change')}, {change.get('reason')}"
            issues += [ParseIssue(row, parameter, "", reason) for parameter in parameters_of(str(change.get("field")))]
    return issues


def _changes_of(text: str) -> list[dict[str, Any]]:
    """Airbyte's list of changes, without malformed entries."""
    changes = json.loads(text)
    return [change for change in changes if isinstance(change, dict)] if isinstance(changes, list) else []


def without_values(size: int, columns: Mapping[str, ParsedColumn]) -> Mask:
    """The rows in which no column has a value."""
    empty = np.ones(size, dtype=bool)
    for column in columns.values():
        empty &= np.isnan(column.values)
    return empty


def observation_table(batch: RawBatch, draft: BatchDraft, issues: pa.Array) -> pa.Table:
    """All rows of the batch in OBSERVATION_SCHEMA, including those that will be rejected."""
    size = len(batch.rows)
    nothing = pa.nulls(size, pa.float64())
    columns: dict[str, Any] = {
        "station_id": draft.station_ids.cast(pa.string()),
        "timestamp": pa.array(draft.moments.astype("datetime64[ms]")).cast(UTC_TIME),
    }
    for name in PARAMETER_NAMES:
        converted = draft.columns.get(name)
        # + 0.0 makes -0.0 a zero: equal values have equal digests.
        columns[name] = nothing if converted is None else pa.array(converted.values + 0.0, from_pandas=True)
    columns["parse_issues"] = issues
    columns["source_flags"] = source_flags(draft.source_codes, draft.columns, size)
    columns["parameter_group"] = pa.repeat(pa.scalar(draft.group or None, pa.string()), size)
    columns["source_row"] = batch.origin["position"]
    for name in ("extracted_at", "generation_id", "sync_id"):
        columns[name] = batch.origin[name]
    return pa.table(columns, schema=OBSERVATION_SCHEMA)
