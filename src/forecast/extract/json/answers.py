"""API responses without rows: an error, a container that is null or missing, or rows that Airbyte lost."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecast.core.admission import Mask
from forecast.core.errors import ObjectRejectedError
from forecast.extract.json.lines import rejected_record

LOST: Final = "record_lost_on_the_way"
SOURCE_ERROR: Final = "source_error"
NO_ROWS: Final = "no_rows"
# A record of which nothing is left, or an error instead of data: something was not delivered, so the run does
# not end with exit code 0, however few there are.
NOT_DELIVERED: Final = frozenset({LOST, SOURCE_ERROR})
_ERRORS: Final = ("errors", "error")
_CODES: Final = ("statusCode", "status_code")
# The fields that known networks put around rows, or send if there are none.
AROUND_ROWS: Final = frozenset(
    {*_ERRORS, *_CODES, "status", "reason", "message", "success", "metadata", "stations", "data"}
)
_NO_ERRORS: Final = frozenset({"metadata", "stations", "data"})
_BAD_STATUS: Final = frozenset({"error", "ko", "fail", "failed"})
_FIRST_ERROR_STATUS: Final = 400
# Airbyte flattens documents to columns, in which an empty list of errors is text.
_EMPTY_TEXTS: Final = frozenset({"", "[]", "{}", "null", "false"})
_MAX_MESSAGE: Final = 300
_COUNT: Final = re.compile("[0-9]{1,15}")
_SHOWN_NAMES: Final = 12
_SHOWN_LETTERS: Final = 40


def error_in(fields: Mapping[str, Any]) -> str | None:
    """The error that an API response in the form of a document reports, shortened; None if it reports none."""
    fault = next((said for name in _ERRORS if (said := _unless_empty(fields.get(name)))), None)
    code = next((fields[name] for name in _CODES if name in fields), 0)
    status = fields.get("status")
    bad_status = isinstance(status, str) and status.casefold() in _BAD_STATUS
    bad_code = isinstance(code, int | float) and code >= _FIRST_ERROR_STATUS
    if not (fault or bad_status or bad_code):
        return None
    said = fields.get("reason") or fields.get("message") or fault or status or code
    return str(said)[:_MAX_MESSAGE]


def instead_of_data(error: str) -> ObjectRejectedError:
    """The rejection of a response that is an error and has no rows."""
    return ObjectRejectedError(SOURCE_ERROR, f"the source answered with an error instead of data: {error!r}")


def error_beside_rows(error: str, position: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The rejected record for an error next to rows: the rows were delivered, but what the error is about was not."""
    stated = {name: value for name, value in fields.items() if name in AROUND_ROWS and name not in _NO_ERRORS}
    reason = f"the source states an error next to the rows: {error!r}"
    return rejected_record(position, reason, stated) | {"code": SOURCE_ERROR}


def check_holds_nothing(fields: Mapping[str, Any], containers: Sequence[str]) -> None:
    """Raise ObjectRejectedError if a record without rows is an error, or has something else in place of rows."""
    if (error := error_in(fields)) is not None:
        raise instead_of_data(error)
    for name in containers:
        if _unless_empty(fields.get(name)):
            message = f"a value where a list of rows is expected: {name} is {str(fields[name])[:_SHOWN_LETTERS]!r}"
            raise ObjectRejectedError("unknown_layout", message)
    if _unless_empty(fields.get("data")):
        raise ObjectRejectedError("unknown_layout", "the rows are in 'data', not where a known network has them")


def rows_stated(fields: Mapping[str, Any], names: Collection[str]) -> int:
    """The largest number of rows that a document states in any of these members; 0 if it states none."""
    return max((_whole_number(fields.get(name)) for name in names), default=0)


def _whole_number(value: object) -> int:
    """A number, or digits; 0 for anything else, such as "unknown"."""
    is_whole = isinstance(value, int | float) and not isinstance(value, bool) and value % 1 == 0
    text = f"{value:.0f}" if is_whole else value
    return int(text) if isinstance(text, str) and _COUNT.fullmatch(text) else 0


