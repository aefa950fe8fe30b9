"""The API of one network: rate-limited calls, with retries if they can help, and their number."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final
from urllib.parse import urlencode

from forecast.ingest.answers import Page, Record, page_of
from forecast.ingest.caller import Caller
from forecast.ingest.paging import read_pages
from forecast.ingest.secret import Key
from forecast.ingest.state import days_between
from forecast.ingest.transport import NO_HEADERS, NoResponseError, Response
from forecast.networks.fetch import (
    FIRST_DAY,
    GROUP,
    HOURS,
    KEY,
    LAST_DAY,
    PAGE_SIZE,
    PAGE_START,
    STATION,
    STATIONS,
    Fetch,
)

_HOURS_A_DAY: Final = 24
_PLACEHOLDER: Final = re.compile(r"\{\w+\}")


@dataclass(frozen=True, slots=True)
class Window:
    """What one call requests: stations and days, including the first and the last."""

    stations: tuple[str, ...]
    first: date
    last: date

    @property
    def days(self) -> list[date]:
        """Its days."""
        return list(days_between(self.first, self.last))

    def __str__(self) -> str:
        days = f"{self.first}" if self.first == self.last else f"{self.first} to {self.last}"
        more = f" and {len(self.stations) - 1} more stations" if len(self.stations) > 1 else ""
        return f"{self.stations[0]}{more}, {days}"


@dataclass(slots=True)
class Api:
    """A network's API for one key, and the caller to use."""

    fetch: Fetch
    key: Key
    url: str
    caller: Caller

    def ask(self, window: Window) -> list[Record]:
        """The records of a window.

        Raises WindowError if it is not answered, DeniedError if nothing will be, SilentError if the network asks not to
        be called for a while, and QuotaReachedError.
        """
        if self.fetch.pages is None:
            return self._page(window, 0).records
        return read_pages(lambda start: self._page(window, start))

    def _page(self, window: Window, start: int) -> Page:
        url = self._address(window, start)
        return self.caller.call(
            f"{window}", lambda: self._get(url), lambda response: page_of(self.fetch, response, self.key)
        )

    def _get(self, url: str) -> Response:
        header = self.fetch.key_header
        try:
            return self.caller.transport.get(url, NO_HEADERS if header is None else {header: self.key.reveal()})
        except NoResponseError as error:
            raise NoResponseError(self.key.removed_from(f"{error}")) from None

    def _address(self, window: Window, start: int) -> str:
        fetch = self.fetch
        values = {
            FIRST_DAY: window.first.strftime(fetch.day_format),
            LAST_DAY: window.last.strftime(fetch.day_format),
            STATIONS: ",".join(window.stations),
            HOURS: str(_HOURS_A_DAY * ((window.last - window.first).days + 1)),
            GROUP: fetch.group_of(window.stations[0]) if fetch.group_of is not None else "",
            PAGE_START: str(start),
            PAGE_SIZE: str(fetch.pages.size if fetch.pages is not None else ""),
            KEY: self.key.reveal(),
        }
        pairs = [
            (name, _filled(template, {**values, STATION: station}))
            for name, template in fetch.params
            for station in (window.stations if STATION in template else ("",))
        ]
        return f"{self.url}{fetch.path}?{urlencode(pairs)}"


def _filled(template: str, values: Mapping[str, str]) -> str:
    """The template filled with values; placeholders inside values are not replaced."""
    return _PLACEHOLDER.sub(lambda found: values.get(found.group(), found.group()), template)
