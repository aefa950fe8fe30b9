"""The status of the set, read by a user that cannot change anything: members, oplog, connections, certificates."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pymongo import MongoClient

from forecast.core.metrics import Metric, MetricLine

HEALTHY: Final = frozenset({"PRIMARY", "SECONDARY"})
# The oplog should hold at least a day of changes for a member that was away: copying everything takes hours.
MIN_OPLOG_HOURS: Final = 24.0
# The share of its size: the server removes the oldest entries a little before the oplog is full.
_FULL: Final = 0.9
# A month, in case somebody is on holiday. mongod itself warns from 30 days before on.
MIN_CERTIFICATE_DAYS: Final = 30.0
MAX_LAG_SECONDS: Final = 60.0
# Operations that run for longer are reported; the pipeline's own queries take milliseconds.
SLOW_SECONDS: Final = 5
_TLS_SECONDS: Final = 10.0
# X509_V_ERR_CERT_HAS_EXPIRED of OpenSSL (x509_vfy.h).
_EXPIRED: Final = 10
_DAY_SECONDS: Final = 86_400

Client = MongoClient[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class MemberStatus:
    """A member: its state as the set sees it, its lag, and the days that its certificate is valid (None: not known)."""

    host: str
    state: str
    lag_seconds: float | None
    certificate_days: float | None


@dataclass(frozen=True, slots=True)
class SetStatus:
    """The set. An oplog that is not full has not removed anything yet.

    `slow` are operations that have run for more than SLOW_SECONDS: their kind, collection and seconds.
    """

    members: tuple[MemberStatus, ...]
    version: str
    feature_version: str
    oplog_hours: float
    oplog_full: bool
    connections: int
    connections_available: int
    slow: tuple[tuple[str, str, float], ...]


def set_status(client: Client, ca_file: Path, now: datetime) -> SetStatus:
    """The status, from the primary. Raises pymongo's errors if there is none, or without the role clusterMonitor."""
    found = client.admin.command("replSetGetStatus")
    server = client.admin.command("serverStatus", oplog={"earliestOptime": True})
    feature = client.admin.command("getParameter", featureCompatibilityVersion=1)
    size = client.local.command("collStats", "oplog.rs")
    oplog = server["oplog"]
    seconds = oplog["latestOptime"].time - oplog["earliestOptime"].time
    return SetStatus(
        members=tuple(_members(found, ca_file, now)),
        version=server["version"],
        feature_version=feature["featureCompatibilityVersion"]["version"],
        oplog_hours=seconds / 3600,
        oplog_full=size["size"] > _FULL * size["maxSize"],
        connections=server["connections"]["current"],
        connections_available=server["connections"]["available"],
        slow=tuple(_slow(client)),
    )


def attention(status: SetStatus) -> list[str]:
    """What a person should look at, most important first."""
    return [
        *(f"{one.host} is {one.state}" for one in status.members if one.state not in HEALTHY),
        *(
            f"{one.host} is {one.lag_seconds:.0f} s behind the primary"
            for one in status.members
            if one.lag_seconds is not None and one.lag_seconds > MAX_LAG_SECONDS
        ),
        *(_certificate(one) for one in status.members if (one.certificate_days or 0) < MIN_CERTIFICATE_DAYS),
        *(
            [f"the oplog is full and covers {status.oplog_hours:.1f} hours; it should cover {MIN_OPLOG_HOURS:.0f}"]
            if status.oplog_full and status.oplog_hours < MIN_OPLOG_HOURS
            else []
        ),
        *(f"a {kind} on {where} has run for {seconds:.0f} s" for kind, where, seconds in status.slow),
    ]


def status_metrics(status: SetStatus) -> Iterator[MetricLine]:
    """A line for each member, and one for the set."""
    for one in status.members:
        yield MetricLine({"CertificateDaysLeft": Metric(one.certificate_days, "None")}, ("member", one.host))
    yield MetricLine(
        {
            # One that is not full, as after each roll, does not show how many hours it will hold.
            "OplogWindowHours": Metric(status.oplog_hours if status.oplog_full else None, "None"),
            "Connections": Metric(status.connections, "Count"),
            "SlowOperations": Metric(len(status.slow), "Count"),
        }
    )


def _certificate(member: MemberStatus) -> str:
    if member.certificate_days is None:
        return f"the certificate of {member.host} could not be read: the member does not answer over TLS"
    if member.certificate_days <= 0:
        return f"the certificate of {member.host} has expired: issue a new one now (forecast mongo pki)"
    days = f"{member.certificate_days:.0f} days"
    return f"the certificate of {member.host} expires in {days}: issue a new one (forecast mongo pki)"


def _members(found: dict[str, Any], ca_file: Path, now: datetime) -> Iterator[MemberStatus]:
    newest = [member["optimeDate"] for member in found["members"] if member["stateStr"] == "PRIMARY"]
    for member in sorted(found["members"], key=lambda one: str(one["name"])):
        lag = None
        if newest and member["stateStr"] == "SECONDARY":
            lag = max(0.0, (newest[0] - member["optimeDate"]).total_seconds())
        yield MemberStatus(member["name"], member["stateStr"], lag, certificate_days(member["name"], ca_file, now))


def certificate_days(host: str, ca_file: Path, now: datetime) -> float | None:
    """For how many days the certificate that a member serves is valid; -1 if it has expired.

    None if the member does not answer, or if the certificate is not from this authority.
    """
    name, _, port = host.rpartition(":")
    context = ssl.create_default_context(cafile=str(ca_file))
    try:
        with (
            socket.create_connection((name, int(port)), _TLS_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=name) as secure,
        ):
            certificate = secure.getpeercert()
    except ssl.SSLCertVerificationError as error:
        return -1.0 if error.verify_code == _EXPIRED else None
    except OSError:
        return None
    ends = ssl.cert_time_to_seconds(str((certificate or {})["notAfter"]))
    return (ends - now.timestamp()) / _DAY_SECONDS


def as_dict(status: SetStatus) -> dict[str, Any]:
    """The status as a JSON object, with what needs attention."""
    return {**asdict(status), "attention": attention(status)}


def as_text(status: SetStatus) -> str:
    """The status for people: a line per member, a line for the set, and what needs attention."""
    lines = [
        f"{one.host}  {one.state}  lag {_number(one.lag_seconds, 's')}  "
        f"certificate {_number(one.certificate_days, 'days')}"
        for one in status.members
    ]
    lines.append(
        f"MongoDB {status.version}, feature version {status.feature_version}; oplog {status.oplog_hours:.1f} h; "
        f"{status.connections:,} of {status.connections + status.connections_available:,} connections"
    )
    return "\n".join([*lines, *(f"attention: {line}" for line in attention(status))])


def _number(value: float | None, unit: str) -> str:
    return "-" if value is None else f"{value:.0f} {unit}"


def _slow(client: Client) -> Iterator[tuple[str, str, float]]:
    """Operations of clients; what members do for each other (oplog, heartbeats) runs indefinitely by design."""
    asked: dict[str, Any] = {
        "active": True,
        "secs_running": {"$gte": SLOW_SECONDS},
        "ns": {"$regex": r"^(?!local\.|admin\.)."},
    }
    for entry in client.admin.command("currentOp", 1, **asked)["inprog"]:
        yield str(entry.get("op", "operation")), str(entry["ns"]), float(entry["secs_running"])
