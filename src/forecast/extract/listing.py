"""Which raw objects are data, and on which day each was synced."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

from forecast.core.raw_objects import RawObject

_SKIPPED = re.compile(
    r"""
    __airbyte_tmp | (^|/)_temporary/                        # unfinished files of Airbyte and Spark
    | (^|/)\.[^/.][^/]*/                                    # hidden folders: notebook checkpoints, recycle bins
    | (^|/)(\.[^/]* | ~\$[^/]*)$                            # hidden files; Excel's lock files
    | \.(tmp|temp|part|partial|filepart|crdownload|lock|swp)$  # being written, or never finished
    | (^|/)(_SUCCESS | _committed_[^/]* | _started_[^/]* | _metadata | _common_metadata)$  # Spark, and its Parquet
    | (^|/)(Thumbs\.db | desktop\.ini)$                     # Windows
    | _\$folder\$$ | /$                                     # folder markers
    """,
    re.VERBOSE,
)
# Airbyte's default name: <year>_<month>_<day>_<epoch ms>_<part>.<extension>, all of the sync's start in UTC.
_AIRBYTE_NAME = re.compile(r"(^|/)(?P<year>\d{4})_(?P<month>\d{1,2})_(?P<day>\d{1,2})_\d{10,}_[^/]+$")


# The same with all digits of each number, so that names sort in the order of their syncs.
_IN_ORDER = re.compile(r"(^|/)\d{4}_\d{2}_\d{2}_(?P<start>\d{13})_[^/]+$")


def is_marker(raw: RawObject) -> bool:
    """Whether an object is not data and is skipped on purpose."""
    return _SKIPPED.search(raw.key) is not None


def sync_day(raw: RawObject) -> date:
    """The UTC day of the sync: from Airbyte's file name, otherwise that of the object's last modification."""
    match = _AIRBYTE_NAME.search(raw.key)
    if match:
        try:
            return date(int(match["year"]), int(match["month"]), int(match["day"]))
        except ValueError:
            pass
    return raw.last_modified.astimezone(UTC).date()


def sync_start(raw: RawObject) -> datetime | None:
    """When the sync began, if the object's name begins with that time and sorts by it; None for any other name."""
    match = _IN_ORDER.search(raw.key)
    return None if match is None else datetime.fromtimestamp(int(match["start"]) / 1000, UTC)
