"""What can go wrong, by what the caller should do about it.

ForecastError
├── RetryableError        try again: the database or S3 is out of reach             exit code 1
├── SettingError          change something: usage, settings, credentials, schema    exit code 2
└── ObjectRejectedError   leave this object out, go on with the others              exit code 3
"""

from __future__ import annotations

from typing import Final

# Of a message about an object: what a library says of damaged content may hold all of that content.
MOST_LETTERS: Final = 900


class ForecastError(Exception):
    """Any foreseeable fault; its text is one or two sentences for the person who reads it."""

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class RetryableError(ForecastError):
    """Running again may help."""

    exit_code = 1


class SettingError(ForecastError):
    """Running again will not help until someone changes something."""

    exit_code = 2


class ObjectRejectedError(ForecastError):
    """Nothing of one raw object is loaded; the load of the others goes on.

    `code` is a short name to count by; `message` says what was found and what to do, in MOST_LETTERS at most.
    """

    exit_code = 3

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message if len(message) <= MOST_LETTERS else f"{message[: MOST_LETTERS - 1]}…")
        self.code = code


class InterruptedRunError(ForecastError):
    """Ctrl-C or SIGTERM: what was in flight is finished or undone."""

    exit_code = 1
