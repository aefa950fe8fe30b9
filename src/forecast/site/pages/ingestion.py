"""The page on ingestion: the age of each network's newest data, and what `forecast ingest` has read."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from forecast.site.model import Site, StationView
from forecast.site.words import Language


def ingestion_page(site: Site, language: Language) -> dict[str, Any]:
    """What the template shows."""
    networks: defaultdict[str, list[StationView]] = defaultdict(list)
    for view in site.stations:
        networks[view.place.network or view.place.id].append(view)
    rows = [_row(name, views, site, language) for name, views in sorted(networks.items())]
    newest = max((view.last for view in site.stations if view.last is not None), default=None)
    headline = language.t("There are no observations yet.")
    if newest is not None:
        headline = language.t("The newest observation is from {time}", time=language.long_moment(newest))
    return {"headline": headline, "networks": rows}


def _row(name: str, views: list[StationView], site: Site, language: Language) -> dict[str, str]:
    newest = max((view.last for view in views if view.last is not None), default=None)
    age = None if newest is None or site.made_at is None else (site.made_at - newest).total_seconds()
    return {
        "name": name,
        "stations": language.number(len(views)),
        "fresh": language.number(sum(view.state == "fresh" for view in views)),
        "newest": "–" if newest is None else language.moment(newest, site.made_at),
        "age": "–" if age is None else language.span(max(0.0, age)),
    }
