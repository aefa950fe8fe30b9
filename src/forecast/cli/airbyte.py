"""`forecast airbyte`: the same sources as Airbyte connectors."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forecast.cli.app import AsJson, add_command, day_option, new_app
from forecast.cli.output import print_result
from forecast.cli.sources import IN_AIRBYTE, source_option
from forecast.core.errors import SettingError
from forecast.core.settings import Settings
from forecast.ingest.airbyte.desired import DEFAULT_CRON

if TYPE_CHECKING:
    from forecast.ingest.airbyte.apply import Applier

Source = Annotated[list[str] | None, source_option(IN_AIRBYTE)]


def _airbyte() -> None:
    """The same sources in Airbyte.

    Example:

      forecast airbyte apply --since 2026-01-01 --dry-run
    """


def manifests_command(
    settings: Settings,  # noqa: ARG001  of the log
    folder: Annotated[Path, typer.Option(help="The folder for the manifests.")] = Path("airbyte/manifests"),
) -> int:
    """Write the manifests of the connectors.

    Example:

      forecast airbyte manifests
    """
    from rich.text import Text

    from forecast.ingest.airbyte.manifest import manifest_text
    from forecast.ingest.sources import MANIFESTED

    folder.mkdir(parents=True, exist_ok=True)
    for name, fetch in MANIFESTED.items():
        (folder / f"{name}.json").write_text(manifest_text(fetch), "utf-8")
    print_result({}, Text("\n".join(f"{folder / name}.json" for name in MANIFESTED)), as_json=False)
    return 0


def apply_command(
    settings: Settings,
    source: Source = None,
    since: Annotated[date | None, day_option(help="The first day to read. Required.")] = None,
    cron: Annotated[str, typer.Option(help="When to sync, as a cron expression in Airbyte's form.")] = DEFAULT_CRON,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the differences; change nothing.")] = False,
    secrets: Annotated[bool, typer.Option("--secrets", help="Send the keys again. They cannot be compared.")] = False,
    as_json: AsJson = False,
) -> int:
    """Set the sources up on an Airbyte server.

    For each source, this is a definition, a source and a scheduled connection, and one S3 destination for all. Existing
    entries are found by name and updated, missing ones are created, and nothing is deleted. Stations are those of the
    registry, except those whose licence forbids commercial use.

    Examples:

      forecast airbyte apply --since 2026-01-01 --dry-run

      forecast airbyte apply --since 2026-01-01 --source infoclimat
    """
    from dataclasses import asdict

    from rich.text import Text

    from forecast.ingest.airbyte.desired import desired_setup
    from forecast.ingest.run import airbyte_sources, allowed_stations
    from forecast.run.stations import configured_stations

    if since is None:
        raise SettingError("--since is missing; it is the first day that Airbyte should read")
    registry = configured_stations(settings)
    fetches = airbyte_sources(tuple(source or ()), registry)
    setup = desired_setup(settings, fetches, allowed_stations(settings, registry, fetches), since, cron)
    changes = list(_applier(settings, dry_run=dry_run, secrets=secrets).apply(setup))
    lines = [
        f"{change.action:8} {change.kind:12} {change.name}" + "".join(f"\n           {one}" for one in change.details)
        for change in changes
    ]
    head = "Dry run: nothing was changed.\n" if dry_run else ""
    print_result({"changes": [asdict(one) for one in changes]}, Text(head + "\n".join(lines)), as_json=as_json)
    return 0


def sync_command(settings: Settings, source: Source = None, as_json: AsJson = False) -> int:
    """Start a sync in Airbyte and wait for it.

    Example:

      forecast airbyte sync --source infoclimat
    """
    import threading

    from rich.text import Text

    from forecast.core.processes import stoppable
    from forecast.ingest.airbyte.apply import run_sync
    from forecast.ingest.airbyte.desired import name_of
    from forecast.ingest.clock import SystemClock
    from forecast.ingest.run import airbyte_sources
    from forecast.run.stations import configured_stations

    applier = _applier(settings)
    stop = threading.Event()
    jobs = {}
    with stoppable(stop):
        for fetch in airbyte_sources(tuple(source or ()), configured_stations(settings)):
            connection = applier.connection_id(name_of(fetch))
            jobs[fetch.source] = run_sync(applier.api, connection, SystemClock(stop), stop)
    lines = [
        f"{name}: job {job['jobId']}, {job['status']}, {job.get('rowsSynced', 0)} rows" for name, job in jobs.items()
    ]
    print_result(jobs, Text("\n".join(lines)), as_json=as_json)
    return 0


def _applier(settings: Settings, *, dry_run: bool = False, secrets: bool = False) -> Applier:
    from forecast.core.settings import secret_values
    from forecast.ingest.airbyte.apply import Applier
    from forecast.ingest.airbyte.client import AirbyteApi

    client_id, client_secret, workspace_id = settings.require_airbyte()
    api = AirbyteApi(settings.airbyte_api_url, client_id, client_secret, secret_values(settings))
    return Applier(api, workspace_id, dry_run=dry_run, secrets=secrets)


def airbyte_app() -> typer.Typer:
    """The group of these commands."""
    app = new_app(no_args_is_help=True)
    app.callback()(_airbyte)
    for name, command in (("manifests", manifests_command), ("apply", apply_command), ("sync", sync_command)):
        add_command(app, name, command)
    return app
