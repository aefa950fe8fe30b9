"""The files of the site, from the model alone: the same model gives the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from forecast.site.model import Site
from forecast.site.pages.names import station_page
from forecast.site.pages.overview import overview
from forecast.site.pages.station import station_values
from forecast.site.pages.stations import stations_page
from forecast.site.render import STATIC, page_name, render
from forecast.site.words import LANGUAGES, Language

_PAGES: Final[Mapping[str, tuple[str, Callable[[Site, Language], dict[str, Any]]]]] = {
    "stations": ("stations", stations_page),
    "index": ("overview", overview),
}


def site_files(site: Site) -> Iterator[tuple[str, bytes]]:
    """Every file by its name; what others refer to comes before them, the overview last."""
    for path in sorted(STATIC.iterdir()):
        yield f"static/{path.name}", path.read_bytes()
    for view in site.stations:
        name = station_page(view.place.id)
        for language in LANGUAGES:
            values = station_values(view, site, language)
            yield page_name(name, language), render("station", site, language, name, values)
    for name, (template, make) in _PAGES.items():
        for language in LANGUAGES:
            yield page_name(name, language), render(template, site, language, name, make(site, language))
