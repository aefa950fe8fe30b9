"""The quality of the last run: the worst episodes, sensors, checks, and duplicates with differing values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from markupsafe import Markup

from forecast.core.parameters import PARAMETER_NAMES
from forecast.qc.check import Scope
from forecast.qc.registry import CHECKS
from forecast.site.marks import FLAG_MARKS
from forecast.site.model import CheckCount, Quality, Site
from forecast.site.pages.names import station_link
from forecast.site.svg import tag
from forecast.site.words import Language

_FAMILIES: Final = {
    Scope.STATION: "The station alone",
    Scope.NEIGHBOURS: "The station among its neighbours",
    Scope.DAY: "A day as a whole",
}
_MAX_STATIONS: Final = 12
_BAD_SHARE: Final = 0.05
_BAR: Final = 120.0


def quality_page(site: Site, language: Language) -> dict[str, Any]:
    """What the template shows."""
    quality = site.quality
    if quality is None:
        return {"quality": None}
    return {
        "quality": quality,
        "episodes": [
            {
                "episode": one,
                "mark": FLAG_MARKS[one.flag],
                "name": site.station_name(one.station),
                "href": station_link(site, one.station, language),
            }
            for one in quality.episodes
        ],
        "matrix": _matrix(quality, site, language),
        "families": list(_families(quality, language)),
        "duplicates_by_station": [
            (site.station_name(station), number) for station, number in quality.duplicates_by_station.items()
        ],
    }


def _matrix(quality: Quality, site: Site, language: Language) -> dict[str, Any]:
    """Stations with the most flagged values first."""
    flagged = Counter({name: sum(bad for _, bad in one.values()) for name, one in quality.flags.items()})
    stations = sorted(flagged, key=lambda name: (-flagged[name], site.station_name(name)))
    shown = stations[:_MAX_STATIONS]
    names = [name for name in PARAMETER_NAMES if any(name in quality.flags[station] for station in shown)]
    return {
        "heads": [site.station_name(station) for station in shown],
        "rows": [
            {
                "title": language.parameter(name),
                "cells": [_cell(quality.flags[station].get(name), language) for station in shown],
            }
            for name in names
        ],
        "more": len(stations) - len(shown),
    }


def _cell(counts: tuple[int, int] | None, language: Language) -> dict[str, Any]:
    if counts is None or not counts[0]:
        return {"text": "", "bad": False}
    share = counts[1] / counts[0]
    return {"text": language.percent(share) if share else "0", "bad": share > _BAD_SHARE}


def _families(quality: Quality, language: Language) -> Iterator[dict[str, Any]]:
    largest = max((_share(one) or 0.0 for one in quality.checks), default=0.0)
    for scope, title in _FAMILIES.items():
        found = [one for one in quality.checks if one.check in CHECKS and CHECKS[one.check].scope is scope]
        rows = [{"count": one, "share": language.percent(_share(one), 2), "bar": _bar(one, largest)} for one in found]
        yield {"title": title, "checks": rows}


def _share(one: CheckCount) -> float | None:
    return (one.suspect + one.failed) / one.evaluated if one.evaluated else None


def _bar(one: CheckCount, largest: float) -> Markup:
    """The share of values that a check flagged, relative to the check that flagged the most."""
    width = _BAR * (_share(one) or 0.0) / largest if largest else 0.0
    track = tag("rect", class_="track", width=_BAR, height=8, rx=4)
    fill = tag("rect", class_="fill bad" if one.failed else "fill", width=max(width, 2.0), height=8, rx=4)
    return tag("svg", track, fill if width else Markup(), class_="bar", view_box=f"0 0 {_BAR:g} 8", aria_hidden="true")
