"""All files of a site, as they are when every page is written."""

from __future__ import annotations

from forecast.site.build import site_files
from forecast.site.model import Site
from forecast.site.publish import Linking


def built(site: Site) -> dict[str, bytes]:
    """Every file of the site by its name."""
    return {
        name: content.make(frozenset()) if isinstance(content, Linking) else content
        for name, content in site_files(site)
    }
