"""The ways in which a call can fail, by what is lost."""

from __future__ import annotations

from datetime import UTC, datetime

from forecast.core.clock import iso_time
from forecast.core.errors import RetryableError, SettingError


class WindowError(RetryableError):
    """These stations and days were not read; the next run requests them again.

    `code` is a short name for counting.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class UnusableAnswerError(WindowError):
    """There was a response, but not one that can be read as the expected data."""

    exit_code = 3


class DeniedError(SettingError):
    """Nothing will be answered until someone changes something: the source ends."""


class SilentError(RetryableError):
    """The source does not answer, or no longer does: the rest is left for the next run."""


class QuotaReachedError(RetryableError):
    """Our own count of calls has reached the quota: a clean end.

    `again_at` (epoch s) is when the next call is allowed.
    """

    exit_code = 0

    def __init__(self, per_day: int, again_at: float) -> None:
        self.again_at = datetime.fromtimestamp(again_at, UTC)
        super().__init__(
            f"the quota of {per_day:,} calls in 24 hours is used up; the next run continues where this one ended, from "
            f"{iso_time(self.again_at)} on"
        )
