"""The operators' commands: environment and options in, the modules beside this one called, one line of result out."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import boto3
import typer
from pymongo.errors import PyMongoError
from pymongo.write_concern import WriteConcern

from forecast.cli.app import plain_app, run_command
from forecast.core.errors import ForecastError, SettingError
from forecast.core.logs import set_up_logging
from forecast.core.settings import Settings, load_settings
from forecast.mongo.client import told_apart
from forecast.mongo.lock import lease
from forecast_ops.archives import Archives
from forecast_ops.dump import dump
from forecast_ops.environment import as_system, authority_file, aws_told_apart, by_uri, members, required
from forecast_ops.initiate import initiate, wait_for_primary
from forecast_ops.marker import Marker
from forecast_ops.recover import recover
from forecast_ops.restore import restore
from forecast_ops.roll import Fleet, check_backup, plan, roll
from forecast_ops.users import make_users

# Not the pipeline's database: its user has no right on this one.
OPERATIONS_DATABASE = "forecast_operations"
_LOGGER = logging.getLogger("forecast.operations")


def _run(command: Callable[[Settings], None]) -> NoReturn:
    """Run a command with the settings of log and database; a fault is one line and an exit code."""

    def run() -> int:
        settings = load_settings()
        set_up_logging(settings)
        with told_apart("operations"), aws_told_apart():
            command(settings)
        return 0

    run_command(run)


def _log(event: str, message: str, **facts: object) -> None:
    _LOGGER.info(message, extra={"facts": {"event": event, **facts}})


def mongo_init_command() -> None:
    """Initiate the replica set, once, and make its users; again: give the users the passwords and rights of now.

    Everything comes from the environment: MONGO_MEMBERS, MONGO_REPLICA_SET, MONGO_REPLICA_KEY, MONGO_TLS_CA,
    MONGO_ROOT_PASSWORD, MONGO_APP_PASSWORD, MONGO_BACKUP_PASSWORD, MONGO_MONITOR_PASSWORD, and on AWS
    MONGO_BOOTSTRAPPED_PARAMETER. Refused where the set was initiated before and every member is empty.

    For example:

      mongo-init
    """
    _run(_mongo_init)


def _mongo_init(settings: Settings) -> None:
    name = required("MONGO_REPLICA_SET", "the name of the replica set")
    hosts = members()
    parameter = os.environ.get("MONGO_BOOTSTRAPPED_PARAMETER")
    marker = Marker(boto3.client("ssm"), parameter) if parameter else None
    with authority_file() as ca_file:
        new = initiate(name, hosts, ca_file, marker)
        _log("set_initiated", f"the set {name} was {'initiated' if new else 'there already'}", initiated=new)
        with as_system(wait_for_primary(hosts, ca_file), ca_file) as primary:
            made = make_users(primary, settings.mongodb_database)
        _log("users_made", f"the users have their rights: {', '.join(made)}")


def mongo_pki_command(
    folder: Annotated[Path, typer.Argument(help="Where the authority is kept, and its key never leaves.")],
    hosts: Annotated[str, typer.Option("--hosts", help="Host names of the members, without port, comma-separated.")],
    days: Annotated[int, typer.Option(min=1, max=825, help="For how long the members' certificates hold.")] = 365,
    secrets_prefix: Annotated[
        str | None, typer.Option(help="Also put them into AWS Secrets Manager: PREFIX/ca, PREFIX/mongo-1 …")
    ] = None,
) -> None:
    """Issue the members' certificates by a private authority, which is made at the first call.

    Each member's file holds its certificate and its key; its name is the first part of the host's. Renewing is the same
    command again, and then a roll.

    For example:

      mongo-pki pki --hosts mongo-1.internal,mongo-2.internal,mongo-3.internal

      mongo-pki pki --hosts … --secrets-prefix forecast-prod/mongodb/tls
    """
    _run(lambda _: _mongo_pki(folder, [host.strip() for host in hosts.split(",")], days, secrets_prefix))


def _mongo_pki(folder: Path, hosts: list[str], days: int, secrets_prefix: str | None) -> None:
    try:
        from forecast_ops import pki  # noqa: PLC0415  cryptography is an extra
    except ImportError as error:
        raise SettingError("mongo-pki needs the package cryptography: pip install 'forecast[pki]'") from error
    now = datetime.now(UTC)
    authority = pki.open_authority(folder, now)
    issued = {host.partition(".")[0]: pki.issue(authority, host, days, now) for host in hosts}
    if len(issued) != len(hosts):
        raise SettingError("two hosts begin with the same name; each member's first part must be its own")
    for name, pem in issued.items():
        pki.write_secret(folder / f"{name}.pem", pem)
    if secrets_prefix:
        client = boto3.client("secretsmanager")
        for name, pem in {"ca": authority.pem, **issued}.items():
            client.put_secret_value(SecretId=f"{secrets_prefix}/{name}", SecretString=pem.decode())
    where = f"{folder}{f' and Secrets Manager, {secrets_prefix}/' if secrets_prefix else ''}"
    _log("certificates_issued", f"issued {', '.join(issued)} for {days} days; they are in {where}")


def mongo_dump_command() -> None:
    """Dump the database from a secondary into the backup bucket, streamed by mongodump.

    From the environment: BACKUP_URI, MONGODB_URI (the user backup), MONGODB_DATABASE, MONGO_TLS_CA.

    For example:

      mongo-dump
    """
    _run(_mongo_dump)


def _mongo_dump(settings: Settings) -> None:
    try:
        with authority_file() as ca_file, by_uri(ca_file) as client:
            name, manifest = dump(client, settings.mongodb_database, ca_file, _archives(), datetime.now(UTC))
    except (ForecastError, PyMongoError) as error:
        _LOGGER.error("the dump failed", extra={"facts": {"event": "dump_failed", "error": type(error).__name__}})  # noqa: TRY400
        raise
    documents = sum(manifest.documents.values())
    _log(
        "dump_done",
        f"dumped {documents:,} documents, {manifest.bytes:,} bytes, to {_archives().uri(name)}",
        key=name,
        bytes=manifest.bytes,
        seconds=manifest.seconds,
        documents=documents,
    )


def mongo_restore_command(
    name: Annotated[
        str | None, typer.Argument(help="The dump, such as 2026-11-23T02-00-00Z. Default: the newest.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Put the dump in place of what is there.")] = False,
) -> None:
    """Restore a dump into the database that it was taken of; refused where documents are there.

    From the environment: BACKUP_URI, MONGODB_URI (the user root), MONGO_TLS_CA.

    For example:

      mongo-restore

      mongo-restore 2026-11-23T02-00-00Z --replace
    """
    _run(lambda _: _mongo_restore(name, replace=replace))


def _mongo_restore(name: str | None, *, replace: bool) -> None:
    archives = _archives()
    if name is None:
        newest = archives.newest()
        if newest is None:
            raise SettingError("there is no dump below BACKUP_URI; the other way to fill a database is migrate")
        name = newest[0]
    with authority_file() as ca_file, by_uri(ca_file) as client:
        documents = restore(client, ca_file, archives, name, replace=replace)
    _log("restore_done", f"restored {name}: {sum(documents.values()):,} documents", key=name, documents=documents)


def mongo_roll_command(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything and say what would be done.")] = False,
    only: Annotated[str | None, typer.Option(help="Only this member, such as mongo-2.")] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Also members that run the newest already: after new certificates.")
    ] = False,
    volume_gib: Annotated[
        int | None, typer.Option(min=1, max=16384, help="Give the members volumes of this size.")
    ] = None,
) -> None:
    """Bring the newest task definitions to the members, one at a time, secondaries first.

    Refused unless the set is whole, no member lags by 10 s, every service is settled and a dump is younger than 26
    hours. From the environment: ECS_CLUSTER, BACKUP_URI, MONGODB_URI (the user root), MONGO_TLS_CA, and AWS_*.

    For example:

      mongo-roll --dry-run

      mongo-roll --only mongo-2

      mongo-roll --again
    """
    _run(lambda _: _mongo_roll(dry_run=dry_run, only=only, again=again, volume_gib=volume_gib))


def _mongo_roll(*, dry_run: bool, only: str | None, again: bool, volume_gib: int | None) -> None:
    cluster = required("ECS_CLUSTER", "the name of the ECS cluster")
    with authority_file() as ca_file, by_uri(ca_file) as client:
        locks = client[OPERATIONS_DATABASE].get_collection(
            "roll", write_concern=WriteConcern("majority", wtimeout=60_000)
        )
        fleet = Fleet(boto3.client("ecs"), cluster, client)
        with lease(locks, f"mongo-roll {datetime.now(UTC):%H:%M:%S}", wait=False, check_stop=lambda: None) as held:
            newest = _archives().newest()
            check_backup(newest and newest[1], datetime.now(UTC))
            steps = [step for step in plan(fleet, volume_gib, again=again) if only in {None, step.service}]
            for step in steps:
                _log("roll_planned", f"{step.service}: {step.task_definition}", service=step.service)
            if not steps:
                _log("roll_finished", "every member runs what it should", members=0)
            elif not dry_run:
                roll(fleet, steps, held.check)
                _log("roll_finished", f"rolled {len(steps)} members", members=len(steps))


def mongo_recover_command(
    survivor: Annotated[str, typer.Argument(help="The member with the newest data, as host:port.")],
    yes: Annotated[bool, typer.Option("--yes", help="I know what this can lose.")] = False,
) -> None:
    """After the loss of a majority: let one member go on alone; the others join it anew.

    Writes that it had not copied yet are lost for good. From the environment: MONGO_REPLICA_KEY, MONGO_TLS_CA.

    For example:

      mongo-recover mongo-2.forecast-prod.internal:27017 --yes
    """
    _run(lambda _: _mongo_recover(survivor, yes=yes))


def _mongo_recover(survivor: str, *, yes: bool) -> None:
    if not yes:
        raise SettingError("this drops what the lost members had acknowledged and this one has not; add --yes to do it")
    with authority_file() as ca_file:
        recover(survivor, ca_file)
    _log("recovered", f"{survivor} is the only member and takes writes; the others join it by themselves")


def _archives() -> Archives:
    return Archives(boto3.client("s3"), required("BACKUP_URI", "where the dumps are: s3://bucket/dumps/"))


mongo_init_app = plain_app("mongo-init", mongo_init_command)


def mongo_init_cli() -> None:
    """The `mongo-init` command."""
    mongo_init_app()


mongo_pki_app = plain_app("mongo-pki", mongo_pki_command)


def mongo_pki_cli() -> None:
    """The `mongo-pki` command."""
    mongo_pki_app()


mongo_dump_app = plain_app("mongo-dump", mongo_dump_command)


def mongo_dump_cli() -> None:
    """The `mongo-dump` command."""
    mongo_dump_app()


mongo_restore_app = plain_app("mongo-restore", mongo_restore_command)


def mongo_restore_cli() -> None:
    """The `mongo-restore` command."""
    mongo_restore_app()


mongo_roll_app = plain_app("mongo-roll", mongo_roll_command)


def mongo_roll_cli() -> None:
    """The `mongo-roll` command."""
    mongo_roll_app()


mongo_recover_app = plain_app("mongo-recover", mongo_recover_command)


def mongo_recover_cli() -> None:
    """The `mongo-recover` command."""
    mongo_recover_app()
