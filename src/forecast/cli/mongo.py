"""`forecast mongo`: operations of the replica set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forecast.cli.app import AsJson, add_command, new_app
from forecast.cli.output import print_metrics, print_result
from forecast.core.settings import Settings


def _mongo() -> None:
    """Operations of the replica set.

    Example:

      forecast mongo roll --dry-run
    """


def init_command(
    settings: Settings,
    feature_version: Annotated[
        str | None,
        typer.Option(
            help="Also raise the feature compatibility version to this one, such as 8.0. This cannot be undone."
        ),
    ] = None,
) -> int:
    """Initiate the replica set, once, and create its users.

    Running it again gives the users their current passwords and rights.

    From the environment only: MONGO_MEMBERS, MONGO_REPLICA_SET, MONGO_REPLICA_KEY, MONGO_TLS_CA, MONGO_ROOT_PASSWORD,
    MONGO_APP_PASSWORD, MONGO_BACKUP_PASSWORD, MONGO_MONITOR_PASSWORD, MONGO_ROLL_PASSWORD, and on AWS
    MONGO_BOOTSTRAPPED_PARAMETER. It refuses if the set was initiated before but every member is empty.

    Example:

      forecast mongo init

      forecast mongo init --feature-version 8.0
    """
    from forecast_ops.commands import initiate_set

    initiate_set(settings, feature_version)
    return 0


def pki_command(
    settings: Settings,  # noqa: ARG001  of the log
    folder: Annotated[Path, typer.Argument(help="The folder of the certificate authority; its key never leaves it.")],
    hosts: Annotated[str, typer.Option("--hosts", help="Host names of the members, without port, comma-separated.")],
    days: Annotated[int, typer.Option(min=1, max=825, help="How long the members' certificates are valid.")] = 365,
    secrets_prefix: Annotated[
        str | None, typer.Option(help="Also put them into AWS Secrets Manager: PREFIX/ca, PREFIX/mongo-1 …")
    ] = None,
) -> int:
    """Issue the members' certificates with a private authority.

    The first call creates the authority. Each member's file has its certificate and key, and is named after the first
    part of the host name. They expire on different days. To renew them, run the command again: members install them.

    Examples:

      forecast mongo pki pki --hosts mongo-1.internal,mongo-2.internal,mongo-3.internal

      forecast mongo pki pki --hosts … --secrets-prefix forecast-prod/mongodb/tls
    """
    from forecast_ops.commands import issue_certificates

    issue_certificates(folder, [host.strip() for host in hosts.split(",")], days, secrets_prefix)
    return 0


def dump_command(settings: Settings) -> int:
    """Dump the database from a secondary into the backup bucket.

    mongodump streams it. MONGODB_URI needs the user backup. From the environment only: BACKUP_URI, MONGO_TLS_CA.

    Example:

      forecast mongo dump
    """
    from forecast_ops.commands import dump_database

    dump_database(settings)
    return 0


def restore_command(
    settings: Settings,
    name: Annotated[
        str | None, typer.Argument(help="The dump, such as 2026-11-23T02-00-00Z. Default: the newest.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace what is there with the dump.")] = False,
) -> int:
    """Restore a dump into the database that it was taken from.

    It refuses if the database is not empty. MONGODB_URI needs the user app. From the environment only: BACKUP_URI,
    MONGO_TLS_CA.

    Examples:

      forecast mongo restore

      forecast mongo restore 2026-11-23T02-00-00Z --replace
    """
    from forecast_ops.commands import restore_database

    restore_database(settings, name, replace=replace)
    return 0


def roll_command(
    settings: Settings,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything and say what would be done.")] = False,
    only: Annotated[str | None, typer.Option(help="Only this member, such as mongo-2.")] = None,
    again: Annotated[
        bool,
        typer.Option(
            "--again",
            help="Also roll members that already run the newest revision, for example after new certificates.",
        ),
    ] = False,
    volume_gib: Annotated[
        int | None, typer.Option(min=1, max=16384, help="Give the members volumes of this size.")
    ] = None,
) -> int:
    """Roll out the newest task definitions to the members.

    They are rolled one at a time, secondaries first. It refuses unless the set is complete, no member lags 10 s, every
    service is settled and a dump is younger than MAX_DUMP_AGE_HOURS (26). MONGODB_URI needs the user roll. From the
    environment only: ECS_CLUSTER, BACKUP_URI, MAX_DUMP_AGE_HOURS, MONGO_TLS_CA, and AWS_*.

    Examples:

      forecast mongo roll --dry-run

      forecast mongo roll --only mongo-2

      forecast mongo roll --again
    """
    from forecast_ops.commands import roll_members

    roll_members(settings, dry_run=dry_run, only=only, again=again, volume_gib=volume_gib)
    return 0


def status_command(settings: Settings, as_json: AsJson = False) -> int:
    """Show the status of the replica set.

    Members, lag, certificates, oplog, connections and slow operations. It changes nothing, so in MONGODB_URI the user
    monitor is enough. From the environment only: MONGO_TLS_CA.

    The exit code is 3 if something needs attention.

    Example:

      forecast mongo status
    """
    from rich.text import Text

    from forecast.core.errors import ObjectRejectedError
    from forecast_ops.commands import read_status
    from forecast_ops.status import as_dict, as_text, attention, status_metrics

    found = read_status(settings)
    print_metrics(status_metrics(found), settings.metrics_namespace)
    print_result(as_dict(found), Text(as_text(found)), as_json=as_json)
    return ObjectRejectedError.exit_code if attention(found) else 0


def renew_command(
    settings: Settings,  # noqa: ARG001  of the log
    file: Annotated[Path, typer.Argument(help="The file that mongod reads its certificate and key from.")],
    every_seconds: Annotated[
        int | None, typer.Option(min=1, help="Repeat at this interval until SIGTERM. Default: once.")
    ] = None,
) -> int:
    """Install a member's new certificate in its mongod.

    It runs next to mongod, which keeps serving. From the environment only: MONGO_MEMBER, MONGO_TLS_SECRET (the secret
    in AWS Secrets Manager), MONGO_REPLICA_KEY, MONGO_TLS_CA, and AWS_*.

    Examples:

      forecast mongo renew /run/mongo/server.pem

      forecast mongo renew /run/mongo/server.pem --every-seconds 3600
    """
    from forecast_ops.commands import renew_certificate

    renew_certificate(file, every_seconds)
    return 0


def recover_command(
    settings: Settings,  # noqa: ARG001  of the log
    survivor: Annotated[str, typer.Argument(help="The member with the newest data, as host:port.")],
    yes: Annotated[bool, typer.Option("--yes", help="Confirm that acknowledged writes may be lost.")] = False,
) -> int:
    """After the loss of a majority, let one member continue alone.

    The others rejoin it. Writes that it had not copied are lost permanently. From the environment only:
    MONGO_REPLICA_KEY, MONGO_TLS_CA.

    Example:

      forecast mongo recover mongo-2.forecast-prod.internal:27017 --yes
    """
    from forecast_ops.commands import recover_set

    recover_set(survivor, yes=yes)
    return 0


def mongo_app() -> typer.Typer:
    """The group of these commands."""
    app = new_app(no_args_is_help=True)
    app.callback()(_mongo)
    for name, command in (
        ("init", init_command),
        ("pki", pki_command),
        ("dump", dump_command),
        ("restore", restore_command),
        ("roll", roll_command),
        ("status", status_command),
        ("renew", renew_command),
        ("recover", recover_command),
    ):
        add_command(app, name, command)
    return app
