"""Counts what became of an object's records.

Bad records among good ones are rejected individually; an object with nothing but bad records is rejected.
"""

from __future__ import annotations

from forecast.core.errors import ObjectRejectedError
from forecast.extract.limits import CHUNK_ROWS


class Ledger:
    """Whether an object has rows, and what was wrong with the first of its records that had none.

    `code` and `word` ("line", "row") are those of an object none of whose records can be read.
    """

    def __init__(self, code: str, word: str) -> None:
        self._code = code
        self._word = word
        self._has_rows = False
        self._faults = 0
        self._first = self._several = ("", "")

    def add_rows(self) -> None:
        """There are rows, or a list of rows that is empty."""
        self._has_rows = True

    def add_unreadable(self, position: str, reason: str) -> None:
        """A record at this position cannot be read. Raises what `check` raises, after very many."""
        message = f"none of its {self._word}s can be read; {position}: {reason}"
        self._add((self._code, message), (self._code, message))

    def add_without_rows(self, code: str, position: str, message: str) -> None:
        """A record at this position has no rows. Raises what `check` raises, after very many."""
        self._add((code, message), (code, f"none of its {self._word}s has rows; {position}: {message}"))

    def check(self) -> None:
        """Raises ObjectRejectedError where there were records, and none of them was a row or had one."""
        if self._faults and not self._has_rows:
            raise ObjectRejectedError(*(self._first if self._faults == 1 else self._several))

    def _add(self, alone: tuple[str, str], several: tuple[str, str]) -> None:
        if not self._faults:
            self._first, self._several = alone, several
        self._faults += 1
        if self._faults >= CHUNK_ROWS:
            self.check()
