"""The page of all stations: their positions, their states, and the reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from markupsafe import Markup, escape

from forecast.core.presence import LATE_INTERVALS
from forecast.core.text import escaped
from forecast.report.attention import SUSPECT_SHARE
from forecast.site.charts.map import NARROW, WIDE, Mark, station_map
from forecast.site.marks import STATION_MARKS, StateMark, order_of, station_mark
from forecast.site.model import Day, Site, StationView
from forecast.site.pages.names import station_link
from forecast.site.words import Language

_SIZES: Final = {"wide": WIDE, "narrow": NARROW}
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
        "rows": [_row(one, site, language) for one in stations],
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
    if view.last is None or site.made_at is None:
        return ""
    age = language.span(max(0.0, (site.made_at - view.last).total_seconds()))
    if view.state in {"silent", "late"}:
        return language.t("nothing for {age}", age=age)
    return ""


def about(view: StationView, language: Language) -> str:
    """Id, network and interval of a station."""
    place = view.place
    parts = [place.id, place.network]
    if place.interval_minutes is not None:
        parts.append(language.t("every {minutes} min", minutes=f"{place.interval_minutes:g}"))
    return " · ".join(part for part in parts if part)


def last_day(view: StationView) -> Day | None:
    """The newest day with values."""
    return next((day for day in reversed(view.days) if day.received), None)


def _row(view: StationView, site: Site, language: Language) -> Markup:
    """The row of a station. Of ten thousand stations the template would take half a second a language."""
    mark, day = station_mark(view.shown_state), last_day(view)
    received, flagged = "–", "–"
    if day is not None:
        received = f"{language.number(day.received)} / {language.number(day.expected)}"
        values = sum(one.received for one in day.parameters.values())
        share = sum(one.flagged for one in day.parameters.values()) / values if values else None
        flagged = language.percent(share)
    last = "–" if view.last is None else language.moment(view.last, site.made_at)
    numbers = (("Last value", last), ("Received, last day", received), ("Flagged", flagged))
    cells = "".join(f'\n<td class="n" data-label="{_label(one, language)}">{text}</td>' for one, text in numbers)
    name = f"<strong>{_shown(view.place.name)}</strong>"
    if (href := station_link(site, view.place.id, language)) is not None:
        name = f'<a href="{_shown(href)}">{name}</a>'
    return Markup(  # noqa: S704  all data are escaped
        f'<tr class="station"><td class="block"><span class="tag {mark.kind}">{mark.glyph} {language.t(mark.word)}'
        f'</span></td>\n<td class="block">{name}'
        f'<span class="soft">{_shown(about(view, language))}</span></td>\n'
        f'<td class="block">{_shown(_why(view, site, language))}</td>{cells}</tr>'
    )


@cache
def _label(words: str, language: Language) -> Markup:
    return _shown(language.t(words))


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
    return {name: station_map(marks, label, size) for name, size in _SIZES.items()} if marks else {}


def _meanings(site: Site, language: Language) -> Iterator[tuple[StateMark, str]]:
    hours = language.number(site.silent_hours)
    share = language.percent(SUSPECT_SHARE, 0)
    for state, words in _MEANINGS.items():
        yield STATION_MARKS[state], language.t(words, hours=hours, share=share, intervals=str(LATE_INTERVALS))
