"""Counts consecutive failed windows, after which a station is skipped or a source ends."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from forecast.ingest.faults import SilentError

LOGGER = logging.getLogger("forecast.ingest")
MAX_FAILURES_OF_STATION: Final = 3
MAX_FAILURES: Final = 5


class Failures:
    """Counts failures in one run of a source; `kept` is the word for what happens to data, "read" or "fetched"."""

    def __init__(self, network: str, kept: str = "read") -> None:
        self._network = network
        self._kept = kept
        self._in_a_row = 0
        self._of: Counter[str] = Counter()
        self._has_answered = False

    def note_answer(self, stations: Iterable[str]) -> None:
        """Record that a window was answered."""
        self._has_answered = True
        self._in_a_row = 0
        for name in stations:
            self._of.pop(name, None)

    def note_failure(self, stations: Iterable[str]) -> None:
        """Count a failed window. Raises SilentError after too many in a row."""
        self._of.update(stations)
        self._in_a_row += 1
        if self._in_a_row >= MAX_FAILURES:
            raise SilentError(
                f"{self._network} did not answer {MAX_FAILURES} times in a row; what was {self._kept} is kept, "
                "run again later"
            )

    def has_failed(self, station: str) -> bool:
        """Whether the last window of a station was not answered."""
        return self._of[station] > 0

    def is_left(self, station: str) -> bool:
        """Whether a station is skipped for the rest of this run."""
        return self._of[station] >= MAX_FAILURES_OF_STATION

    @contextmanager
    def counted_apart(self) -> Iterator[None]:
        """Count failures in the block separately from those after it.

        If the window before the block was answered, a SilentError in it only ends the block.
        """
        in_a_row, of, may_go_on = self._in_a_row, self._of.copy(), self._has_answered and not self._in_a_row
        try:
            yield
        except SilentError as error:
            if not may_go_on:
                raise
            LOGGER.warning("the remaining missing days are left for the next run: %s", error.message)
        finally:
            self._in_a_row, self._of = in_a_row, of
