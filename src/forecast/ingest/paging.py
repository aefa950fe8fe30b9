"""All records of a paged response, even if records are added or removed while it is read."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from forecast.ingest.answers import Page, Record
from forecast.ingest.faults import WindowError

LOGGER = logging.getLogger("forecast.ingest")
_READINGS: Final = 5


class _ChangedError(Exception):
    """The records are no longer those of the first page."""


def read_pages(page: Callable[[int], Page]) -> list[Record]:
    """The records of all pages, each once; `page` returns those after a number of records.

    A page begins with the last record of the previous one. If it does not, or if the number of records differs from
    the first one, records were added or removed meanwhile: a record may then be in two pages or in none, so all are
    read again. Raises WindowError if this keeps happening.
    """
    for _ in range(_READINGS):
        try:
            return _read_once(page)
        except _ChangedError as error:
            LOGGER.info("reading all pages again: %s", error)
    raise WindowError("changed", f"its records changed between two pages in each of {_READINGS} attempts")


def _read_once(page: Callable[[int], Page]) -> list[Record]:
    found, matched = page(0)
    while matched is not None and len(found) < matched:
        more, then = page(max(0, len(found) - 1))
        if then != matched:
            raise _ChangedError(f"the number of records changed from {matched} to {then}")
        if found:
            if not more or more[0].line != found[-1].line:
                raise _ChangedError(f"record {len(found)} has changed")
            del more[0]
        if not more:
            raise WindowError("no_progress", f"it announces {matched} records, but returns {len(found)}")
        found += more
    if matched is not None and len(found) != matched:
        raise WindowError("no_progress", f"it announces {matched} records, but returns {len(found)}")
    return found
