"""The page on quarantined rows and rejected objects, each with its reason."""

from __future__ import annotations

from typing import Any

from forecast.site.model import Site
from forecast.site.words import Language


def quarantine_page(site: Site, language: Language) -> dict[str, Any]:
    """What the template shows."""
    quarantine = site.quarantine
    rows, objects = language.number(quarantine.total), language.number(len(quarantine.objects))
    words = "Quarantine: {rows} rows, and {objects} objects rejected by the last run"
    shown = sum(group.rows for group in quarantine.rows)
    return {
        "headline": language.t(words, rows=rows, objects=objects),
        "quarantine": quarantine,
        "more": quarantine.total - shown,
    }
