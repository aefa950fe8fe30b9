"""How reading a source ended."""

from __future__ import annotations

from collections.abc import Callable

from forecast.core.errors import ForecastError, InterruptedRunError
from forecast.ingest.caller import Caller
from forecast.ingest.faults import QuotaReachedError, SilentError
from forecast.ingest.result import Outcome, SourceResult


def note_ending(result: SourceResult, error: ForecastError, keep: Callable[[], None]) -> None:
    """Record how a source ended early, after keeping what was read, if possible."""
    kind = error
    if isinstance(error, (QuotaReachedError, SilentError, InterruptedRunError)) or error.exit_code == 2:  # noqa: PLR2004
        try:
            keep()
        except ForecastError as worse:
            kind = worse
    result.fault = kind.message
    result.exit_code = kind.exit_code
    if isinstance(kind, QuotaReachedError):
        result.outcome = Outcome.QUOTA_REACHED
    elif isinstance(kind, InterruptedRunError):
        result.outcome = Outcome.INTERRUPTED
    else:
        result.outcome = Outcome.FAILED


def note_calls(result: SourceResult, caller: Caller) -> None:
    """Record the numbers of calls."""
    result.calls, result.retries, result.waited_seconds = caller.calls, caller.retries, caller.waited_seconds


def note_partial(result: SourceResult) -> None:
    """Record that a source was read completely, except for what was not answered or not accepted."""
    if result.window_faults and result.outcome in {Outcome.SUCCESS, Outcome.QUOTA_REACHED}:
        result.outcome = Outcome.PARTIAL
        result.exit_code = min(fault.exit_code for fault in result.window_faults)  # 1 before 3
