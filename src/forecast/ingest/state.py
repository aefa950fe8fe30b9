"""What was read of each station, stored next to the raw zone, and how it stays consistent with the objects there.

An object and its state cannot be written atomically. So the state first records which object is about to be written,
and the state that will apply then; next the object is written, atomically; then that state takes effect. If a run is
killed in between, the next one can see from the state whether the object was written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from forecast.core.errors import SettingError
from forecast.ingest.fingerprints import checked
from forecast.storage.documents import Documents

_FORMAT: Final = 2
_ONE_DAY: Final = timedelta(days=1)


@dataclass(slots=True)
class StationState:
    """The days of one station that were read: all from `read_from` to `read_to`, except those that are missing.

    `since` is the first day of the wanted history. `days` has the fingerprints of the days that can be read again, ""
    for a day without records: see `forget`. They are packed, because those of 100 stations and 14 days would otherwise
    take 33 MB.
    """

    since: date | None = None
    read_from: date | None = None
    read_to: date | None = None
    missing: set[date] = field(default_factory=set)
    deep_read: date | None = None
    days: dict[date, str] = field(default_factory=dict)

    @property
    def through(self) -> date | None:
        """The last complete day: no day before it is missing, and it was over when it was last read."""
        if self.read_to is None:
            return None
        return min([self.read_to, *self.missing]) - _ONE_DAY

    def note_read(self, day: date, fingerprints: str, lookback_days: int, keep: Container[date] = ()) -> None:
        """Record that a day was read. Earlier days than `lookback_days` are forgotten, except `keep`."""
        self._extend(day)
        self.missing.discard(day)
        self.days[day] = fingerprints
        self.forget(lookback_days, keep)

    def note_missing(self, days: Iterable[date]) -> None:
        """Mark days to be requested again; what is known about them stays."""
        for day in days:
            self._extend(day)
            self.missing.add(day)

    def forget(self, lookback_days: int, keep: Container[date] = ()) -> None:
        """Only keep the fingerprints that are needed to read days again, however long the history is.

        They are those of the last days, of missing days, and of the newest day with records before the last days. All
        days between that one and the last days are empty: a station that was silent for months and comes back is read
        from there on.
        """
        if self.read_to is None:
            return
        first = self.read_to - timedelta(days=lookback_days)
        older = [day for day in self.days if day < first]
        newest = max((day for day in older if self.days[day]), default=None)
        for day in older:
            if day != newest and not (self.days[day] and (day in self.missing or day in keep)):
                del self.days[day]

    def silent_before(self, day: date) -> list[date]:
        """The days without records right before a day, preceded by the last day with records."""
        known = (earlier for earlier, fingerprints in self.days.items() if fingerprints and earlier < day)
        first = max(known, default=self.read_from)
        return [] if first is None else list(days_between(first, day - _ONE_DAY))

    def _extend(self, day: date) -> None:
        if self.read_from is None or self.read_to is None:
            self.read_from = self.read_to = day
        # Days between this one and those that were read have not been requested yet.
        elif day < self.read_from:
            self.missing |= set(days_between(day + _ONE_DAY, self.read_from - _ONE_DAY))
            self.read_from = day
        elif day > self.read_to:
            self.missing |= set(days_between(self.read_to + _ONE_DAY, day - _ONE_DAY))
            self.read_to = day

    def as_json(self) -> dict[str, Any]:
        """The state as it is stored."""
        return {
            "since": _text(self.since),
            "read_from": _text(self.read_from),
            "read_to": _text(self.read_to),
            "missing": [day.isoformat() for day in sorted(self.missing)],
            "deep_read": _text(self.deep_read),
            "days": {day.isoformat(): prints for day, prints in sorted(self.days.items())},
        }

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> StationState:
        """The state from its stored form. Raises ValueError, KeyError or TypeError."""
        return cls(
            _day(entry["since"]),
            _day(entry["read_from"]),
            _day(entry["read_to"]),
            {date.fromisoformat(day) for day in entry["missing"]},
            _day(entry["deep_read"]),
            {date.fromisoformat(day): checked(text) for day, text in entry["days"].items()},
        )


class SourceState:
    """The state of one source; only the holder of its lease writes it."""

    def __init__(self, documents: Documents, source: str) -> None:
        self._documents = documents
        self.name = f"{source}.json"
        self.uri = documents.uri + self.name if documents.uri.endswith("/") else f"{documents.uri}/{self.name}"
        self._source = source
        self._version: str | None = None
        self.generation = 1
        self.last_sync = 0
        self.stations: dict[str, StationState] = {}
        self._kept: dict[str, Any] = {}

    def load(self, is_there: Callable[[str], bool]) -> None:
        """Read it. `is_there` says whether an object exists in the raw zone.

        Raises SettingError if it is not in the form that this program writes.
        """
        found = self._documents.read(self.name)
        if found is None:
            return
        try:
            kept = in_format(json.loads(found.content), _FORMAT, self._source)
            pending = kept["pending"]
            self._kept = kept["stations"]
            if pending is not None and is_there(pending["object"]):
                self._kept |= pending["stations"]
            self.stations = {name: StationState.from_json(entry) for name, entry in self._kept.items()}
            self.generation, self.last_sync = int(kept["generation"]), int(kept["last_sync"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SettingError(
                f"{self.uri} was not written by this program; move it away to read everything again from --since on"
            ) from error
        self._version = found.version

    def announce(self, key: str, touched: Iterable[str]) -> None:
        """Record which object is about to be written, and the state of these stations that will apply then."""
        self._write({"object": key, "stations": {name: self.stations[name].as_json() for name in touched}})

    def commit(self, touched: Iterable[str]) -> None:
        """Put the announced state of these stations into effect."""
        self._kept |= {name: self.stations[name].as_json() for name in touched}
        self._write(None)

    def _write(self, pending: dict[str, Any] | None) -> None:
        content = {
            "format_version": _FORMAT,
            "source": self._source,
            "generation": self.generation,
            "last_sync": self.last_sync,
            "stations": self._kept,
            "pending": pending,
        }
        self._version = self._documents.write(self.name, json.dumps(content).encode(), self._version)


def in_format(kept: dict[str, Any], version: int, source: str) -> dict[str, Any]:
    """A stored state. Raises ValueError if it has another format version or belongs to another source."""
    if kept["format_version"] != version or kept["source"] != source:
        raise ValueError("another format or source")
    return kept


def days_between(first: date, last: date) -> Iterator[date]:
    """The days from the first to the last, including both; none if the last is earlier."""
    while first <= last:
        yield first
        first += _ONE_DAY


def _text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
