"""The operations of the replica set: each reads settings and environment, calls the other modules, and logs.

Foreseeable errors of MongoDB and AWS are distinguished by what to do about them.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import boto3
from pymongo.errors import PyMongoError
from pymongo.write_concern import WriteConcern

from forecast.core.errors import ForecastError, SettingError
from forecast.core.processes import stoppable
from forecast.core.settings import Settings
from forecast.core.text import counted
from forecast.mongo.client import mongo_errors
from forecast.mongo.lock import lease
from forecast_ops.archives import Archives
from forecast_ops.bootstrap_flag import BootstrapFlag
from forecast_ops.dump import dump
from forecast_ops.environment import as_system, authority_file, aws_errors, by_uri, max_dump_age, members, required
from forecast_ops.feature_version import check_members, check_wanted, set_feature_version
from forecast_ops.initiate import initiate, wait_for_primary
from forecast_ops.recover import recover
from forecast_ops.restore import restore
from forecast_ops.roll import Fleet, check_backup, plan, roll
from forecast_ops.status import SetStatus, set_status
from forecast_ops.users import OPERATIONS_DATABASE, ROLL_COLLECTION, make_users

# The expiry dates of successive members are a twentieth of the validity apart: 18 days of a year.
_STAGGER = 20
_LOGGER = logging.getLogger("forecast.operations")


@contextmanager
def _foreseeable_errors() -> Iterator[None]:
    with mongo_errors("operations"), aws_errors():
        yield


def _log(event: str, message: str, **facts: object) -> None:
    _LOGGER.info(message, extra={"facts": {"event": event, **facts}})


@_foreseeable_errors()
def initiate_set(settings: Settings, feature_version: str | None = None) -> None:
    """Initiate the replica set once, and set the current passwords and rights of its users.

    With `feature_version`, the set is raised to it once every member runs that version.
    """
    if feature_version is not None:
        check_wanted(feature_version)
    name = required("MONGO_REPLICA_SET", "the name of the replica set")
    hosts = members()
    parameter = os.environ.get("MONGO_BOOTSTRAPPED_PARAMETER")
    marker = BootstrapFlag(boto3.client("ssm"), parameter) if parameter else None
    with authority_file() as ca_file:
        new = initiate(name, hosts, ca_file, marker)
        _log(
            "set_initiated", f"the set {name} {'was initiated' if new else 'had already been initiated'}", initiated=new
        )
        with as_system(wait_for_primary(hosts, ca_file), ca_file) as primary:
            made = make_users(primary, settings.mongodb_database)
        _log("users_made", f"the users have their current passwords and rights: {', '.join(made)}")
        if feature_version is not None:
            check_members(hosts, ca_file, feature_version)
            with as_system(wait_for_primary(hosts, ca_file), ca_file) as primary:
                before = set_feature_version(primary, feature_version)
            _log("feature_version_set", f"the feature version is {feature_version}; it was {before}", before=before)


@_foreseeable_errors()
def issue_certificates(folder: Path, hosts: list[str], days: int, secrets_prefix: str | None) -> None:
    """Issue the members' certificates from the authority in `folder`, which is created on the first call."""
    try:
        from forecast_ops import pki  # noqa: PLC0415  cryptography is an extra
    except ImportError as error:
        raise SettingError("forecast mongo pki needs the package cryptography: pip install 'forecast[pki]'") from error
    now = datetime.now(UTC)
    authority = pki.open_authority(folder, now)
    # Not all on the same day: a forgotten renewal then costs one member, which raises an alarm, and not the whole set.
    ends = [days - number * (days // _STAGGER) for number in range(len(hosts))]
    issued = {
        host.partition(".")[0]: pki.issue(authority, host, end, now) for host, end in zip(hosts, ends, strict=True)
    }
    if len(issued) != len(hosts):
        raise SettingError("two host names have the same first label, which must be unique")
    for name, pem in issued.items():
        pki.write_secret(folder / f"{name}.pem", pem)
    if secrets_prefix:
        client = boto3.client("secretsmanager")
        for name, pem in {"ca": authority.pem, **issued}.items():
            client.put_secret_value(SecretId=f"{secrets_prefix}/{name}", SecretString=pem.decode())
    where = f"{folder}{f' and Secrets Manager, {secrets_prefix}/' if secrets_prefix else ''}"
    issued_names = ", ".join(f"{name} for {end} days" for name, end in zip(issued, ends, strict=True))
    _log("certificates_issued", f"issued {issued_names}; they are in {where}")


@_foreseeable_errors()
def dump_database(settings: Settings) -> None:
    """Dump the database from a secondary into the backup bucket."""
    try:
        with authority_file() as ca_file, by_uri(settings, ca_file) as client:
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


@_foreseeable_errors()
def restore_database(settings: Settings, name: str | None, *, replace: bool) -> None:
    """Restore a dump: the one with this name, or the newest."""
    archives = _archives()
    if name is None:
        newest = archives.newest()
        if newest is None:
            raise SettingError("there is no dump below BACKUP_URI; a database can also be filled with forecast migrate")
        name = newest[0]
    with authority_file() as ca_file, by_uri(settings, ca_file) as client:
        documents = restore(client, ca_file, archives, name, replace=replace)
    _log("restore_done", f"restored {name}: {sum(documents.values()):,} documents", key=name, documents=documents)


@_foreseeable_errors()
def roll_members(settings: Settings, *, dry_run: bool, only: str | None, again: bool, volume_gib: int | None) -> None:
    """Roll the members, one at a time, to their newest task definitions."""
    cluster = required("ECS_CLUSTER", "the name of the ECS cluster")
    with authority_file() as ca_file, by_uri(settings, ca_file) as client:
        majority = WriteConcern("majority", wtimeout=60_000)
        locks = client[OPERATIONS_DATABASE].get_collection(ROLL_COLLECTION, write_concern=majority)
        fleet = Fleet(boto3.client("ecs"), cluster, client)
        with lease(locks, f"mongo roll {datetime.now(UTC):%H:%M:%S}", wait=False, check_stop=lambda: None) as held:
            newest = _archives().newest()
            check_backup(newest and newest[1], datetime.now(UTC), max_dump_age())
            steps = [step for step in plan(fleet, volume_gib, again=again) if only in {None, step.service}]
            for step in steps:
                _log("roll_planned", f"{step.service}: {step.task_definition}", service=step.service)
            if not steps:
                _log("roll_finished", "every member is up to date", members=0)
            elif not dry_run:
                roll(fleet, steps, held.check)
                _log("roll_finished", f"rolled {counted(len(steps), 'member')}", members=len(steps))


@_foreseeable_errors()
def read_status(settings: Settings) -> SetStatus:
    """The status of the set, read by a user that cannot change anything."""
    with authority_file() as ca_file, by_uri(settings, ca_file) as client:
        return set_status(client, ca_file, datetime.now(UTC))


def renew_certificate(file: Path, every_seconds: int | None) -> None:
    """Bring the certificate of this member's secret to its mongod.

    With `every_seconds`, repeat until SIGTERM; a failure is logged, and tried again the next time.
    """
    stop = threading.Event()
    with stoppable(stop):
        if every_seconds is None:
            _renew_once(file)
            return
        # A task that has just started has the current certificate.
        while not stop.wait(every_seconds):
            try:
                _renew_once(file)
            except ForecastError as error:
                _LOGGER.error(error.message, extra={"facts": {"event": "certificate_refused"}})  # noqa: TRY400


@_foreseeable_errors()
def _renew_once(file: Path) -> None:
    try:
        from forecast_ops import certificate  # noqa: PLC0415  cryptography is an extra
    except ImportError as error:
        raise SettingError(
            "forecast mongo renew needs the package cryptography: pip install 'forecast[pki]'"
        ) from error
    member = required("MONGO_MEMBER", "this member as host:port")
    secret = required("MONGO_TLS_SECRET", "the secret of this member's certificate in AWS Secrets Manager")
    pem = boto3.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]
    # Every certificate also names localhost: this program runs next to mongod.
    host = f"localhost:{member.rpartition(':')[2]}"
    with authority_file() as ca_file, as_system(host, ca_file) as client:
        days = certificate.renew(pem, file, host, client, ca_file, datetime.now(UTC))
    if days is not None:
        _log("certificate_renewed", f"{member} serves a certificate for {days:.0f} days", member=member, days=days)


@_foreseeable_errors()
def recover_set(survivor: str, *, yes: bool) -> None:
    """Let one member continue alone after the loss of a majority."""
    if not yes:
        raise SettingError(
            "this loses the writes that the lost members acknowledged and this one does not have; add --yes to continue"
        )
    with authority_file() as ca_file:
        recover(survivor, ca_file)
    _log("recovered", f"{survivor} is the only member now and accepts writes; the others join it automatically")


def _archives() -> Archives:
    return Archives(boto3.client("s3"), required("BACKUP_URI", "where the dumps are: s3://bucket/dumps/"))
