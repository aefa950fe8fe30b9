"""The site in French: the sentences of its pages, and those of the reports that it shows."""

from __future__ import annotations

from typing import Final

FRENCH: Final[dict[str, str]] = {}
FRENCH_MESSAGES: Final[dict[str, str]] = {}
