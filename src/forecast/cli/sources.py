"""The option that selects sources. The networks define them, and are only imported when its help is shown."""

from __future__ import annotations

from typing import Any, Final

import typer

INGESTED: Final = "{ingested}"
IN_AIRBYTE: Final = "{in Airbyte}"


def source_option(which: str) -> Any:
    """An option that takes names of sources: those of `INGESTED` or `IN_AIRBYTE`."""
    return typer.Option(metavar="NAME", help=f"Only this source: {which}. May be repeated.")


def with_sources(text: str) -> str:
    """A help text with the names of the existing sources."""
    if INGESTED not in text and IN_AIRBYTE not in text:
        return text
    from forecast.ingest.sources import FETCHES, FILE_FETCHES, MANIFESTED

    for place, sources in ((INGESTED, {**FETCHES, **FILE_FETCHES}), (IN_AIRBYTE, MANIFESTED)):
        text = text.replace(place, ", ".join(sorted(sources)))
    return text
