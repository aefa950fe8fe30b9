"""The page of all stations: their positions, their states, and the reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any, Final

from markupsafe import Markup, escape

from forecast.core.presence import LATE_INTERVALS
from forecast.core.text import escaped
from forecast.report.attention import SUSPECT_SHARE
from forecast.site.charts.map import NARROW, WIDE, Mark, station_maps
from forecast.site.marks import STATION_MARKS, StateMark, order_of, station_mark
from forecast.site.model import Day, Site, StationView
from forecast.site.pages.names import station_link
from forecast.site.words import Language

_SIZES: Final = {"wide": WIDE, "narrow": NARROW}
# As many are found without a filter.
_FEW: Final = 12
_MEANINGS: Final = {
    "silent": "Its newest observation is older than {hours} hours.",
    "suspect": "It is sending, but more than {share} of the values of a parameter are flagged on its last day.",
    "late": "Its newest observation is older than {intervals} of its intervals.",
    "never": "It is in the registry, but the database has no observations of it.",
    "undelivered": "It is in the registry, but nothing has been received from its network.",
    "fresh": "It is sending, and few of its values are flagged.",
}


def stations_page(site: Site, language: Language) -> dict[str, Any]:
    """What the template shows."""
    stations = sorted(site.stations, key=lambda one: (order_of(one.shown_state), one.place.name, one.place.id))
    counts = Counter(one.shown_state for one in stations)
    parts = [f"{language.number(counts[s])} {language.t(station_mark(s).word)}" for s in sorted(counts, key=order_of)]
    number = language.number(len(stations))
    one = language.t(
        "1 station: {states}" if len(stations) == 1 else "{number} stations: {states}",
        number=number,
        states=", ".join(parts),
    )
    return {
        "headline": one if stations else language.t("There are no stations"),
        "maps": _maps(stations, site, language),
        "rows": Markup("\n".join(_row(one, site, language) for one in stations)),  # noqa: S704  _row escapes
        "filtered": len(stations) > _FEW,
        "meanings": list(_meanings(site, language)),
        "unwritten": language.number(len(site.unwritten)) if site.unwritten else None,
    }


def suspicion(view: StationView, language: Language) -> str:
    """Why a station is suspect; empty if it is not."""
    if view.shown_state == "suspect" and (worst := view.worst) is not None:
        words = "{parameter}: {flagged} of {received} values of its last day are flagged"
        return language.t(
            words,
            parameter=language.parameter(worst[0]),
            flagged=language.number(worst[1].flagged),
            received=language.number(worst[1].received),
        )
    return ""


def _why(view: StationView, site: Site, language: Language) -> str:
    """Why a station is in its state."""
    if words := suspicion(view, language):
        return words
    if view.last is None or site.made_at is None or view.state not in {"silent", "late"}:
        return ""
    age = language.span(max(0.0, (site.made_at - view.last).total_seconds()))
    return language.t("nothing for {age}", age=age)


def about(view: StationView, language: Language) -> str:
    """Id, network and interval of a station."""
    place = view.place
    parts = (place.id, place.network, _interval(place.interval_minutes, language))
    return " · ".join(filter(None, parts))


@cache
def _interval(minutes: float | None, language: Language) -> str:
    return "" if minutes is None else language.t("every {minutes} min", minutes=f"{minutes:g}")


def last_day(view: StationView) -> Day | None:
    """The newest day with values."""
    return next((day for day in reversed(view.days) if day.received), None)


def _row(view: StationView, site: Site, language: Language) -> str:
    """The row of a station, with all data escaped.

    Of ten thousand stations the template would take half a second a language.
    """
    day = last_day(view)
    received, flagged = "–", "–"
    if day is not None:
        received = f"{language.number(day.received)} / {language.number(day.expected)}"
        values = sum(one.received for one in day.parameters.values())
        share = sum(one.flagged for one in day.parameters.values()) / values if values else None
        flagged = language.percent(share)
    last = "–" if view.last is None else language.moment(view.last, site.made_at)
    name = f"<strong>{_shown(view.place.name)}</strong>"
    if (href := station_link(site, view.place.id, language)) is not None:
        name = f'<a href="{_shown(href)}">{name}</a>'
    return (
        f'<tr class="station">{_tag(view.shown_state, language)}\n<td class="block">{name}'
        f'<span class="soft">{_shown(about(view, language))}</span></td>\n'
        f'<td class="block">{_shown(_why(view, site, language))}</td>{_cells(last, received, flagged, language)}</tr>'
    )


@cache
def _tag(state: str, language: Language) -> str:
    mark = station_mark(state)
    return f'<td class="block"><span class="tag {mark.kind}">{mark.glyph} {language.t(mark.word)}</span></td>'


# Nearly all stations of a network have the same.
@lru_cache(maxsize=1 << 12)
def _cells(last: str, received: str, flagged: str, language: Language) -> str:
    numbers = (("Last value", last), ("Received, last day", received), ("Flagged", flagged))
    return "".join(f'\n<td class="n" data-label="{_shown(language.t(one))}">{text}</td>' for one, text in numbers)


# Texts of stations are in the table, and on both maps, in each language.
@lru_cache(maxsize=1 << 15)
def _shown(text: str) -> Markup:
    return escape(escaped(text))


def _maps(stations: list[StationView], site: Site, language: Language) -> dict[str, Markup]:
    """The map, for wide screens and for phones. The worst stations come last, so they are drawn on top."""
    marks = []
    for one in reversed(stations):
        place, mark = one.place, station_mark(one.shown_state)
        if place.latitude is not None and place.longitude is not None:
            title = f"{place.name}: {language.t(mark.word)}"
            href = station_link(site, place.id, language)
            marks.append(Mark(place.name, title, href, place.latitude, place.longitude, mark.kind, mark.glyph))
    label = language.t("Map of the stations")
    return station_maps(marks, label, _SIZES) if marks else {}


def _meanings(site: Site, language: Language) -> Iterator[tuple[StateMark, str]]:
    hours = language.number(site.silent_hours)
    share = language.percent(SUSPECT_SHARE, 0)
    for state, words in _MEANINGS.items():
        yield STATION_MARKS[state], language.t(words, hours=hours, share=share, intervals=str(LATE_INTERVALS))
