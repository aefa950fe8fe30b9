"""A request to read observations, checked before anything is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from typing import Final, Literal, get_args

from forecast.core.aggregation import FREQUENCIES, MIN_SHARE, Frequency
from forecast.core.parameters import PARAMETER_NAMES
from forecast.core.text import escaped

Flags = Literal["good", "not_failed", "all"]
Moment = date | datetime
Box = tuple[float, float, float, float]
# Times are kept in whole milliseconds.
_INSTANT: Final = timedelta(milliseconds=1)


class RequestError(ValueError):
    """An invalid request, with a message for the caller."""


@dataclass(frozen=True, slots=True)
class Request:
    """Stations by id (None: all) or in a box (west, south, east, north), parameters, and a half-open interval (UTC).

    With `freq`, the request is for regular intervals between `since` and `until` instead of observations.
    """

    stations: tuple[str, ...] | None
    bbox: Box | None
    parameters: tuple[str, ...]
    since: datetime | None
    until: datetime | None
    flags: Flags
    provenance: bool
    freq: Frequency | None = None
    min_share: float = MIN_SHARE

    @property
    def step(self) -> int | None:
        """Return the length of an interval in milliseconds; None for observations."""
        return None if self.freq is None else FREQUENCIES[self.freq]

    def observed(self) -> Request:
        """Return the request for the observations to read: an interval contains its end, not its beginning."""
        if self.freq is None:
            return self
        since, until = (None if moment is None else moment + _INSTANT for moment in (self.since, self.until))
        return replace(self, since=since, until=until)


def make_request(  # noqa: PLR0913  as `read`
    stations: Sequence[str] | None,
    bbox: Box | None,
    parameters: Sequence[str] | None,
    since: Moment | None,
    until: Moment | None,
    flags: Flags,
    *,
    provenance: bool = False,
    freq: Frequency | None = None,
    min_share: float = MIN_SHARE,
) -> Request:
    """Check a request. Raises RequestError that names what is invalid and what is accepted."""
    if flags not in get_args(Flags):
        raise RequestError(f"flags is {flags!r}; expected {', '.join(get_args(Flags))}")
    if isinstance(stations, str):
        raise RequestError(f"stations is the text {stations!r}; give a list: [{stations!r}]")
    begin, end = _moment("since", since), _moment("until", until)
    if begin is not None and end is not None and begin >= end:
        raise RequestError(f"since ({begin:%Y-%m-%dT%H:%M:%SZ}) is not before until ({end:%Y-%m-%dT%H:%M:%SZ})")
    if bbox is not None and not (bbox[0] <= bbox[2] and bbox[1] <= bbox[3]):
        raise RequestError(f"bbox is {bbox}; expected west, south, east, north in degrees")
    _check_freq(freq, min_share, provenance=provenance)
    chosen = None if stations is None else tuple(stations)
    return Request(chosen, bbox, _parameters(parameters), begin, end, flags, provenance, freq, min_share)


def _check_freq(freq: Frequency | None, min_share: float, *, provenance: bool) -> None:
    if freq is not None and freq not in FREQUENCIES:
        raise RequestError(f"freq is {freq!r}; expected {', '.join(FREQUENCIES)}")
    if not 0 <= min_share <= 1:
        raise RequestError(f"min_share is {min_share}; expected a share from 0 to 1")
    if freq is not None and provenance:
        raise RequestError("provenance cannot be combined with freq: it describes observations, not intervals")


def _parameters(names: Sequence[str] | None) -> tuple[str, ...]:
    if names is None:
        return PARAMETER_NAMES
    if isinstance(names, str):
        raise RequestError(f"parameters is the text {names!r}; give a list: [{names!r}]")
    for name in names:
        if name not in PARAMETER_NAMES:
            near = get_close_matches(name, PARAMETER_NAMES, 1)
            hint = f"; did you mean {near[0]}?" if near else "."
            raise RequestError(f"{escaped(name)} is not a parameter{hint} There are: {', '.join(PARAMETER_NAMES)}")
    return tuple(names)


def _moment(name: str, moment: Moment | None) -> datetime | None:
    """Return an instant in UTC. A day means its beginning in UTC."""
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
