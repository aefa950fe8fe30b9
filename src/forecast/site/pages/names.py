"""Names of files that come from names of stations."""

from __future__ import annotations

import re
from hashlib import sha256

_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,80}")


def station_page(station_id: str) -> str:
    """The page of a station, without language and ending. What is no plain name becomes a digest of it."""
    plain = _PLAIN.fullmatch(station_id)
    return f"station/{station_id if plain else sha256(station_id.encode('utf-8', 'replace')).hexdigest()[:16]}"
