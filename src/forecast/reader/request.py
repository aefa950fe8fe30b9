"""What is asked for, checked before anything is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from typing import Literal, get_args

from forecast.core.parameters import PARAMETER_NAMES
from forecast.core.text import escaped

Flags = Literal["good", "not_failed", "all"]
Moment = date | datetime
Box = tuple[float, float, float, float]


class RequestError(ValueError):
    """What cannot be asked for, in words for the one who asked."""


@dataclass(frozen=True, slots=True)
class Request:
    """Stations by id (None: all) or in a box (west, south, east, north), parameters, and a half-open interval (UTC)."""

    stations: tuple[str, ...] | None
    bbox: Box | None
    parameters: tuple[str, ...]
    since: datetime | None
    until: datetime | None
    flags: Flags
    provenance: bool


def make_request(
    stations: Sequence[str] | None,
    bbox: Box | None,
    parameters: Sequence[str] | None,
    since: Moment | None,
    until: Moment | None,
    flags: Flags,
    *,
    provenance: bool,
) -> Request:
    """Check what was asked for. Raises RequestError naming what cannot be, and what can."""
    if flags not in get_args(Flags):
        raise RequestError(f"flags is {flags!r}; it takes {', '.join(get_args(Flags))}")
    if isinstance(stations, str):
        raise RequestError(f"stations is the text {stations!r}; give a list: [{stations!r}]")
    begin, end = _moment("since", since), _moment("until", until)
    if begin is not None and end is not None and begin >= end:
        raise RequestError(f"since ({begin:%Y-%m-%dT%H:%M:%SZ}) is not before until ({end:%Y-%m-%dT%H:%M:%SZ})")
    if bbox is not None and not (bbox[0] <= bbox[2] and bbox[1] <= bbox[3]):
        raise RequestError(f"bbox is {bbox}; it takes west, south, east, north in degrees")
    chosen = None if stations is None else tuple(stations)
    return Request(chosen, bbox, _parameters(parameters), begin, end, flags, provenance)


def _parameters(names: Sequence[str] | None) -> tuple[str, ...]:
    if names is None:
        return PARAMETER_NAMES
    if isinstance(names, str):
        raise RequestError(f"parameters is the text {names!r}; give a list: [{names!r}]")
    for name in names:
        if name not in PARAMETER_NAMES:
            near = get_close_matches(name, PARAMETER_NAMES, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise RequestError(f"{escaped(name)} is no parameter{hint} There are: {', '.join(PARAMETER_NAMES)}")
    return tuple(names)


def _moment(name: str, moment: Moment | None) -> datetime | None:
    """An instant in UTC; a day is its beginning in UTC."""
    if moment is None:
        return None
    if not isinstance(moment, datetime):
        return datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    if moment.tzinfo is None:
        raise RequestError(
            f"{name} is {moment.isoformat()}, without a time zone; write datetime(…, tzinfo=UTC), or give a date"
        )
    # Observations have whole milliseconds: rounding a bound up leaves the same of them on each side.
    up = -moment.microsecond % 1000
    return moment.astimezone(UTC) + timedelta(microseconds=up)
