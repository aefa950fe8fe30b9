"""Finds the columns of a raw frame by name, however a source or Airbyte spells it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from copy import copy
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from forecast.core.admission import Mask, Violation
from forecast.core.clock import TICKS_PER_SECOND
from forecast.core.decimals import is_short, without_short_floats
from forecast.core.errors import ObjectRejectedError
from forecast.core.stations import Stations
from forecast.extract.fields import spelled
from forecast.transform.whole_numbers import texts_of, whole_numbers

# An object with more names than this has data as its names.
_MAX_MEMBERS = 100
# Networks' field names recur, so they are cached; longer names are not.
_USUAL_LENGTH = 64
_LINE_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)


def normalise_field(name: str) -> str:
    """One spelling of a name: "Precip. Rate." and Airbyte's "precip__rate_" are both "preciprate"."""
    text = str(name)
    return _of_usual_length(text) if len(text) <= _USUAL_LENGTH else _normalised(text)


@lru_cache(maxsize=4096)
def _of_usual_length(name: str) -> str:
    return _normalised(name)


def _normalised(name: str) -> str:
    return spelled(_LINE_BREAK.sub("", name))


class Columns:
    """Raw columns by normalised name. If several have the same name, each row uses the cell that is not empty.

    A name without any letters to normalise stays as it is, and columns without a name are never merged.

    Raises ObjectRejectedError if two columns with the same name differ in a row.
    """

    def __init__(self, rows: pd.DataFrame) -> None:
        self._arrays: dict[str, pa.Array] = {}
        self._names: dict[str, str] = {}
        for number, (label, column) in enumerate(rows.items()):
            name = str(label)
            cells = pa.array(column)
            cells = cells.combine_chunks() if isinstance(cells, pa.ChunkedArray) else cells
            cells = _as_object(cells) if pa.types.is_map(cells.type) else cells
            field = normalise_field(name) or name.strip() or f"{number} without a name"
            self._names.setdefault(field, name)
            self._arrays[field] = _one_of(self._arrays.get(field, cells), cells, self._names[field], name)

    def __contains__(self, field: str) -> bool:
        return field in self._arrays

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def part(self, start: int, size: int) -> Columns:
        """The same columns with only some of the rows."""
        part = copy(self)
        part._arrays = {field: cells.slice(start, size) for field, cells in self._arrays.items()}
        return part

    def name_of(self, field: str) -> str:
        """The source's name of a field that is a column."""
        return self._names[field]

    def beside(self, known: Collection[str]) -> Iterator[tuple[str, pa.Array]]:
        """The unknown columns, and the unknown members of known ones, by the source's own names.

        A member "foo" of "bar" is known as "barfoo".
        """
        for field, cells in self._arrays.items():
            if field not in known:
                yield self._names[field], cells
                continue
            members = cells.type if pa.types.is_struct(cells.type) else ()
            for index, member in enumerate(members):
                if normalise_field(f"{field}{member.name}") not in known:
                    yield f"{self._names[field]}.{member.name}", pc.struct_field(cells, [index])

    def get(self, field: str) -> pa.Array | None:
        """The cells of a field; None if it is not a column."""
        return self._arrays.get(field)

    def required(self, field: str) -> pa.Array:
        """The cells of a field that is known to be a column."""
        return self._arrays[field]

    def members(self, field: str) -> dict[str, pa.Array]:
        """The members of an object column, by normalised name."""
        cells = self._arrays[field]
        if not pa.types.is_struct(cells.type):
            return {}
        members: dict[str, pa.Array] = {}
        names: dict[str, str] = {}
        for index, member in enumerate(cells.type):
            own, name = pc.struct_field(cells, [index]), normalise_field(member.name)
            first = names.setdefault(name, member.name)
            spellings = (f"{self._names[field]}.{found}" for found in (first, member.name))
            members[name] = _one_of(members.get(name, own), own, *spellings)
        return members


def leaves(name: str, cells: pa.Array) -> Iterator[tuple[str, pa.Array]]:
    """The column itself; for objects, their members instead, each under the path of names that leads to it."""
    if not pa.types.is_struct(cells.type) or not cells.type.num_fields:
        yield name, cells
        return
    for index, member in enumerate(cells.type):
        yield from leaves(f"{name}.{member.name}", pc.struct_field(cells, [index]))


def _one_of(first: pa.Array, second: pa.Array, name: str, other: str) -> pa.Array:
    """Merge two columns of one field: a tool that changed its spelling fills one in old rows and the other in new rows.

    Raises ObjectRejectedError if a row has two different values.
    """
    if first is second or first.equals(second) or pa.types.is_null(second.type):
        return first
    if pa.types.is_null(first.type):
        return second
    if first.type != second.type and not pa.types.is_nested(first.type) and not pa.types.is_nested(second.type):
        first, second = first.cast(pa.string()), second.cast(pa.string())
    both = pc.and_(first.is_valid(), second.is_valid())
    if first.type == second.type and first.filter(both).equals(second.filter(both)):
        return pc.if_else(first.is_valid(), first, second)
    said = f"two columns are called {name!r}" if name == other else f"the columns {name!r} and {other!r} are one field"
    raise ObjectRejectedError("duplicate_column", f"{said} and their values differ; remove one")


def _as_object(cells: pa.MapArray) -> pa.Array:
    """A map with names as keys, converted to the object that it represents; any other map unchanged."""
    names = cells.keys.unique().to_pylist() if pa.types.is_string(cells.type.key_type) else []
    if not 0 < len(names) <= _MAX_MEMBERS:
        return cells
    members = [pc.map_lookup(cells, name, "first") for name in names]
    return pa.StructArray.from_arrays(members, names=names, mask=cells.is_null())


