"""The files of the site, from the model alone: the same model gives the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from forecast.site.model import Site, StationView
from forecast.site.pages.ingestion import ingestion_page
from forecast.site.pages.latency import latency_page
from forecast.site.pages.names import station_data, station_page
from forecast.site.pages.overview import overview
from forecast.site.pages.quality import quality_page
from forecast.site.pages.quarantine import quarantine_page
from forecast.site.pages.station import station_values
from forecast.site.pages.stations import stations_page
from forecast.site.render import STATIC, page_name, render
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


def site_files(site: Site, views: Iterable[StationView] | None = None) -> Iterator[tuple[str, bytes]]:
    """Every file by its name; what others refer to comes before them, the overview last.

    `views` are the stations in place of those of the site: they are asked for one by one, and their weeks forgotten.
    """
    for path in sorted(STATIC.iterdir()):
        yield f"static/{path.name}", path.read_bytes()
    seen = []
    for view in site.stations if views is None else views:
        yield from _station_files(view, site)
        seen.append(replace(view, week=None))
    site = replace(site, stations=tuple(seen))
    for name, (template, make) in _PAGES.items():
        for language in LANGUAGES:
            yield page_name(name, language), render(template, site, language, name, make(site, language))


def _station_files(view: StationView, site: Site) -> Iterator[tuple[str, bytes]]:
    name = station_page(view.place.id)
    if view.week is not None:
        yield station_data(view.place.id), week_script(view.week, view.place.interval_minutes)
    for language in LANGUAGES:
        yield page_name(name, language), render("station", site, language, name, station_values(view, site, language))


def of_the_database(site: Site) -> list[str]:
    """The files that a build without the database leaves as they were: the stations' pages, with their weeks."""
    pages = [page_name(station_page(view.place.id), language) for view in site.stations for language in LANGUAGES]
    return [*(station_data(view.place.id) for view in site.stations), *pages]
