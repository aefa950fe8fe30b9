"""Converts raw cells to numbers in canonical units, and records which cell failed and why. No other module does.

A column has few distinct texts (a day of temperatures in °F has about 100), so the distinct ones are parsed and the
rest looked up.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from forecast.core.decimals import shortest_decimals
from forecast.core.parameters import Parameter, Quantity
from forecast.core.reading import NO_UNIT
from forecast.transform.raw_columns import python_cells
from forecast.transform.values.columns import AMBIGUOUS, ParsedColumn, ParseIssue, RawColumn, filled, shorten
from forecast.transform.values.units import CANONICAL, Floats, Unit, find_unit
from forecast.transform.values.wind_words import ENGLISH, WindWords, read_wind

MISSING_TOKENS = frozenset({"", "-", "--", "---", "///", "nan", "null", "none", "n/a", "na", "mq", "m", "9999,9"})
# Numbers that mean "no value" in published feeds. None of them is a possible value of any parameter, except for
# 9999 m of visibility.
MISSING_NUMBERS = (-9999.0, -999.9, -999.0, -99.99, 9999.0, 9999.9)
MAX_CELL_LENGTH = 64  # the longest real cell has 10 characters ("1004.2 W/m²")

# RE2's \s is ASCII only: no-break space (U+00A0), thin (U+2009) and narrow no-break space (U+202F) are spelled out.
_BLANKS = r"\s\x{00A0}\x{2009}\x{202F}"
_BLANK = f"[{_BLANKS}]*"
_NUMBER = r"[+\-\x{2212}]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_CELL = rf"^{_BLANK}(?P<number>{_NUMBER}){_BLANK}(?P<unit>(?:[^0-9,.{_BLANKS}].*?)?){_BLANK}$"

# What Microsoft's C library wrote for NaN and infinity until 2015; a unit may follow. It looks like
# a number with a unit.
_NO_NUMBER_OF_C: Final = re.compile(r"^\s*[+-]?1[.,]#(?:(ind|qnan|snan)|inf)0*(?:[^0-9a-z].*)?$")

# A comma followed by one, two, or more than three digits can only be a decimal comma.
_DECIMAL_COMMA = rf"^({_BLANK}[+\-\x{{2212}}]?[0-9]+),([0-9]{{1,2}}|[0-9]{{4,}})($|[^0-9.,])"
_ANY_COMMA = rf"^({_BLANK}[+\-\x{{2212}}]?[0-9]*),([0-9])"
# "1,013" is 1013 or 1.013, and no source says which.
_AMBIGUOUS = re.compile(r"\s*[+\-\u2212]?[1-9][0-9]{0,2},[0-9]{3}(?![0-9.,])")

# No measurement in any unit comes near the limit of a 64-bit integer; a number beyond it is a counter's fault.
_LARGEST = 2.0**63
_BEYOND = "beyond 64 bits"
_NOT_FINITE: Final = "not a finite number"


def convert_batch(columns: Sequence[RawColumn], words: WindWords = ENGLISH) -> dict[str, ParsedColumn]:
    """The columns of one batch by parameter; `words` are those of the source's language.

    Of several columns of one parameter, the first one with a value counts. "calm" is a measured wind
    speed of 0 if the source gives no other.
    """
    converted: dict[str, ParsedColumn] = {}
    for column, more in zip(columns, _convert_each(columns, words), strict=True):
        more.sources = (column.source,) if column.source else ()
        first = converted.get(column.parameter.name)
        converted[column.parameter.name] = more if first is None else filled(first, more)
    wind = converted.get("wind_from_direction")
    if wind is not None and wind.calm is not None:
        speed = converted.setdefault("wind_speed", ParsedColumn(np.full(len(wind.values), np.nan)))
        speed.inferred = wind.calm & np.isnan(speed.values)
        speed.values = np.where(speed.inferred, 0.0, speed.values)
    return converted


def _convert_each(columns: Sequence[RawColumn], words: WindWords) -> list[ParsedColumn]:
    """Convert each column by itself.

    The texts of all columns are parsed in one call, because a call takes at least 0.4 ms and a batch has ten columns.
    """
    columns = [column._replace(cells=_plain_cells(column.cells)) for column in columns]
    encoded = [column.cells.dictionary_encode() if _is_text(column.cells) else None for column in columns]
    distinct = [cells.dictionary.cast(pa.large_string()) for cells in encoded if cells is not None]
    commas = [column.decimal_comma for column, cells in zip(columns, encoded, strict=True) if cells is not None]
    are_decimal = np.repeat(commas, [len(texts) for texts in distinct])
    parsed = _parse_texts(pa.concat_arrays(distinct), are_decimal) if distinct else None
    converted, end = [], 0
    for column, cells in zip(columns, encoded, strict=True):
        if cells is None or parsed is None:
            converted.append(_convert_others(column))
            continue
        start, end = end, end + len(cells.dictionary)
        converted.append(_convert_texts(cells.indices, parsed.part(start, end), column, words))
    return converted


def _plain_cells(cells: pa.Array) -> pa.Array:
    if isinstance(cells, pa.ChunkedArray):
        cells = cells.combine_chunks()
    return cells.dictionary_decode() if pa.types.is_dictionary(cells.type) else cells


def _is_text(cells: pa.Array) -> bool:
    return bool(pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type))


def _convert_others(column: RawColumn) -> ParsedColumn:
    """A column whose type is not text."""
    kind = column.cells.type
    if pa.types.is_null(kind):
        return ParsedColumn(np.full(len(column.cells), np.nan))
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _convert_numbers(column)
    return _reject_all(column.cells, column.parameter, f"not a number but {_kind_name(kind)}")


def _convert_numbers(column: RawColumn) -> ParsedColumn:
    cells, parameter = column.cells, column.parameter
    numbers = shortest_decimals(cells)
    present = ~np.isnan(numbers) & ~_is_missing_number(numbers, column)
    unit = _bare_unit(parameter, column.assumed_unit)
    if unit is None:
        reason = f"{NO_UNIT} where {parameter.unit} or another unit is expected"
        return ParsedColumn(np.full(len(cells), np.nan), _issues(cells, present, parameter, lambda _: reason))
    good = present & (np.abs(numbers) < _LARGEST)
    issues = _issues(cells, present & ~good, parameter, lambda row: _why_too_large(numbers[row]))
    return ParsedColumn(unit.to_canonical(np.where(good, numbers, np.nan)), issues)


def _issues(
    cells: pa.Array, mask: npt.NDArray[np.bool_], parameter: Parameter, reason_of: Callable[[int], str]
) -> list[ParseIssue]:
    rows = np.flatnonzero(mask)
    raw = python_cells(cells.take(pa.array(rows))) if len(rows) else []
    return [_issue(row, parameter, cell, reason_of(row)) for row, cell in zip(rows.tolist(), raw, strict=True)]


def _why_too_large(number: float) -> str:
    return _BEYOND if np.isfinite(number) else _NOT_FINITE


@dataclass(frozen=True, slots=True)
class _Parsed:
    """Distinct texts, the number that each begins with (NaN if none), also as text, and what follows it."""

    texts: pa.Array
    numbers: Floats
    plain: pa.Array
    units: pa.Array

    def part(self, start: int, end: int) -> _Parsed:
        size = end - start
        return _Parsed(
            self.texts.slice(start, size),
            self.numbers[start:end],
            self.plain.slice(start, size),
            self.units.slice(start, size),
        )


def _parse_texts(texts: pa.Array, decimal_comma: npt.NDArray[np.bool_]) -> _Parsed:
    too_long = pc.greater(pc.utf8_length(texts), MAX_CELL_LENGTH)
    cells = pc.if_else(too_long, pa.scalar("", texts.type), texts)
    if pc.any(pc.match_substring(cells, "#")).as_py():
        is_word = pc.match_substring_regex(cells, _NO_NUMBER_OF_C.pattern, ignore_case=True)
        cells = pc.if_else(is_word, pa.scalar("", texts.type), cells)
    if decimal_comma.any():
        cells = pc.if_else(pa.array(decimal_comma), pc.replace_substring_regex(cells, _ANY_COMMA, r"\1.\2"), cells)
    if pc.any(pc.match_substring(cells, ",")).as_py():
        cells = pc.replace_substring_regex(cells, _DECIMAL_COMMA, r"\1.\2\3")
    parts = pc.extract_regex(cells, _CELL)
    is_number, nothing = parts.is_valid(), pa.scalar(None, texts.type)
    # In the form that Arrow's cast reads: U+2212 becomes a minus, and a plus is removed.
    number = pc.replace_substring(pc.if_else(is_number, parts.field("number"), nothing), "\u2212", "-")
    plain = pc.replace_substring_regex(number, r"^\+", "")
    return _Parsed(texts, shortest_decimals(plain), plain, pc.if_else(is_number, parts.field("unit"), nothing))


def _convert_texts(indices: pa.Array, distinct: _Parsed, column: RawColumn, words: WindWords) -> ParsedColumn:
    values, reasons, calm = _values_of(distinct, column, words)
    # One more entry, for the nulls.
    positions = pc.fill_null(indices, len(values)).to_numpy(zero_copy_only=False)
    result = ParsedColumn(np.append(values, np.nan)[positions])
    if reasons:
        bad = np.isin(positions, np.fromiter(reasons, dtype=np.int64))
        result.issues = [
            _issue(int(row), column.parameter, distinct.texts[place].as_py(), reasons[place])
            for row, place in zip(np.flatnonzero(bad).tolist(), positions[bad].tolist(), strict=True)
        ]
    if calm:
        result.calm = np.isin(positions, np.fromiter(calm, dtype=np.int64))
    return result


def _values_of(distinct: _Parsed, column: RawColumn, words: WindWords) -> tuple[Floats, dict[int, str], set[int]]:
    """Values of the distinct texts, the reason for each that cannot be read, and those that mean calm."""
    numbers, parameter = distinct.numbers, column.parameter
    bare = _bare_unit(parameter, column.assumed_unit)
    values = np.full(len(numbers), np.nan)
    reasons: dict[int, str] = {}
    calm: set[int] = set()
    for unit_text in distinct.units.drop_null().unique().to_pylist():
        is_of_unit = pc.fill_null(pc.equal(distinct.units, unit_text), fill_value=False)
        members = np.asarray(is_of_unit) & ~np.isnan(numbers)
        unit = find_unit(parameter.quantity, unit_text) if unit_text else bare
        missing = members & _is_missing_number(numbers, column)
        good = members & ~missing & (np.abs(numbers) < _LARGEST)
        if unit is not None:
            values[good] = unit.to_canonical(numbers[good])
        else:
            reason = f"unknown unit '{shorten(unit_text)}'" if unit_text else NO_UNIT
            reasons.update(dict.fromkeys(np.flatnonzero(good).tolist(), reason))
        for index in np.flatnonzero(members & ~missing & ~good).tolist():
            reasons[index] = _why_too_large(numbers[index])
    for index in np.flatnonzero(numbers == 0.0).tolist():
        if distinct.plain[index].as_py().casefold().partition("e")[0].strip("-0."):
            values[index], reasons[index] = np.nan, "too small for a number"  # 1e-400
    for index in np.flatnonzero(np.isnan(numbers)).tolist():
        word = distinct.texts[index].as_py()
        values[index], fault = _read_word(word, parameter, words)
        if fault:
            reasons[index] = fault
        if parameter.quantity is Quantity.ANGLE and word.strip().casefold() == words.calm:
            calm.add(index)
    for index, value in _text_codes(distinct.texts, column):
        values[index] = value
        reasons.pop(index, None)
    return values, reasons, calm


def _text_codes(texts: pa.Array, column: RawColumn) -> Iterator[tuple[int, float]]:
    """The indices of the distinct texts that stand for a value, with that value."""
    spelled = pc.utf8_lower(pc.utf8_trim_whitespace(texts)) if column.text_codes else texts
    for code in column.text_codes:
        known = pa.array([text.casefold() for text in code.texts], texts.type)
        for index in np.flatnonzero(np.asarray(pc.is_in(spelled, value_set=known))).tolist():
            yield index, code.value


def _read_word(text: str, parameter: Parameter, words: WindWords) -> tuple[float, str | None]:
    if len(text) > MAX_CELL_LENGTH:
        return np.nan, f"longer than {MAX_CELL_LENGTH} characters"
    word = text.strip().casefold()
    if word in MISSING_TOKENS:
        return np.nan, None
    if _AMBIGUOUS.match(text):
        return np.nan, AMBIGUOUS
    if (found := _NO_NUMBER_OF_C.match(word)) is not None:
        return np.nan, None if found[1] else _NOT_FINITE
    return read_wind(word, words) if parameter.quantity is Quantity.ANGLE else (np.nan, "not a number")


def _bare_unit(parameter: Parameter, assumed_unit: str | None) -> Unit | None:
    if assumed_unit is not None:
        return find_unit(parameter.quantity, assumed_unit)
    return CANONICAL if parameter.quantity is Quantity.INDEX else None


def _is_missing_number(numbers: Floats, column: RawColumn) -> npt.NDArray[np.bool_]:
    allowed = (9999.0,) if column.parameter.quantity is Quantity.DISTANCE else ()
    return np.isin(numbers, [*(number for number in MISSING_NUMBERS if number not in allowed), *column.missing])


def _reject_all(cells: pa.Array, parameter: Parameter, reason: str) -> ParsedColumn:
    issues = _issues(cells, np.asarray(cells.is_valid()), parameter, lambda _: reason)
    return ParsedColumn(np.full(len(cells), np.nan), issues)


def _kind_name(kind: pa.DataType) -> str:
    if pa.types.is_boolean(kind):
        return "true or false"
    if pa.types.is_struct(kind) or pa.types.is_map(kind):
        return "an object"
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return "a list"
    return f"a {kind}"


def _issue(row: int, parameter: Parameter, raw: object, reason: str) -> ParseIssue:
    text = raw if isinstance(raw, str) else json.dumps(raw, ensure_ascii=False, default=str)
    return ParseIssue(row, parameter.name, shorten(text), reason)
