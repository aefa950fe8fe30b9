"""Which licences forbid commercial use."""

from __future__ import annotations

import re
from typing import Final

from forecast.core.stations import Licence

# The names and addresses of Creative Commons' licences: "CC BY-NC 4.0", ".../licenses/by-nc/2.0/fr/".
_NON_COMMERCIAL: Final = re.compile(r"\bNC\b|non-?commercial", re.IGNORECASE)


def is_non_commercial(licence: Licence) -> bool:
    """Whether the name or the address of a licence says that it forbids commercial use."""
    return any(_NON_COMMERCIAL.search(text or "") for text in (licence["name"], licence["url"]))
