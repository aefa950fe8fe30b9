"""The page of one station: its state, its last week at full resolution, and six weeks of completeness."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, Final

import numpy as np
from markupsafe import Markup, escape

from forecast.core.parameters import PARAMETER_NAMES
from forecast.core.text import escaped
from forecast.site.charts.rose import draw_rose, wind_rose
from forecast.site.marks import station_mark
from forecast.site.model import NIGHTS, Day, StationView, Week, last_days
from forecast.site.pages.names import station_data
from forecast.site.pages.stations import about, suspicion
from forecast.site.words import Language

_GOOD: Final = 0
# The minimum share of the expected values, and the class of its colour.
_SHARES: Final = ((0.95, "c1"), (0.75, "c2"), (0.4, "c3"), (1e-9, "c4"))
_NOTHING: Final = "c5"
_RING: Final = 0.05
_DATE_EVERY: Final = 7
_COMPASS: Final = ("N", "E", "S", "W")
# A mean of directions or codes says nothing.
_WITHOUT_MEAN: Final = frozenset({"wind_from_direction", "present_weather", "precipitation_counter"})


def station_values(view: StationView, language: Language) -> dict[str, Any]:
    """The variables of the template. They do not depend on the time, so the page stays the same without news."""
    rose = None if view.week is None else wind_rose(view.week)
    compass = [language.t(letter) for letter in _COMPASS]
    return {
        "view": view,
        "mark": station_mark(view.shown_state),
        "facts": " · ".join(_facts(view, language)),
        "why": suspicion(view, language),
        "last": None if view.last is None else language.long_moment(view.last),
        "since": None if view.since is None else language.long_moment(view.since),
        "first": None if view.first is None else language.long_day(view.first),
        "data": f"../{station_data(view.place.id)}" if view.week is not None else None,
        "charts": [] if view.week is None else list(_charts(view.week, language)),
        "gap": view.week is not None,
        "heat": _heat(view, language),
        "rose": None
        if rose is None
        else draw_rose(rose, compass, language.t("Wind rose"), f"{{}}{language.percent_sign}"),
        "calm": None if rose is None else language.percent(rose.calm, 0),
        "numbers": [] if view.week is None else list(_numbers(view.week, language)),
    }


def _facts(view: StationView, language: Language) -> Iterator[str]:
    place = view.place
    yield about(view, language)
    if place.latitude is not None and place.longitude is not None:
        north = language.t("N" if place.latitude >= 0 else "S")
        east = language.t("E" if place.longitude >= 0 else "W")
        yield f"{abs(place.latitude):.3f}° {north} {abs(place.longitude):.3f}° {east}"
    if place.elevation is not None:
        yield f"{place.elevation:g} m"
    if place.licence:
        yield language.t("licence {name}", name=place.licence)


def _measured(names: Sequence[str]) -> list[str]:
    """In the order of the table of parameters."""
    return [name for name in PARAMETER_NAMES if name in names]


def _charts(week: Week, language: Language) -> Iterator[dict[str, Any]]:
    for name in _measured(list(week.values)):
        if np.isnan(week.values[name]).all():
            continue
        flagged = int((week.flags[name] != _GOOD).sum())
        unit = language.unit(name)
        note = ""
        if flagged:
            checks = ", ".join(week.checks.get(name, ()))
            note = language.t("{number} flagged: {checks}", number=language.number(flagged), checks=checks)
        yield {"name": name, "title": f"{language.parameter(name)}{f' ({unit})' if unit else ''}", "note": note}


def _heat(view: StationView, language: Language) -> dict[str, Any] | None:
    """Received against expected values by parameter and day, of six weeks up to the newest day."""
    if not view.days:
        return None
    days = last_days(view.days[-1].day, NIGHTS)
    known = {day.day: day for day in view.days}
    names = _measured(list({name for day in view.days for name in day.parameters}))
    # Nothing was expected before the first observation.
    before = [day for day in days if view.first is not None and day < view.first.date()]
    blank = "".join(_blank(day, language) for day in before)
    rows = []
    for name in names:
        most = max(_received(day, name) for day in view.days)
        cells = "".join(_cell(day, known.get(day), name, most, language) for day in days[len(before) :])
        rows.append({"title": language.parameter(name), "cells": Markup(blank + cells)})  # noqa: S704  escaped words
    heads = [language.day(day) for place, day in enumerate(days) if place % _DATE_EVERY == 0]
    return {"heads": heads, "rows": rows, "span": _DATE_EVERY}


def _received(day: Day, name: str) -> int:
    return day.parameters[name].received if name in day.parameters else 0


def _cell(day: date, known: Day | None, name: str, most: int, language: Language) -> str:
    """A parameter on one day. A parameter that is reported less often is compared with its own best day."""
    values = None if known is None else known.parameters.get(name)
    expected = most if known is None else min(known.expected, most) or most
    if values is None:
        return _counted(day, 0, expected, 0, language)
    return _counted(day, values.received, expected, values.flagged, language)


# Most cells of a page are those of other parameters, and of other stations.
@lru_cache(maxsize=10_000)
def _counted(day: date, received: int, expected: int, flagged: int, language: Language) -> str:
    share = received / expected if expected else 0.0
    kind = next((kind for least, kind in _SHARES if share >= least), _NOTHING)
    words = f"{language.day(day)}: {language.number(received)} / {language.number(expected)}"
    if flagged:
        words += f", {language.t('{number} flagged', number=language.number(flagged))}"
    ring = " ring" if received and flagged > _RING * received else ""
    return _drawn(f"{kind}{ring}", words)


@lru_cache(maxsize=1_000)
def _blank(day: date, language: Language) -> str:
    return _drawn("", language.day(day))


def _drawn(kind: str, words: str) -> str:
    """A cell of the table. With the template, a page's hundreds of cells took over 1 ms of CPU more."""
    shown = escape(escaped(words))
    return f'<td class="{kind}" title="{shown}"><span>{shown}</span></td>'


def _numbers(week: Week, language: Language) -> Iterator[dict[str, str]]:
    """The statistics of the week, from good values only."""
    for name in _measured(list(week.values)):
        values = week.values[name]
        there = ~np.isnan(values)
        if not there.any():
            continue
        good = values[there & (week.flags[name] == _GOOD)]
        known = len(good) > 0
        yield {
            "title": language.parameter(name),
            "least": language.number(float(good.min()), 1) if known else "–",
            "mean": language.number(float(good.mean()), 1) if known and name not in _WITHOUT_MEAN else "–",
            "most": language.number(float(good.max()), 1) if known else "–",
            "values": language.number(int(there.sum())),
            "flagged": language.number(int(there.sum()) - len(good)),
        }
