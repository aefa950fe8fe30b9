"""Counts what became of an object's records.

Bad records among good ones are rejected individually; an object with only bad records is rejected as a whole.
"""

from __future__ import annotations

from forecast.core.errors import ObjectRejectedError
from forecast.extract.limits import CHUNK_ROWS


class Ledger:
    """Whether an object has rows, and what was wrong with its first record without any.

    `code` and `word` ("line", "row") are for the error if none of its records can be read.
    """

    def __init__(self, code: str, word: str) -> None:
        self._code = code
        self._word = word
        self._has_rows = False
        self._faults = 0
        self._first = self._several = ("", "")

    def add_rows(self) -> None:
        """Record that there are rows, or an empty list of rows."""
        self._has_rows = True

    def add_unreadable(self, position: str, reason: str) -> None:
        """Record that a record at this position cannot be read. After very many, raises the same error as `check`."""
        message = f"none of its {self._word}s can be read; {position}: {reason}"
        self._add((self._code, message), (self._code, message))

    def add_without_rows(self, code: str, position: str, message: str) -> None:
        """Record that a record at this position has no rows. After very many, raises the same error as `check`."""
        self._add((code, message), (code, f"none of its {self._word}s has rows; {position}: {message}"))

    def check(self) -> None:
        """Raise ObjectRejectedError if there were records, but none of them was a row or had one."""
        if self._faults and not self._has_rows:
            raise ObjectRejectedError(*(self._first if self._faults == 1 else self._several))

    def _add(self, alone: tuple[str, str], several: tuple[str, str]) -> None:
        if not self._faults:
            self._first, self._several = alone, several
        self._faults += 1
        if self._faults >= CHUNK_ROWS:
            self.check()
