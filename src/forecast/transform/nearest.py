"""The error message for rows of an unknown layout: which layout is nearest, and what they lack."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from forecast.core.errors import ObjectRejectedError
from forecast.core.stations import Station
from forecast.core.text import listed
from forecast.transform.raw_columns import Columns

# Fewer known columns than this mean nothing: every table has a "Time" or a "Date".
_LEAST_KNOWN: Final = 2


class Near(NamedTuple):
    """A layout: its columns' names as `normalise_field` spells them, and what the given columns lack."""

    network: str
    layout: str
    known: frozenset[str]
    lack: str


def unknown_layout(
    names: Sequence[str], columns: Columns, layouts: Iterable[Near], *, station: Station | None, sheet: str | None
) -> ObjectRejectedError:
    """The error for rows with these names (in the order of the object), which no network recognises.

    `station` is the one whose prefix the object's key has. Its network decides between equally near layouts.
    """
    place = "" if sheet is None else f"sheet {sheet!r}: "
    message = f"{place}no known network has rows with these columns: {listed(names)}"
    if station is not None:
        message += f". The key is that of station {station.id} ({station.network})"
    near = _nearest(columns, list(layouts), station)
    if near is not None:
        message += f". The nearest layout is {near.layout}: {near.lack}"
        if foreign := [name for name, _ in columns.beside(near.known)]:
            message += f"; columns that it does not have: {listed(foreign)}"
    return ObjectRejectedError("unknown_layout", message)


def _nearest(columns: Columns, layouts: Sequence[Near], station: Station | None) -> Near | None:
    def known(near: Near) -> tuple[int, bool]:
        of_station = station is not None and near.network == station.network
        return sum(field in columns for field in near.known), of_station

    best = max(layouts, key=known)
    count, of_station = known(best)
    return best if count >= _LEAST_KNOWN or (of_station and count) else None
