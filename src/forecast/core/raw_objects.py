"""One object of the raw zone. Separate from the schemas, so that listing objects does not need Arrow."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple


class RawObject(NamedTuple):
    """One object of the raw zone, as it was listed."""

    key: str  # relative to RAW_URI: opaque, never decoded, never a local path
    uri: str
    size: int
    etag: str
    last_modified: datetime
