"""Rate-limited calls to one network, with retries if they can help, and their number."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, NoReturn, TypeVar

from forecast.ingest.answers import BrokenAnswerError, TooManyCallsError
from forecast.ingest.clock import Clock
from forecast.ingest.faults import SilentError, WindowError
from forecast.ingest.pace import Pace
from forecast.ingest.transport import NoResponseError, Response, Transport

LOGGER = logging.getLogger("forecast.ingest")
TRIES: Final = 5
FIRST_PAUSE_SECONDS: Final = 2.0  # each is twice the previous one
# If the network asks to wait longer, the source ends, and the next run continues.
MAX_RETRY_AFTER_SECONDS: Final = 300.0
T = TypeVar("T")


@dataclass(slots=True)
class Caller:
    """Makes the calls of one source. `check_stop` raises if the run should end."""

    network: str
    transport: Transport
    pace: Pace
    clock: Clock
    check_stop: Callable[[], None]
    calls: int = 0
    retries: int = 0
    waited_seconds: float = field(default=0.0)

    def call(self, what: str, get: Callable[[], Response], read: Callable[[Response], T]) -> T:
        """The result of `read` for the answer that `get` returns.

        Raises WindowError if all attempts fail, SilentError if the network asks not to be called for a while,
        QuotaReachedError, and any other error of `read`.
        """
        for attempt in range(1, TRIES + 1):
            self.check_stop()
            self._take_turn()
            try:
                response = get()
                return read(response)
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
            LOGGER.warning("%s: attempt %d of %d failed, trying again: %s", what, attempt, TRIES, why)
            self.retries += 1
            self._wait(pause)
        raise AssertionError  # the last attempt returns or raises

    def _take_turn(self) -> None:
        before = self.clock.now()
        self.pace.take()
        self.waited_seconds += self.clock.now() - before
        self.check_stop()
        self.calls += 1

    def _wait(self, seconds: float) -> None:
        self.clock.wait(seconds)
        self.waited_seconds += seconds

    def _asked_to_wait(self, response: Response) -> float:
        """The seconds of a Retry-After, which can be a number or a date; a minute if there is none."""
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
            f"{self.network}: {says}. It asks to wait {seconds:.0f} s; what was read is kept, run again "
            "later. Does something else use this key too?"
        )
