"""One network's API: calls at its pace, asked again where that helps, and what they cost."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final, NoReturn
from urllib.parse import urlencode

from forecast.ingest.answers import BrokenAnswerError, Page, Record, TooManyCallsError, page_of
from forecast.ingest.clock import Clock
from forecast.ingest.faults import SilentError, WindowError
from forecast.ingest.pace import Pace
from forecast.ingest.paging import read_pages
from forecast.ingest.secret import Key
from forecast.ingest.transport import NO_HEADERS, NoResponseError, Response, Transport
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

LOGGER = logging.getLogger("forecast.ingest")
TRIES: Final = 5
FIRST_PAUSE_SECONDS: Final = 2.0  # each is twice the one before
# Who is asked to wait longer ends, and the next run goes on.
MAX_RETRY_AFTER_SECONDS: Final = 300.0
_HOURS_A_DAY: Final = 24
_PLACEHOLDER: Final = re.compile(r"\{\w+\}")


@dataclass(frozen=True, slots=True)
class Window:
    """What one call asks for: these stations on these days, both included."""

    stations: tuple[str, ...]
    first: date
    last: date

    @property
    def days(self) -> list[date]:
        """Its days."""
        return [self.first + timedelta(days=number) for number in range((self.last - self.first).days + 1)]

    def __str__(self) -> str:
        days = f"{self.first}" if self.first == self.last else f"{self.first} to {self.last}"
        more = f" and {len(self.stations) - 1} more stations" if len(self.stations) > 1 else ""
        return f"{self.stations[0]}{more}, {days}"


@dataclass(slots=True)
class Api:
    """A network's API for one key. `check_stop` raises where the run is asked to end."""

    fetch: Fetch
    key: Key
    url: str
    transport: Transport
    pace: Pace
    clock: Clock
    check_stop: Callable[[], None]
    calls: int = 0
    retries: int = 0
    waited_seconds: float = field(default=0.0)

    def ask(self, window: Window) -> list[Record]:
        """The records of a window.

        Raises WindowError where it is not answered, DeniedError where nothing will be, SilentError where the network
        asks to be left alone, and QuotaReachedError.
        """
        if self.fetch.pages is None:
            return self._page(window, 0).records
        return read_pages(lambda start: self._page(window, start))

    def _page(self, window: Window, start: int) -> Page:
        for attempt in range(1, TRIES + 1):
            self.check_stop()
            self._take_turn()
            try:
                response = self._get(self._address(window, start))
                return page_of(self.fetch, response, self.key)
            except TooManyCallsError as error:
                pause = self._asked_to_wait(response)
                if attempt == TRIES or pause > MAX_RETRY_AFTER_SECONDS:
                    self._leave_alone(f"{error}", pause)
                why = f"{error}"
            except (BrokenAnswerError, NoResponseError) as error:
                if attempt == TRIES:
                    raise WindowError("no_answer", f"{TRIES} attempts failed; the last: {error}") from None
                pause = FIRST_PAUSE_SECONDS * 2 ** (attempt - 1)
                why = f"{error}"
            LOGGER.warning("%s: attempt %d of %d failed, trying again: %s", window, attempt, TRIES, why)
            self.retries += 1
            self._wait(pause)
        raise AssertionError  # the last attempt returns or raises

    def _take_turn(self) -> None:
        before = self.clock.now()
        self.pace.take()
        self.waited_seconds += self.clock.now() - before
        self.check_stop()
        self.calls += 1

    def _get(self, url: str) -> Response:
        header = self.fetch.key_header
        try:
            return self.transport.get(url, NO_HEADERS if header is None else {header: self.key.reveal()})
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
        return f"{self.url.rstrip('/')}{fetch.path}?{urlencode(pairs)}"

    def _wait(self, seconds: float) -> None:
        self.clock.wait(seconds)
        self.waited_seconds += seconds

    def _asked_to_wait(self, response: Response) -> float:
        """Seconds of a Retry-After, which is a number or a date; a minute where there is none."""
        text = response.headers.get("retry-after", "").strip()
        if text.isdecimal():
            return float(text)
        try:
            until = parsedate_to_datetime(text).astimezone(UTC)
        except ValueError:
            return 60.0
        return max(0.0, (until - datetime.fromtimestamp(self.clock.now(), UTC)).total_seconds())

    def _leave_alone(self, says: str, seconds: float) -> NoReturn:
        raise SilentError(
            f"{self.fetch.network}: {says}. It asks for a wait of {seconds:.0f} s; what was read is kept, run again "
            "later. Does something else use this key too?"
        )


def _filled(template: str, values: Mapping[str, str]) -> str:
    """The text with values in their places; what a value itself says is no place."""
    return _PLACEHOLDER.sub(lambda found: values.get(found.group(), found.group()), template)
