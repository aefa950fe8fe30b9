"""The objects of a list in a JSON stream, one by one, each limited in size."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import IO, Any, NamedTuple, TypeVar

import ijson
from ijson.common import ObjectBuilder

from forecast.core.errors import ObjectRejectedError
from forecast.extract.limits import BLOCK_BYTES, CHUNK_ROWS, CHUNK_VALUES, JSON_PIECE_BYTES, MAX_COLUMNS, check_columns

_T = TypeVar("_T")
STARTS = frozenset({"start_map", "start_array"})
ENDS = frozenset({"end_map", "end_array"})
_MAX_MESSAGE = 300


class Item(NamedTuple):
    """An item of a list: its ijson prefix ("hourly.07015.item"), its value, and its fault, if any."""

    prefix: str
    value: Any
    fault: str | None
    values: int
    text_bytes: int


def read_items(
    file: IO[bytes], is_item: Callable[[str], bool], check_stray: Callable[[str, str, Any], None] = lambda *_: None
) -> Iterator[Item]:
    """The items at the prefixes that `is_item` accepts; every other event goes to `check_stray`.

    Raises ObjectRejectedError if an item holds more values than any real row.
    """
    builder: ObjectBuilder | None = None
    start = ""
    depth = values = text_bytes = keys = 0
    for prefix, event, value in ijson.parse(file, use_float=True, buf_size=JSON_PIECE_BYTES):
        if builder is None:
            if event in ENDS or event == "map_key" or not is_item(prefix):
                check_stray(prefix, event, value)
                continue
            builder, start = ObjectBuilder(), prefix
            depth = values = text_bytes = keys = 0
        builder.event(event, value)
        depth += (event in STARTS) - (event in ENDS)
        values += 1
        if event == "map_key":
            keys += 1
            text_bytes += len(value)
        elif event == "string":
            text_bytes += len(value)
        if values > 3 * MAX_COLUMNS:
            check_columns(values)
        if depth == 0:
            yield Item(start, builder.value, _fault(builder.value, keys), values, text_bytes)
            builder = None


def chunks(items: Iterator[Item]) -> Iterator[list[Item]]:
    """Items in lists that take a limited amount of memory."""
    chunk: list[Item] = []
    values = text_bytes = 0
    while (item := or_rejected(lambda: next(items, None))) is not None:
        chunk.append(item)
        values += item.values
        text_bytes += item.text_bytes
        if len(chunk) == CHUNK_ROWS or values > CHUNK_VALUES or text_bytes > BLOCK_BYTES:
            yield chunk
            chunk = []
            values = text_bytes = 0
    if chunk:
        yield chunk


def check_json(file: IO[bytes]) -> None:
    """Raise ObjectRejectedError if a file is not JSON to its end."""
    or_rejected(lambda: deque(ijson.basic_parse(file, use_float=True, buf_size=JSON_PIECE_BYTES), maxlen=0))


def or_rejected(read: Callable[[], _T]) -> _T:
    """The result of `read`, with ijson's errors translated to ObjectRejectedError."""
    try:
        return read()
    except ijson.IncompleteJSONError as error:
        message = f"the JSON cannot be read to its end: {_first_line(error)}"
        raise ObjectRejectedError("not_json", message) from error
    except ijson.JSONError as error:
        raise ObjectRejectedError("not_json", f"not JSON: {_first_line(error)}") from error
    except UnicodeDecodeError as error:
        raise ObjectRejectedError("not_json", "not JSON: a string with bytes that are not UTF-8") from error


def _fault(value: Any, keys: int) -> str | None:
    if not isinstance(value, dict):
        return "not a JSON object"
    return None if _count_keys(value) == keys else "a key appears twice"


def _count_keys(value: Any) -> int:
    if isinstance(value, dict):
        return len(value) + sum(_count_keys(member) for member in value.values() if isinstance(member, dict | list))
    return sum(_count_keys(member) for member in value if isinstance(member, dict | list))


def _first_line(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return text.strip().split("\n", 1)[0][:_MAX_MESSAGE]
