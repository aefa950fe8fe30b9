"""`forecast dashboard`: builds the static site from the reports and the database."""

from __future__ import annotations

from typing import Annotated

import typer

from forecast.cli.app import AsJson
from forecast.cli.output import print_result
from forecast.core.settings import Settings


def dashboard_command(
    settings: Settings,
    open_browser: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    as_json: AsJson = False,
) -> int:
    """Write the dashboard, a static site of runs and stations.

    Every run writes it at its end. It can be opened from a folder, without a server.

    Examples:

      forecast dashboard --open

      forecast dashboard --site-uri s3://bucket/site/
    """
    from dataclasses import asdict

    from rich.text import Text

    from forecast.run.dashboard import site_uri, write_dashboard
    from forecast.run.stations import configured_stations

    published = write_dashboard(settings, configured_stations(settings))
    place = f"{site_uri(settings).rstrip('/')}/index.html"
    counts = f"{published.written:,} files written, {published.unchanged:,} unchanged, {published.removed:,} removed"
    if published.later:
        counts += f", {published.later:,} left to a run with the database"
    print_result({"index": place, **asdict(published)}, Text(f"{place}\n{counts}"), as_json=as_json)
    if open_browser:
        _open(place)
    return 0


def _open(place: str) -> None:
    """Open a page in this machine's browser."""
    import webbrowser
    from pathlib import Path

    from forecast.core.errors import SettingError

    if "://" in place:
        raise SettingError(f"--open shows a folder of this machine; the dashboard was written to {place}")
    if not webbrowser.open(Path(place).resolve().as_uri()):
        raise SettingError(f"no browser could be started here; open {place} in one")
