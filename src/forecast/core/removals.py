"""Counts stored values that the record replacing theirs does not have.

Only replaced documents count. Records of the same batch are not stored yet, and are reported as conflicts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from forecast.core.parameters import MEASURED_NAMES

# The parameters that are present in stored observations, and the ids of the observations with exactly these.
Present = Iterable[tuple[Sequence[str], Sequence[str]]]
_MEASURED: Final = frozenset(MEASURED_NAMES)
# The number of pairs of station and parameter that a log line names.
_MAX_NAMED: Final = 5


class Removed(NamedTuple):
    """One removed value: its station and parameter, and the raw object of the record that replaced it."""

    station: str
    parameter: str
    source_uri: str


def removed_values(table: pa.Table, rows: Sequence[int], there: Present) -> dict[str, list[Removed]]:
    """The values that would be removed if these rows (RECORD_SCHEMA) replaced the stored documents, by document."""
    found: dict[str, list[Removed]] = {}
    part = table.take(pa.array(rows, pa.int64()))
    for names, ids in there:
        own = part.filter(pc.is_in(part["_id"], value_set=pa.array(ids, pa.string())))
        for name in _MEASURED.intersection(names):
            lacking = own.filter(own[name].is_null()) if own[name].null_count else own.slice(0, 0)
            entries = lacking.select(["_id", "station_id", "source_uri"]).to_pylist()
            for entry in entries:
                found.setdefault(entry["_id"], []).append(Removed(entry["station_id"], name, entry["source_uri"]))
    return found


def present_names(table: pa.Table) -> list[list[str]]:
    """The measured parameters of each row."""
    cells = [pc.if_else(table[name].is_valid(), name, pa.scalar(None, pa.string())) for name in MEASURED_NAMES]
    # With "skip", Arrow omits a row that only has nulls; the empty text keeps it.
    joined = pc.binary_join_element_wise("", *cells, " ", null_handling="skip")
    return [text.split() for text in joined.to_pylist()]


def removals_message(removed: Mapping[Removed, int]) -> str:
    """A log line about what was removed, the largest numbers first."""
    sums: Counter[str] = Counter()
    for one, number in removed.items():
        sums[f"{one.parameter} of {one.station}"] += number
    named = [f"{what} ({number:,})" for what, number in sorted(sums.items(), key=lambda item: (-item[1], item[0]))]
    more = [f"and {len(named) - _MAX_NAMED} more"] if len(named) > _MAX_NAMED else []
    return ", ".join([*named[:_MAX_NAMED], *more])
