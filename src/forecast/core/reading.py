"""The cells of one raw object by parameter: how many were read, and which could not be.

Memory grows with the number of parameters, never with the number of rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from forecast.core.errors import ObjectRejectedError
from forecast.core.parameters import PARAMETERS, Quantity

# The reasons kept for a parameter: a reason can quote a cell, and an object can have a million different ones.
_MAX_REASONS: Final = 8
# The beginning of the reason for a number that needs a unit but has none.
NO_UNIT: Final = "a number without a unit"
_WITHOUT_UNITS: Final = frozenset(
    parameter.name for parameter in PARAMETERS if parameter.quantity in (Quantity.INDEX, Quantity.CODE, Quantity.ANGLE)
)
_OTHER: Final = "other reasons"
_SHOWN_PARAMETERS: Final = 6
_SHOWN_COLUMNS: Final = 12
SHOWN_LETTERS: Final = 40


@dataclass(slots=True)
class Unreadable:
    """The cells that could not be read for one reason: how many, and the first of them."""

    count: int
    raw: str
    position: str


@dataclass(slots=True)
class ParameterReading:
    """One parameter in one object.

    `cells` had something (neither null nor a code for "no value"), `values` of them became a value; the others are in
    `reasons`. `columns` are the source's own names.
    """

    columns: dict[str, None] = field(default_factory=dict)
    cells: int = 0
    values: int = 0
    reasons: dict[str, Unreadable] = field(default_factory=dict)

    def add(self, other: ParameterReading) -> None:
        """Add the counts of another batch of the object."""
        self.columns |= other.columns
        self.cells += other.cells
        self.values += other.values
        for reason, found in other.reasons.items():
            self.add_unreadable(reason, found)

    def add_unreadable(self, reason: str, found: Unreadable) -> None:
        """Count the cells of one reason; if there are too many reasons, under a common one."""
        if reason not in self.reasons and len(self.reasons) >= _MAX_REASONS:
            reason = _OTHER
        known = self.reasons.setdefault(reason, Unreadable(0, found.raw, found.position))
        known.count += found.count


@dataclass(frozen=True, slots=True)
class UnreadParameter:
    """A parameter of which no cell in an object could be read; the example is of the most common reason."""

    parameter: str
    column: str
    cells: int
    example: str
    position: str
    reason: str

    @property
    def words(self) -> str:
        """For a person."""
        return (
            f"none of {self.cells} cells of {self.column!r} ({self.parameter}) could be read, "
            f"such as {self.example!r} ({self.position}): {self.reason}"
        )


@dataclass(frozen=True, slots=True)
class RenamedParameter:
    """A parameter that the station reports but an object lacks, and the unknown columns it may be in, best first."""

    parameter: str
    candidates: tuple[str, ...]

    @property
    def words(self) -> str:
        """For a person."""
        columns = ", ".join(repr(name[:SHOWN_LETTERS]) for name in self.candidates)
        return (
            f"it lacks {self.parameter}, which the station reports, but has unknown columns. "
            f"Was it renamed to {columns}?"
        )


@dataclass(frozen=True, slots=True)
class UnknownColumns:
    """The unknown columns of an object, which were ignored: the first few, truncated, and the number of the others."""

    columns: tuple[str, ...]
    more: int

    @classmethod
    def of(cls, names: Collection[str]) -> UnknownColumns:
        """Of all names."""
        shown = tuple(name[:SHOWN_LETTERS] for name in islice(names, _SHOWN_COLUMNS))
        return cls(shown, len(names) - len(shown))

    @property
    def words(self) -> str:
        """The names, for a person."""
        return ", ".join(map(repr, self.columns)) + (f" and {self.more} more" if self.more else "")


@dataclass(slots=True)
class ObjectReading:
    """The readings of one object's parameters, by name; its unknown columns, with the first different cells of each.

    `not_stored` counts the cells of the known columns whose measurements correspond to no parameter. `rows_missing` are
    rows that its documents count, but do not have.
    """

    parameters: dict[str, ParameterReading] = field(default_factory=dict)
    unknown: dict[str, list[str]] = field(default_factory=dict)
    not_stored: Counter[str] = field(default_factory=Counter)
    rows_missing: int = 0

    def add(self, more: Mapping[str, ParameterReading]) -> None:
        """Add the counts of another batch of the object."""
        for name, reading in more.items():
            self.parameters.setdefault(name, ParameterReading()).add(reading)

    def unread(self) -> list[UnreadParameter]:
        """The parameters that have cells, none of which could be read."""
        return [
            _unread(name, reading) for name, reading in self.parameters.items() if reading.cells and not reading.values
        ]

    def check(self, expected: str) -> None:
        """Raise ObjectRejectedError if none of the object's cells could be read, or it has no known column.

        So it does where several columns hold numbers without the unit that they need, and nothing was read but what
        needs none: a table like that is of another layout, and its "UV" says nothing about the rest. `expected` says in
        words what a cell of this layout looks like.
        """
        if expected and not self.parameters and any(self.unknown.values()):
            names = UnknownColumns.of(self.unknown).words
            raise ObjectRejectedError(
                "unreadable_values",
                f"it has no known column of measured values, which would contain {expected}; its columns are {names}",
            )
        unread = self.unread()
        read = {name for name, reading in self.parameters.items() if reading.values}
        if not read and unread:
            found = f"none of its measured cells ({sum(entry.cells for entry in unread)}) could be read"
        elif read <= _WITHOUT_UNITS and len(unread := [entry for entry in unread if self._is_bare(entry)]) > 1:
            found = f"none of the numbers in {len(unread)} of its columns has a unit"
        else:
            return
        shown = "; ".join(
            f"{entry.column!r} such as {entry.example!r} ({entry.position}): {entry.reason}"
            for entry in islice(unread, _SHOWN_PARAMETERS)
        )
        more = f"; and {len(unread) - _SHOWN_PARAMETERS} more columns" if len(unread) > _SHOWN_PARAMETERS else ""
        raise ObjectRejectedError("unreadable_values", f"{found}; expected {expected}: {shown}{more}")

    def _is_bare(self, entry: UnreadParameter) -> bool:
        return all(reason.startswith(NO_UNIT) for reason in self.parameters[entry.parameter].reasons)


def _unread(parameter: str, reading: ParameterReading) -> UnreadParameter:
    reason, found = max(reading.reasons.items(), key=lambda entry: entry[1].count)
    column = ", ".join(reading.columns) or parameter
    return UnreadParameter(parameter, column, reading.cells, found.raw, found.position, reason)
