"""When runs are due: a cron expression in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from typing import Final

# More than a month of hourly runs, or the last seventeen hours of runs that are due every minute.
_MAX: Final = 1000
_MINUTE: Final = timedelta(minutes=1)


def checked_expression(text: str) -> str:
    """A cron expression of five fields. Raises ValueError if it is not one."""
    from cronsim import CronSim, CronSimError  # noqa: PLC0415  no help text needs it

    fields = text.split()
    try:
        if len(fields) != 5:  # noqa: PLR2004  a sixth would be seconds
            raise ValueError
        CronSim(text, datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        raise ValueError(f"is {text[:80]!r} ({str(error).lower()})") from None
    return " ".join(fields)


def due_between(expression: str, after: datetime, until: datetime) -> tuple[datetime, ...]:
    """The due times after `after` and up to `until`, oldest first; at most the last thousand."""
    from cronsim import CronSim  # noqa: PLC0415

    # CronSim only yields times strictly before.
    backwards = CronSim(expression, _just_after(until), reverse=True)
    return tuple(islice(takewhile(lambda moment: moment > after, backwards), _MAX))[::-1]


def next_due(expression: str, now: datetime) -> datetime | None:
    """The next due time; None if there is none in the next fifty years."""
    from cronsim import CronSim  # noqa: PLC0415

    return next(iter(CronSim(expression, now.astimezone(UTC))), None)


def _just_after(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0, second=0) + _MINUTE
