"""Checks that the zones are separate, and explains an empty raw zone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from forecast.core.errors import ForecastError, SettingError
from forecast.core.places import check_not_inside
from forecast.core.settings import Settings
from forecast.core.text import escaped
from forecast.storage import Store

_MAX_NAMES = 8


def check_apart(settings: Settings) -> None:
    """Raise SettingError if the processed zone, the reports or the dashboard are where they would be read as raw data.

    Neither zone may be inside the other, because the next run would read what this one writes as raw objects.
    """
    raw, processed = settings.require_zones()
    check_not_inside(("RAW_URI", raw), ("PROCESSED_URI", processed))
    check_not_inside(("PROCESSED_URI", processed), ("RAW_URI", raw))
    check_not_inside(("RAW_URI", raw), ("LOGS_DIR", str(settings.logs_dir)))
    if settings.site_uri is not None:
        check_not_inside(("RAW_URI", raw), ("SITE_URI", settings.site_uri))


def nothing_there(store: Store, skipped: int) -> SettingError:
    """The error for a raw zone without any object, naming what lies next to it."""
    only = f" but {skipped} markers and temporary files" if skipped else ""
    try:
        where, names = store.beside()
    except ForecastError:
        # Users who may only list the zone cannot be shown what is next to it.
        where, names = "", ()
    shown = ", ".join(escaped(name) for name in names[:_MAX_NAMES])
    more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
    beside = f"; in {where} there is {shown}{more}" if names else ""
    return SettingError(
        f"there is nothing below {store.uri}{only}{beside}. Is RAW_URI right, and has a sync been written?"
    )


def no_such_day(since: date | None, until: date | None, days: Mapping[date, int]) -> SettingError:
    """The error for days without synced objects; it names the days that have some, and how many."""
    asked = f"from {since or 'the beginning'} to {until or 'the end'}" if since != until else f"on {since}"
    known = sorted(days)
    shown = ", ".join(str(day) for day in known[-_MAX_NAMES:])
    earlier = f"{len(known) - _MAX_NAMES} earlier days, " if len(known) > _MAX_NAMES else ""
    return SettingError(
        f"no object of the raw zone was synced {asked} (--date, --since, --until are days of the sync, not of the "
        f"observations); the {sum(days.values())} objects there were synced on {earlier}{shown}"
    )
