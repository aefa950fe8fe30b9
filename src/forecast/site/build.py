"""Builds the files of the site from the model alone: the same model gives the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import fields, replace
from functools import cache, partial
from hashlib import sha256
from operator import attrgetter
from typing import Any, Final

from forecast.site.marks import order_of
from forecast.site.model import Place, Site, StationView
from forecast.site.pages.ingestion import ingestion_page
from forecast.site.pages.latency import latency_page
from forecast.site.pages.names import station_data, station_page
from forecast.site.pages.overview import overview
from forecast.site.pages.quality import quality_page
from forecast.site.pages.quarantine import quarantine_page
from forecast.site.pages.station import station_values
from forecast.site.pages.stations import stations_page
from forecast.site.publish import Linking, OnDemand
from forecast.site.render import STATIC, TIMES, files_digest, page_name, render, times_script, with_times
from forecast.site.week import week_script
from forecast.site.words import LANGUAGES, Language

_PAGES: Final[Mapping[str, tuple[str, Callable[[Site, Language], dict[str, Any]]]]] = {
    "stations": ("stations", stations_page),
    "quality": ("quality", quality_page),
    "latency": ("latency", latency_page),
    "quarantine": ("quarantine", quarantine_page),
    "ingestion": ("ingestion", ingestion_page),
    "index": ("overview", overview),
}
# As a tuple: a dataclass takes longer to describe itself than the rest of a station takes.
_OF_PLACE: Final = attrgetter(*(field.name for field in fields(Place)))


def site_files(site: Site) -> Iterator[tuple[str, bytes | Linking]]:
    """Every file by its name; files that others refer to come first, the overview last."""
    yield from _static_files()
    for view in site.stations:
        yield from _station_files(view, site)
    yield from _pages(site)


def changed_files(
    site: Site, program: str, details: Callable[[Sequence[StationView]], Iterator[StationView]]
) -> Iterator[tuple[str, bytes | OnDemand | Linking]]:
    """The same, but a station's files are only built if there is news of it since they were built; the worst first.

    `details` yields stations with their days and their weeks, which queries the database. What a page shows of those
    is covered by `StationView.revision`, everything else by the view itself and the digest of the program.
    """
    yield from _static_files()
    ahead = _Ahead(details)
    common = _digest(site.version, site.in_turn, program, files_digest())
    for view in sorted(site.stations, key=lambda one: order_of(one.shown_state)):
        yield from _on_demand(view, site, common, ahead)
    yield from _pages(site)


def _static_files() -> Iterator[tuple[str, bytes]]:
    for path in sorted(STATIC.iterdir()):
        yield f"static/{path.name}", path.read_bytes()


def _station_files(view: StationView, site: Site) -> Iterator[tuple[str, bytes]]:
    name = station_page(view.place.id)
    if view.week is not None:
        yield station_data(view.place.id), week_script(view.week, view.place.interval_minutes)
    for language in LANGUAGES:
        values = {"in_turn": site.in_turn, **station_values(view, language)}
        yield page_name(name, language), render("station", site.version, language, name, values)


class _Ahead:
    """Reads the details of stations whose files will be built: one query is for many of them."""

    def __init__(self, details: Callable[[Sequence[StationView]], Iterator[StationView]]) -> None:
        self._details = details
        self._expected: dict[str, StationView] = {}
        self._read: Iterator[StationView] | None = None

    def expect(self, view: StationView) -> None:
        """Called for all stations, in order, before the details of any are taken."""
        self._expected[view.place.id] = view

    def take(self, view: StationView) -> StationView:
        """The station with its details; stations are taken in the order in which they were expected."""
        if self._read is None:
            self._read = self._details(tuple(self._expected.values()))
        return next(one for one in self._read if one.place.id == view.place.id)


def _on_demand(view: StationView, site: Site, common: str, ahead: _Ahead) -> Iterator[tuple[str, OnDemand]]:
    """The files of a station; `common` is the digest of what the pages of all stations show.

    The day in its view is for the page of all stations; the revision covers it.
    """
    values = _digest(view.last, view.first, view.count, view.revision)
    shown = (view.state, view.shown_state, view.since, view.findings, view.last is None)
    digest = _digest(common, _OF_PLACE(view.place), *shown)
    newest = 0 if view.last is None else view.last.timestamp()
    files: dict[str, bytes] = {}

    def make(name: str) -> bytes | None:
        if not files:
            files.update(_station_files(ahead.take(view), site))
        return files.get(name)

    # A station that never sent anything has no week.
    for name in _names(view)[view.last is None :]:
        yield name, OnDemand(view.place.id, digest, newest, values, partial(make, name), partial(ahead.expect, view))


def _digest(*facts: object) -> str:
    return sha256(repr(facts).encode()).hexdigest()


def _names(view: StationView) -> list[str]:
    page = station_page(view.place.id)
    return [station_data(view.place.id), *(page_name(page, language) for language in LANGUAGES)]


def _pages(site: Site) -> Iterator[tuple[str, bytes | Linking]]:
    yield TIMES, times_script(site)
    without = cache(partial(_without_pages, site))
    for name in _PAGES:
        for language in LANGUAGES:
            yield page_name(name, language), Linking(partial(_page, without, name, language))


def _page(without: Callable[[Set[str]], Site], name: str, language: Language, missing: Set[str]) -> bytes:
    """A page of all stations; `without` returns the site without the missing files."""
    template, make = _PAGES[name]
    site = without(missing)
    return render(template, site.version, language, name, with_times(site, make(site, language)))


def _without_pages(site: Site, missing: Set[str]) -> Site:
    names = {page_name(station_page(view.place.id), LANGUAGES[0]): view.place.id for view in site.stations}
    return replace(site, unwritten=frozenset(names[name] for name in missing & names.keys()))


def of_the_database(site: Site) -> list[str]:
    """The files that a build without the database leaves unchanged: the stations' pages, with their weeks."""
    return [name for view in site.stations for name in _names(view)]
