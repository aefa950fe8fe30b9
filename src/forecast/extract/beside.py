"""Fields next to the payload of a record that belong to its row, above all the station."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from forecast.extract.fields import STATION_FIELDS, spelled
from forecast.extract.json.lines import rejected_record

CONTRADICTION: Final = "contradicting_stations"
_SUFFIX: Final = " (next to the payload)"


class Merged(NamedTuple):
    """Rows with the fields next to them, which rows are kept, and the others as rejected records."""

    rows: pa.Table
    kept: npt.NDArray[np.intp]
    rejected: list[dict[str, Any]]


def with_beside(rows: pa.Table, beside: pa.Table, places: pa.ChunkedArray) -> Merged:
    """The fields of the payload, filled up with those next to it.

    A field with different values in and next to the payload is kept as two fields; if it names the station, the
    row is rejected. `rows` may have no columns; its length is then that of `places`.
    """
    rejected: list[dict[str, Any]] = []
    kept = np.arange(len(places))
    outside = _station(beside)
    inside = _station(rows)
    if inside is not None and outside is not None:
        differ = np.asarray(pc.fill_null(pc.not_equal(inside[1], outside[1]), fill_value=False))
        rejected = [_contradiction(rows, places, inside, outside, index) for index in np.flatnonzero(differ).tolist()]
        if rejected:
            kept = np.flatnonzero(~differ)
            rows, beside = rows.take(kept), beside.take(kept)
    for index, name in enumerate(beside.column_names):
        cells = beside.column(index)
        if cells.null_count < len(cells):
            rows = _put(rows, name, cells)
    return Merged(rows, kept, rejected)


def _put(rows: pa.Table, name: str, cells: pa.ChunkedArray) -> pa.Table:
    """Add a column, or fill the gaps of an existing one."""
    wanted = STATION_FIELDS if spelled(name) in STATION_FIELDS else {spelled(name)}
    twin = next((index for index, own in enumerate(rows.column_names) if spelled(own) in wanted), None)
    if not rows.column_names:
        return pa.table({name: cells})
    if twin is None:
        return rows.append_column(name, cells)
    own = rows.column(twin)
    if own.type != cells.type and own.null_count < len(own):
        own, cells = _as_text(own), _as_text(cells)
    both = own.null_count < len(own)
    filled = pc.coalesce(own, cells) if both and not pa.types.is_nested(own.type) else own if both else cells
    differ = _differ(own, cells) if both else np.zeros(len(cells), dtype=bool)
    if own.null_count:
        rows = rows.set_column(twin, rows.column_names[twin], filled)
    if differ.any():
        rows = rows.append_column(name + _SUFFIX, pc.if_else(pa.array(differ), cells, pa.scalar(None, cells.type)))
    return rows


def _differ(own: pa.ChunkedArray, cells: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    if pa.types.is_nested(own.type):
        return np.array([mine != other for mine, other in zip(own.to_pylist(), cells.to_pylist(), strict=True)])
    return np.asarray(pc.fill_null(pc.not_equal(own, cells), fill_value=False))


def _station(fields: pa.Table) -> tuple[str, pa.ChunkedArray] | None:
    """The name of a field that names stations, and, row by row, the station from all such fields."""
    found = [
        index
        for index, name in enumerate(fields.column_names)
        if spelled(name) in STATION_FIELDS and not pa.types.is_nested(fields.column(index).type)
    ]
    if not found:
        return None
    texts = [pc.utf8_trim_whitespace(_as_text(fields.column(index))) for index in found]
    empty = pa.scalar(None, pa.string())
    return fields.column_names[found[0]], pc.coalesce(*[pc.if_else(pc.equal(text, ""), empty, text) for text in texts])


def _as_text(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Cells as text; nested ones as JSON."""
    try:
        return cells.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        texts = [None if cell is None else json.dumps(cell, default=str) for cell in _python(cells)]
        return pa.chunked_array([pa.array(texts, pa.string())])


def _python(cells: pa.ChunkedArray) -> Sequence[Any]:
    """Cells as Python values; bytes that are not text as Python prints them."""
    return [cell.decode("utf-8", "backslashreplace") if isinstance(cell, bytes) else cell for cell in cells.to_pylist()]


def _contradiction(
    rows: pa.Table,
    places: pa.ChunkedArray,
    inside: tuple[str, pa.ChunkedArray],
    outside: tuple[str, pa.ChunkedArray],
    index: int,
) -> dict[str, Any]:
    own, other = inside[1][index].as_py(), outside[1][index].as_py()
    reason = f"the payload names the station {own[:40]!r}, and {other[:40]!r} is next to it"
    row = rows.slice(index, 1).to_pylist()[0] | {f"{outside[0]}{_SUFFIX}": other}
    record = rejected_record(places[index].as_py(), reason, row)
    return record | {"code": CONTRADICTION, "field": outside[0], "value": other}
