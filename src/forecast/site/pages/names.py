"""Names of files that come from names of stations."""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import sha256
from typing import Final

from forecast.site.model import Site
from forecast.site.render import page_name
from forecast.site.words import Language

_DIGEST_LETTERS: Final = 16
_PLAIN: Final = re.compile(r"[A-Za-z0-9_-]{1,80}")


def station_page(station_id: str) -> str:
    """The page of a station, without language and extension. A name with special characters is replaced by a digest."""
    return f"station/{_plain(station_id)}"


def station_link(site: Site, station_id: str, language: Language) -> str | None:
    """The file of a station's page, for links from the pages of all stations; None if it has no page."""
    return page_name(station_page(station_id), language) if site.has_page(station_id) else None


def station_data(station_id: str) -> str:
    """The script with a station's week, for the pages in all languages."""
    return f"data/{_plain(station_id)}.js"


# The pages of all stations name each station nine times.
@lru_cache(maxsize=1 << 15)
def _plain(station_id: str) -> str:
    digest = sha256(station_id.encode("utf-8", "replace")).hexdigest()[:_DIGEST_LETTERS]
    return station_id if _PLAIN.fullmatch(station_id) else digest