def check_types(columns: Columns, metadata: object, fields: Iterable[str]) -> None:
    """Compare the types that a file declares (its Arrow schema as `metadata`) with those that measured values can have.

    Raises ObjectRejectedError if a column of one of the fields can hold neither numbers nor texts.
    """
    for field in fields if isinstance(metadata, pa.Schema) else ():
        cells = columns.get(field)
        if cells is not None and not _can_hold_numbers(cells.type):
            declared = f"the file declares {field!r} as {cells.type}"
            raise ObjectRejectedError("changed_type", f"{declared}, but a measured value is a number or a string")


def _can_hold_numbers(kind: pa.DataType) -> bool:
    tests = (
        pa.types.is_null,
        pa.types.is_integer,
        pa.types.is_floating,
        pa.types.is_decimal,
        pa.types.is_string,
        pa.types.is_large_string,
    )
    return any(test(kind) for test in tests) or (pa.types.is_dictionary(kind) and _can_hold_numbers(kind.value_type))


class StationNames(NamedTuple):
    """The fields in which a row may name its station, in order, and the prefix of the network's ids.

    `digits` is the number of digits of ids that are numbers, including leading zeros. Without it, ids are text.
    """

    fields: Sequence[str]
    prefix: str
    digits: int = 0

    def ids(self, cells: pa.Array) -> pa.Array:
        """The ids of the registry that these cells name."""
        ids = station_ids(cells)
        if self.digits:
            ids = whole_numbers(ids)
            ids = pc.if_else(pc.utf8_is_digit(ids), pc.utf8_lpad(ids, self.digits, "0"), ids)
        if not self.prefix:
            return ids
        prefixed = pc.binary_join_element_wise(self.prefix, ids, "")
        return pc.if_else(pc.starts_with(ids, self.prefix), ids, prefixed)


def named_stations(columns: Columns, names: StationNames, size: int) -> pa.Array:
    """The stations that the rows name in any of the fields; null if a row names none."""
    found = [names.ids(cells) for field in names.fields if (cells := columns.get(field)) is not None]
    return pc.coalesce(*found) if found else pa.nulls(size, pa.string())


def has_station(columns: Columns, names: StationNames, size: int) -> Mask:
    """The rows with anything in a field that names stations, even if it cannot be an id."""
    found = np.zeros(size, dtype=bool)
    for field in names.fields:
        if (cells := columns.get(field)) is not None:
            found |= np.asarray((cells if _is_no_id(cells.type) else station_ids(cells)).is_valid())
    return found


def contradicting_stations(columns: Columns, names: StationNames, stations: Stations, size: int) -> Violation:
    """Rows in which two fields name different stations of the registry; any other text may just be a station's name."""
    named = [cells for field in names.fields if (cells := columns.get(field)) is not None]
    known = pa.array([station.id for station in stations], pa.string())
    first, differ = pa.nulls(size, pa.string()), np.zeros(size, dtype=bool)
    for cells in named if len(named) > 1 else ():
        ids = names.ids(cells)
        ids = pc.if_else(pc.is_in(ids, value_set=known), ids, pa.scalar(None, pa.string()))
        differ |= np.asarray(pc.fill_null(pc.not_equal(first, ids), fill_value=False))
        first = pc.coalesce(first, ids)
    return Violation(differ, "contradicting_stations", "two fields of the row name different stations")


def station_ids(cells: pa.Array) -> pa.Array:
    """Station ids as text, without surrounding blanks; null if missing or impossible as an id."""
    if _is_no_id(cells.type):
        return pa.nulls(len(cells), pa.string())
    return texts_of(cells)


def _is_no_id(kind: pa.DataType) -> bool:
    return bool(pa.types.is_nested(kind) or pa.types.is_boolean(kind))


def python_cells(cells: pa.Array) -> list[Any]:
    """Cells as Python values for JSON, with times as text, including those that Python's datetime cannot represent."""
    if isinstance(cells, pa.ChunkedArray):
        cells = cells.combine_chunks()
    kind = cells.type
    if pa.types.is_struct(kind):
        members = {field.name: python_cells(pc.struct_field(cells, [index])) for index, field in enumerate(kind)}
        rows = zip(*members.values(), strict=True) if members else [()] * len(cells)
        return [
            dict(zip(members, row, strict=True)) if is_valid else None
            for row, is_valid in zip(rows, cells.is_valid().to_pylist(), strict=True)
        ]
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return [python_cells(cell.values) if cell.is_valid else None for cell in cells]
    if pa.types.is_timestamp(kind):
        texts = cells.cast(pa.timestamp(kind.unit)).cast(pa.string())
        cells = pc.binary_join_element_wise(texts, "Z", "") if kind.tz else texts
    elif pa.types.is_date(kind) or pa.types.is_time(kind):
        cells = cells.cast(pa.string())
    elif pa.types.is_duration(kind):
        return [
            None if count is None else _duration_text(count, kind.unit) for count in cells.cast(pa.int64()).to_pylist()
        ]
    elif is_short(kind):
        cells = without_short_floats(cells)
    return list(cells.to_pylist())


def _duration_text(count: int, unit: str) -> str:
    """A duration as hours, minutes and seconds, written like a time of day."""
    seconds, rest = divmod(abs(count), TICKS_PER_SECOND[unit])
    fraction = f".{rest:0{len(str(TICKS_PER_SECOND[unit])) - 1}}" if rest else ""
    sign = "-" if count < 0 else ""
    return f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{fraction}"
