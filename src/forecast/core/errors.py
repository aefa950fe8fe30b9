"""Errors, grouped by what the caller should do.

ForecastError
├── RetryableError        try again: the database or S3 is unreachable             exit code 1
├── SettingError          change something: usage, settings, credentials, schema    exit code 2
│   └── ObjectDeniedError the same for a single raw object; the others are loaded   exit code 2
└── ObjectRejectedError   skip this object and continue with the others             exit code 3
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

# The limit for a message about an object: a library's error can quote all of its damaged content.
MAX_LETTERS: Final = 900
_WORST_FIRST: Final = (2, 1, 3, 0)


def worst_exit_code(codes: Iterable[int]) -> int:
    """The exit code of several operations: "change something" (2) before "run again" (1) before rejected data (3)."""
    found = {0, *codes}
    return next(code for code in _WORST_FIRST if code in found)


class ForecastError(Exception):
    """Any foreseeable fault; its text is one or two sentences for the person who reads it.

    If several faults can be reported at once, `messages` has all of them.
    """

    exit_code = 1

    def __init__(self, *messages: str) -> None:
        self.messages = messages
        self.message = "; ".join(messages)
        super().__init__(self.message)


class RetryableError(ForecastError):
    """Running again may help."""

    exit_code = 1


class SettingError(ForecastError):
    """Running again will not help until someone changes something."""

    exit_code = 2


class ObjectDeniedError(SettingError):
    """This user or role has no permission to read one raw object; the others are loaded."""


class ObjectRejectedError(ForecastError):
    """One raw object is rejected; the others are loaded.

    `code` is a short name to count by. `message` says what was found and what to do, in at most MAX_LETTERS.
    `again_at` (UTC) is the time from which the same object may pass, if it is only rejected for now.
    """

    exit_code = 3

    def __init__(self, code: str, message: str, again_at: datetime | None = None) -> None:
        super().__init__(message if len(message) <= MAX_LETTERS else f"{message[: MAX_LETTERS - 1]}…")
        self.code = code
        self.again_at = again_at


class InterruptedRunError(ForecastError):
    """Ctrl-C or SIGTERM: work in progress has been finished or undone."""

    exit_code = 1