def other_lists(fields: Mapping[str, Any], known: Collection[str]) -> list[str]:
    """The fields next to a document's rows that hold lists of objects, which may be other kinds of rows.

    `known` are the fields that networks have there besides errors and stations.
    """
    expected = {*AROUND_ROWS, *known} - {"data"}
    return [name for name, value in fields.items() if name not in expected and _holds_objects(value)]


def no_rows(fields: Mapping[str, Any], containers: Sequence[str]) -> ObjectRejectedError:
    """The rejection of a known network's document that lacks its list of rows."""
    nulls = [name for name in containers if name in fields]
    names = ", ".join(repr(name[:_SHOWN_LETTERS]) for name in list(fields)[:_SHOWN_NAMES]) or "nothing"
    found = f"{nulls[0]!r} is present but empty" if nulls else f"it has: {names}"
    return ObjectRejectedError(NO_ROWS, f"a document without rows; {found}")


def lost_on_the_way(changes: str) -> str:
    """The reason for a record of which nothing is left, from Airbyte's changes (JSON text)."""
    entries = json.loads(changes)
    losses = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    texts = [f"{entry.get('field')}: {entry.get('change')}, {entry.get('reason')}" for entry in losses]
    return f"lost on the way: {'; '.join(texts) or changes}"[:_MAX_MESSAGE]


def only_around_rows(fields: Mapping[str, Any], containers: Sequence[str]) -> bool:
    """Whether a record only has fields that surround rows, or that would contain them."""
    return all(name in AROUND_ROWS or name in containers for name in fields)


def answers_in(rows: pa.Table, containers: Sequence[str], lost: Mask) -> tuple[Mask, list[str]]:
    """The rows that are API responses instead of observations, and the names of the columns that only these have.

    A response only has fields that surround rows; or it states an error and has little else; or it is `lost`
    (Airbyte changed something in it) and has nothing at all.
    """
    around = [name for name in rows.column_names if name in AROUND_ROWS or name in containers]
    if not around and not lost.any():
        return np.zeros(len(lost), dtype=bool), []
    own = _filled(rows, around, len(lost))
    others = _filled(rows, [name for name in rows.column_names if name not in around], len(lost))
    found = (others == 0) & ((own > 0) | lost) | _tells_of_an_error(rows, len(lost)) & (others <= own)
    return found, [name for name in around if not np.any(_is_filled(rows[name]) & ~found)]


def _filled(rows: pa.Table, names: Sequence[str], size: int) -> Any:
    count = np.zeros(size, dtype=np.int64)
    for index, name in enumerate(rows.column_names):
        if name in names:
            count += _is_filled(rows.column(index))
    return count


def _is_filled(cells: pa.ChunkedArray) -> Mask:
    return np.asarray(cells.is_valid())


def _tells_of_an_error(rows: pa.Table, size: int) -> Mask:
    """Where a field for errors is filled; whether it really is an error is decided row by row."""
    found = np.zeros(size, dtype=bool)
    for index, name in enumerate(rows.column_names):
        cells = rows.column(index)
        if name in _ERRORS or name in _CODES:
            found |= _is_filled(cells)
        elif name == "status" and pa.types.is_string(cells.type):
            bad = pc.is_in(pc.utf8_lower(cells), value_set=pa.array(sorted(_BAD_STATUS)))
            found |= np.asarray(bad)
    return found


def _holds_objects(value: Any) -> bool:
    """Whether this is a list of objects, or an object of such lists."""
    if isinstance(value, Mapping):
        return any(isinstance(entry, list) and _holds_objects(entry) for entry in value.values())
    return isinstance(value, list) and any(isinstance(entry, Mapping) for entry in value)


def _unless_empty(value: Any) -> Any:
    return None if isinstance(value, str) and value.strip() in _EMPTY_TEXTS else value
