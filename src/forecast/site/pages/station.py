"""One station: how it is, its last week at full resolution, and six weeks of completeness."""

from __future__ import annotations

from typing import Any

from forecast.site.marks import station_mark
from forecast.site.model import Site, StationView
from forecast.site.pages.stations import about, why
from forecast.site.words import Language


def station_values(view: StationView, site: Site, language: Language) -> dict[str, Any]:
    """What the template shows."""
    place = view.place
    facts = [about(view, language)]
    if place.latitude is not None and place.longitude is not None:
        facts.append(
            f"{_degrees(place.latitude, 'N', 'S')} {_degrees(place.longitude, language.t('E'), language.t('W'))}"
        )
    if place.elevation is not None:
        facts.append(f"{place.elevation:g} m")
    if place.licence:
        facts.append(language.t("licence {name}", name=place.licence))
    return {
        "view": view,
        "mark": station_mark(view.shown_state),
        "facts": " · ".join(facts),
        "why": why(view, site, language),
        "last": None if view.last is None else language.long_moment(view.last),
    }


def _degrees(value: float, positive: str, negative: str) -> str:
    return f"{abs(value):.3f}° {positive if value >= 0 else negative}"
