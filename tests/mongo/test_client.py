"""What a real MongoDB refuses, or is not, in words and with an exit code: 1 to run again, 2 to change something."""

from __future__ import annotations

import dataclasses
import datetime as dt
import ipaddress
import os
import re
import shutil
import socketserver
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import bson
import pymongo
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from dns import resolver
from pymongo import ASCENDING, DESCENDING, MongoClient
from pymongo.errors import ConfigurationError, OperationFailure, ServerSelectionTimeoutError, WriteError

import forecast.mongo.client as databases
from forecast.core.errors import ForecastError
from forecast.core.settings import Settings
from forecast.mongo.client import ObservationCollection, connect, mongo_errors, sibling_collection, to_forecast_error
from forecast.mongo.loader import prepare_collection
from tests.integration.replica_set import Mongod, ReplicaSet, replica_set, standalone
from tests.serving import served

PASSWORD = "tr0ub4dor-Zebra"
SOON = "&serverSelectionTimeoutMS=1500"
RIGHTS = (
    "MONGODB_URI names no user, or one without the necessary rights ({}). A run needs the role readWrite on "
    "the database, and also dbAdmin if the collection has the validator of an older version"
)
LOST = (
    "the connection to MongoDB was lost (trying{}) and did not come back in time. Check that most members of the "
    "replica set are up, then run again"
)
OUT_OF_REACH = (
    "MongoDB is unreachable (connecting): HOST: connection refused. Check that it is up and that MONGODB_URI names "
    "it, then run again"
)
NO_MEMBER = "none of the servers in MONGODB_URI (HOST) belongs to the replica set that it names (replicaSet=...)"
UNCONFIRMED = "MongoDB did not confirm a write on a majority of its members (trying); is a member down?"
TOO_LONG = "MongoDB aborted an operation because it took too long (trying); is the server overloaded?"
Client = MongoClient[dict[str, Any]]


@pytest.fixture(scope="module")
def guarded(mongod_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReplicaSet]:
    """A replica set of one that asks for passwords and can be made to fail."""
    folder = tmp_path_factory.mktemp("guarded")
    key = folder / "key"
    key.write_text("a key for one member\n".replace(" ", "") * 2)
    key.chmod(0o600)
    options = ("--keyFile", str(key), "--setParameter", "enableTestCommands=1")
    with replica_set(mongod_binary, folder, 1, *options) as made:
        with Client(made.uri) as client:
            client.admin.command("createUser", "root", pwd=PASSWORD, roles=["root"])
        with Client(as_user(made.uri, "root")) as client:
            roles = {"reader": ["read"], "writer": ["readWrite"]}
            for user, granted in roles.items():
                names = [{"role": role, "db": "forecast"} for role in granted]
                client.admin.command("createUser", user, pwd=PASSWORD, roles=names)
        yield made


def as_user(uri: str, user: str, password: str = PASSWORD) -> str:
    return uri.replace("//", f"//{user}:{password}@")


@pytest.fixture
def admin(guarded: ReplicaSet) -> Iterator[Any]:
    """The administrator's client; what it has made is gone afterwards."""
    with Client(as_user(guarded.uri, "root")) as client:
        yield client
        client.admin.command("configureFailPoint", "failCommand", mode="off")
        for name in set(client.list_database_names()) - {"admin", "config", "local"}:
            client.drop_database(name)


def settings(uri: str, database: str = "forecast", collection: str = "weather") -> Settings:
    return Settings(mongodb_uri=uri, mongodb_database=database, mongodb_collection=collection)


def fault(given: Settings) -> tuple[int, str]:
    """Exit code and words of connecting to a MongoDB, preparing the collection and writing.

    HOST stands for its host and port.
    """
    with pytest.raises(ForecastError) as told:
        prepare_and_write(given)
    assert PASSWORD not in told.value.message
    return told.value.exit_code, without_port(told.value.message)


def without_port(words: str) -> str:
    return re.sub(r"127\.0\.0\.1:\d+", "HOST", words)


def prepare_and_write(given: Settings) -> None:
    with connect(given) as collection:
        prepare_collection(collection)
        write(collection)


def write(collection: ObservationCollection) -> None:
    with mongo_errors("trying"):
        collection.delete_one({"_id": "nobody"})


# Not what is needed.


def test_a_standalone_server_is_an_error_that_says_to_make_it_a_replica_set(
    mongod_binary: Path, tmp_path: Path
) -> None:
    with standalone(mongod_binary, tmp_path) as alone:
        assert fault(settings(alone.uri)) == (
            2,
            (
                "the MongoDB at HOST is not a member of a replica set, so no majority can confirm a write. "
                "Start it with --replSet and initiate the set; one member is enough"
            ),
        )
        assert fault(settings(f"mongodb://{alone.address}/?replicaSet=local{SOON}")) == (2, NO_MEMBER)


@pytest.mark.parametrize(
    "uri", ["mongodb://{}/?replicaSet=other", "mongodb://{}/?replicaSet=other&directConnection=true"]
)
def test_another_name_of_the_set_is_an_error(replica_set: str, uri: str) -> None:
    address = replica_set.removeprefix("mongodb://").partition("/")[0]
    assert fault(settings(uri.format(address) + SOON)) == (2, NO_MEMBER)


def test_a_direct_connection_to_a_secondary_is_an_error(mongod_binary: Path, tmp_path: Path) -> None:
    with replica_set_of_two(mongod_binary, tmp_path) as secondary:
        assert fault(settings(secondary.uri)) == (
            1,
            (
                "HOST is a member that is not the primary (directConnection=true in MONGODB_URI). "
                "Name the set instead (replicaSet=...), so that the driver finds the primary"
            ),
        )


@contextmanager
def replica_set_of_two(binary: Path, folder: Path) -> Iterator[Mongod]:
    with replica_set(binary, folder, 2) as made:
        (secondary,) = [member for member in made.members if member is not made.primary()]
        yield secondary


@pytest.mark.database
@pytest.mark.parametrize("options", ["appName=a", "replicaSet=local", "replicaSet=local&directConnection=true"])
def test_an_unreachable_server_is_an_error(options: str) -> None:
    # Of a server that is connected to directly the driver does not say why it is not there.
    seen = "no answer" if "direct" in options else "connection refused"
    words = OUT_OF_REACH.replace("connection refused", seen)
    assert fault(settings(f"mongodb://127.0.0.1:1/?{options}{SOON}")) == (1, words)


def test_waiting_for_a_primary_is_bounded_and_the_connection_string_decides() -> None:
    with databases.new_client("mongodb://127.0.0.1:1/") as client:
        assert client.options.server_selection_timeout == 20
    with databases.new_client(f"mongodb://127.0.0.1:1/?{SOON[1:]}") as client:
        assert client.options.server_selection_timeout == 1.5


class _OldServer(socketserver.StreamRequestHandler):
    """Answers every message as a MongoDB 4.2 would introduce itself (wire version 8)."""

    def handle(self) -> None:
        hello = {"ismaster": True, "setName": "old", "minWireVersion": 0, "maxWireVersion": 8, "ok": 1.0}
        body = bson.encode({**hello, "hosts": ["127.0.0.1:1"], "me": "127.0.0.1:1"})
        while header := self.rfile.read(16):
            length, number, _, _ = struct.unpack("<iiii", header)
            self.rfile.read(length - 16)
            # OP_MSG: flags, then one section of kind 0.
            reply = struct.pack("<iB", 0, 0) + body
            self.wfile.write(struct.pack("<iiii", 16 + len(reply), 0, number, 2013) + reply)


def test_a_server_that_is_too_old_is_an_error() -> None:
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _OldServer)
    server.daemon_threads = True
    with served(server):
        uri = f"mongodb://127.0.0.1:{server.server_address[1]}/?directConnection=true{SOON}"
        assert fault(settings(uri)) == (
            2,
            "the MongoDB at HOST has a version that this pipeline does not support; it needs MongoDB 4.4 or newer",
        )


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("mongodb://ann:pw@a:1,b:2/?replicaSet=rs0", "a:1,b:2"),
        ("mongodb+srv://ann:pw@cluster.example/", "cluster.example"),
        ("mongodb://ann:p/w@a:1/", "the host of MONGODB_URI"),
        (None, str(Path(".local/mongodb").resolve())),
    ],
)
def test_which_mongodb_is_meant_is_reported_without_its_password(uri: str | None, shown: str) -> None:
    assert databases.server_of(dataclasses.replace(settings("mongodb://x"), mongodb_uri=uri)) == shown


# Why nobody is reached.

REFUSED = "127.0.0.1:1: [Errno 111] Connection refused (configured timeouts: socketTimeoutMS: 20000.0ms)"
NO_NAME = "db.example: [Errno -2] Name or service not known (configured timeouts: connectTimeoutMS: 20000.0ms)"


def described(*servers: str) -> str:
    """As the driver describes what it knows of its servers."""
    return f"Timeout: 1.5s, Topology Description: <TopologyDescription id: 6b0b, servers: [{', '.join(servers)}]>"


def server(address: str, kind: str = "Unknown", error: str = "") -> str:
    host, _, port = address.partition(":")
    fault = f", error=AutoReconnect('{error}')" if error else ""
    return f"<ServerDescription ('{host}', {port}) server_type: {kind}, rtt: None{fault}>"


@pytest.mark.parametrize(
    ("servers", "code", "words"),
    [
        ([server("a:1", error=REFUSED)], 1, "MongoDB is unreachable (trying): a:1: connection refused. Check that it"),
        ([server("a:1")], 1, "MongoDB is unreachable (trying): a:1: no answer. Check that it"),
        (
            [server("a:1", error="a:1: timed out (configured")],
            1,
            "MongoDB is unreachable (trying): a:1: no answer in time",
        ),
        (
            [server("a:1", error=NO_NAME), server("b:2", error="b:2: [Errno -5] No address")],
            2,
            "MongoDB is unreachable (trying): a:1: its name does not resolve; b:2: its name does not resolve. Correct",
        ),
        (
            [server("a:1", error="a:1: [Errno -3] Temporary failure in name resolution")],
            1,
            "MongoDB is unreachable (trying): a:1: DNS did not answer for its name. Check that it",
        ),
        (
            [server("a:1", error=NO_NAME), server("b:2", error=REFUSED)],
            1,
            "MongoDB is unreachable (trying): a:1: its name does not resolve; b:2: connection refused. Check that it",
        ),
        (
            [server("a:1", "RSSecondary"), server("b:2", error=REFUSED), server("c:3", "RSOther")],
            1,
            (
                "MongoDB has no primary (trying): a:1: a secondary; b:2: connection refused; c:3: a member that is "
                "neither primary nor secondary now. Check that most members of the replica set are up, then run again"
            ),
        ),
        ([], 1, "MongoDB is unreachable (trying): no server is known. Check that it"),
        (
            [server("a:1").replace(">", ", error=ProtocolError('Got response id 808465440 but expected 84693088')>")],
            1,
            "MongoDB is unreachable (trying): a:1: what answers there is not MongoDB. Check that it",
        ),
        (
            [server("a:None", error="/tmp/a.sock: [Errno 13] Permission denied (configured timeouts: 1.0ms)")],
            1,
            "MongoDB is unreachable (trying): a: Permission denied. Check that it",
        ),
    ],
    ids=[
        "refused",
        "silent",
        "timed out",
        "no name",
        "no DNS",
        "no name and refused",
        "no primary",
        "none",
        "no MongoDB",
        "system",
    ],
)
def test_the_reason_is_reported_for_each_unreachable_server(servers: list[str], code: int, words: str) -> None:
    told = to_forecast_error(ServerSelectionTimeoutError(described(*servers)), "trying")
    assert (told.exit_code, told.message[: len(words)]) == (code, words)


@pytest.mark.database
def test_a_host_name_that_does_not_resolve_is_reported() -> None:
    """The system's own look-up; nothing is asked over the network where it has no DNS."""
    with pytest.raises(ForecastError) as told:
        prepare_and_write(settings("mongodb://nobody.invalid:27018/?serverSelectionTimeoutMS=1500"))
    assert told.value.message.startswith("MongoDB is unreachable (connecting): nobody.invalid:27018: ")


@pytest.mark.parametrize("raised_by", ["making the client", "the first operation"])
@pytest.mark.parametrize(
    ("cause", "code", "words"),
    [
        ("NXDOMAIN", 2, "DNS has no MongoDB with the name cluster.example.net (mongodb+srv). Correct MONGODB_URI. "),
        ("NoAnswer", 2, "DNS has no MongoDB with the name cluster.example.net (mongodb+srv). Correct MONGODB_URI. "),
        ("LifetimeTimeout", 1, "DNS did not answer for cluster.example.net (mongodb+srv). Check the network, then run"),
        ("NoNameservers", 1, "DNS did not answer for cluster.example.net (mongodb+srv). Check the network, then run"),
        ("Timeout", 1, "DNS did not answer for cluster.example.net (mongodb+srv). Check the network, then run again"),
        ("OSError", 1, "DNS did not answer for cluster.example.net (mongodb+srv). Check the network, then run again"),
    ],
)
def test_case_107_a_name_that_dns_does_not_know_and_dns_that_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, cause: str, code: int, words: str, raised_by: str
) -> None:
    kind: Any = getattr(resolver, cause, OSError)

    def failing(*_: object, **__: object) -> Any:
        raise ConfigurationError("the driver's words") from kind("what dnspython says")

    def unresolved(*_: object, **__: object) -> Any:
        raise kind("what dnspython says")

    if raised_by == "making the client":
        monkeypatch.setattr(databases, "MongoClient", failing)
        uri = f"mongodb+srv://ann:{PASSWORD}@cluster.example.net/?retryWrites=true"
    else:
        monkeypatch.setattr("pymongo.synchronous.srv_resolver._resolve", unresolved)
        uri = f"mongodb+srv://ann:{PASSWORD}@cluster.example.net/?serverSelectionTimeoutMS=1500"
    assert fault(settings(uri))[0] == code
    assert fault(settings(uri))[1].startswith(words)


@pytest.mark.parametrize("uri", ["mongodb://ann:p@ss/w@127.0.0.1:1/", "mongodb://ann:p@ss?w@127.0.0.1:1/"])
def test_a_password_that_is_not_encoded_is_reported_and_no_piece_of_it_is_shown(uri: str) -> None:
    with pytest.raises(ForecastError) as told:
        prepare_and_write(settings(f"{uri}?serverSelectionTimeoutMS=500"))
    assert told.value.exit_code == 2
    assert "percent-encoded" in told.value.message
    assert re.search(r"\bss\b", told.value.message) is None


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("mongodb://ann:p:w@127.0.0.1:1/", "MONGODB_URI is not a valid connection string. "),
        ("mongodb://127.0.0.1:x/", "MONGODB_URI is not a valid connection string. "),
        ("mongodb://127.0.0.1:1/?nothing=1", "MONGODB_URI has an option that is unknown"),
        ("mongodb://127.0.0.1:1/?tls=true&tlsCAFile=none.pem", "a file that MONGODB_URI names (tlsCAFile"),
    ],
)
def test_a_connection_string_that_cannot_be_says_what_is_wrong_with_it(uri: str, words: str) -> None:
    code, told = fault(settings(uri))
    assert (code, told[: len(words)]) == (2, words)


# TLS.


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate that its server signed itself, with its key; and alone, for who trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    alone = made.public_bytes(serialization.Encoding.PEM)
    kinds = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "trusted.pem").write_bytes(alone)
    (folder / "server.pem").write_bytes(alone + key.private_bytes(*kinds))
    return folder / "server.pem", folder / "trusted.pem"


def test_certificate_that_is_not_trusted_and_one_that_is(mongod_binary: Path, tmp_path: Path) -> None:
    own, trusted = certificate(tmp_path)
    options = ("--tlsMode", "preferTLS", "--tlsCertificateKeyFile", str(own), "--tlsCAFile", str(trusted))
    with replica_set(mongod_binary, tmp_path, 1, *options, "--tlsAllowConnectionsWithoutCertificates") as made:
        assert fault(settings(f"{made.uri}&tls=true{SOON}")) == (
            2,
            (
                "MongoDB is unreachable (connecting): HOST: its certificate was not accepted; it is not from an "
                "authority that is trusted here (tlsCAFile), or not for the host in MONGODB_URI"
            ),
        )
        with connect(settings(f"{made.uri}&tls=true&tlsCAFile={trusted}")) as collection:
            prepare_collection(collection)
            write(collection)


def test_a_server_without_tls_is_reported(replica_set: str) -> None:
    uri = f"{replica_set.replace('directConnection=true', 'directConnection=false')}&tls=true{SOON}"
    assert fault(settings(uri)) == (
        1,
        (
            "MongoDB is unreachable (connecting): HOST: no TLS connection could be made. Check that the server speaks "
            "TLS and is up, then run again"
        ),
    )


# Users and rights.


@pytest.mark.parametrize(("user", "password"), [("writer", "wrong"), ("nobody", PASSWORD)])
def test_a_wrong_password_and_an_unknown_user_are_reported(guarded: ReplicaSet, user: str, password: str) -> None:
    assert fault(settings(as_user(guarded.uri, user, password))) == (
        2,
        (
            "MongoDB refused the user of MONGODB_URI (connecting to HOST): unknown to the database that authSource "
            "names, or wrong password"
        ),
    )


@pytest.mark.parametrize(
    ("option", "told"),
    [
        (
            "authMechanism=PLAIN",
            (
                "the server does not support the authentication mechanism in MONGODB_URI (connecting to HOST); change "
                "authMechanism"
            ),
        ),
        (
            "authMechanism=MONGODB-AWS",
            "the authentication mechanism in MONGODB_URI (authMechanism) needs a library that is not installed here",
        ),
    ],
)
def test_an_authentication_mechanism_that_cannot_be_used(guarded: ReplicaSet, option: str, told: str) -> None:
    assert fault(settings(f"{as_user(guarded.uri, 'writer')}&{option}")) == (2, told)


def test_everything_is_read_from_the_primary_whatever_the_connection_string_says(guarded: ReplicaSet) -> None:
    """Else a run would compare what it loads with what a secondary knew before; here there is none to be asked."""
    with connect(settings(f"{as_user(guarded.uri, 'root')}&readPreference=secondary")) as collection:
        assert collection.find_one({}) is None
        assert sibling_collection(collection, "_objects").find_one({}) is None


def test_a_missing_user_is_reported(guarded: ReplicaSet) -> None:
    assert fault(settings(guarded.uri)) == (2, RIGHTS.format("creating the collection"))


def test_a_user_who_may_only_read_is_reported(guarded: ReplicaSet, admin: Any) -> None:
    assert fault(settings(as_user(guarded.uri, "reader"))) == (2, RIGHTS.format("creating the collection"))
    prepare_collection(admin.forecast.weather)
    assert fault(settings(as_user(guarded.uri, "reader"))) == (2, RIGHTS.format("creating the indexes"))


def test_right_to_read_and_write_is_enough(guarded: ReplicaSet, admin: Any) -> None:
    for _ in range(2):
        with connect(settings(as_user(guarded.uri, "writer"))) as collection:
            prepare_collection(collection)
            write(collection)


def test_older_validator_and_no_right_to_change_it(guarded: ReplicaSet, admin: Any) -> None:
    admin.forecast.create_collection("weather", validator={"$jsonSchema": {"required": ["station"]}})
    assert fault(settings(as_user(guarded.uri, "writer"))) == (2, RIGHTS.format("changing the validator"))


def test_a_right_that_is_lost_during_a_run_is_reported(guarded: ReplicaSet, admin: Any) -> None:
    admin.admin.command("createUser", "leaver", pwd=PASSWORD, roles=[{"role": "readWrite", "db": "forecast"}])
    with connect(settings(as_user(guarded.uri, "leaver"))) as collection:
        prepare_collection(collection)
        admin.admin.command("revokeRolesFromUser", "leaver", roles=[{"role": "readWrite", "db": "forecast"}])
        with pytest.raises(ForecastError) as told:
            write(collection)
        assert (told.value.exit_code, told.value.message) == (2, RIGHTS.format("trying"))
        admin.admin.command("dropUser", "leaver")
        with pytest.raises(ForecastError) as told:
            write(collection)
        assert (told.value.exit_code, told.value.message) == (2, RIGHTS.format("trying"))


# Names, and what else may have them.


@pytest.mark.parametrize("name", ["admin", "config", "local"])
def test_a_database_of_mongodb_itself_is_an_error(replica_set: str, name: str) -> None:
    assert fault(settings(replica_set, name)) == (
        2,
        f"MONGODB_DATABASE is {name!r}, a database of MongoDB itself",
    )


def test_database_name_that_differs_in_capitals_only(guarded: ReplicaSet, admin: Any) -> None:
    admin.forecast.other.insert_one({})
    assert fault(settings(as_user(guarded.uri, "root"), "Forecast")) == (
        2,
        "there is a database whose name differs from MONGODB_DATABASE only in capitalisation (creating the collection)",
    )


def test_a_name_that_the_server_rejects_is_an_error(guarded: ReplicaSet, admin: Any) -> None:
    assert fault(settings(as_user(guarded.uri, "root"), "x" * 64)) == (
        2,
        (
            "MongoDB refused the name of the database or of the collection (creating the collection); change "
            "MONGODB_DATABASE or MONGODB_COLLECTION"
        ),
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"viewOn": "other", "pipeline": []},
            "forecast.weather is a view, not a collection; change MONGODB_COLLECTION",
        ),
        (
            {"timeseries": {"timeField": "timestamp"}},
            "forecast.weather is a timeseries, not a collection; change MONGODB_COLLECTION",
        ),
        (
            {"capped": True, "size": 100_000},
            (
                "forecast.weather is a capped collection, which drops its oldest documents by itself; change "
                "MONGODB_COLLECTION"
            ),
        ),
    ],
    ids=["view", "time series", "capped"],
)
def test_other_kinds_of_collections(guarded: ReplicaSet, admin: Any, options: dict[str, Any], words: str) -> None:
    admin.forecast.create_collection("weather", **options)
    assert fault(settings(as_user(guarded.uri, "root"))) == (2, words)


def test_an_index_by_which_documents_are_deleted(guarded: ReplicaSet, admin: Any) -> None:
    admin.forecast.weather.create_index("metadata.ingested_at", name="old", expireAfterSeconds=86_400)
    words = "forecast.weather has the TTL index old, by which MongoDB deletes documents by itself; drop it"
    assert fault(settings(as_user(guarded.uri, "root"))) == (2, words)


def test_a_view_next_to_the_collection(guarded: ReplicaSet, admin: Any) -> None:
    admin.forecast.create_collection("weather_days", viewOn="other", pipeline=[])
    assert fault(settings(as_user(guarded.uri, "root"))) == (
        2,
        (
            "what is to be written to is a view (creating the indexes of the daily aggregates); drop the view, or "
            "change MONGODB_COLLECTION"
        ),
    )


@pytest.mark.parametrize("altered", [{"validationLevel": "off"}, {"validationAction": "warn"}])
def test_a_validator_that_was_switched_off_is_switched_on(
    guarded: ReplicaSet, admin: Any, altered: dict[str, str]
) -> None:
    prepare_collection(admin.forecast.weather)
    admin.forecast.command("collMod", "weather", **altered)
    prepare_collection(admin.forecast.weather)
    with pytest.raises(WriteError, match="Document failed validation"):
        admin.forecast.weather.insert_one({"reading": 3.0})


LIKE = (
    "the collection has an index like one of the pipeline's, with another name or other options (creating the indexes)"
    "; drop it"
)
SAME_NAME = "the collection has another index with the name of one of the pipeline's (creating the indexes); drop it"


@pytest.mark.parametrize(
    ("direction", "options", "words"),
    [
        (ASCENDING, {"name": "mine"}, LIKE),
        (DESCENDING, {"name": "time"}, SAME_NAME),
    ],
)
def test_conflicting_indexes_are_reported(
    guarded: ReplicaSet, admin: Any, direction: int, options: dict[str, Any], words: str
) -> None:
    admin.forecast.weather.create_index([("timestamp", direction)], **options)
    assert fault(settings(as_user(guarded.uri, "root"))) == (2, words)


def test_a_collection_of_another_program_is_an_error(guarded: ReplicaSet, admin: Any) -> None:
    admin.forecast.weather.insert_one({"station": {"location": {"type": "Point", "coordinates": [1000, 1000]}}})
    assert fault(settings(as_user(guarded.uri, "root"))) == (
        2,
        (
            "the collection holds documents whose station.location is not a point (creating the indexes), so they are "
            "not the pipeline's; set MONGODB_COLLECTION to another one"
        ),
    )


# What the server answers.


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (
            {"errorCode": 14031},
            "MongoDB has no disk space left (trying). Free some space on the disk of its data, then run again",
        ),
        ({"errorCode": 50}, TOO_LONG),
        ({"errorCode": 262}, TOO_LONG),
        ({"errorCode": 64}, UNCONFIRMED),
        ({"writeConcernError": {"code": 64, "errmsg": "waiting for replication timed out"}}, UNCONFIRMED),
        ({"errorCode": 8}, "MongoDB refused an operation (trying): code 8"),
        ({"errorCode": 10107}, LOST.format("")),
        ({"closeConnection": True}, LOST.format(", HOST")),
    ],
)
def test_temporary_failures_are_exit_code_1(
    guarded: ReplicaSet, admin: Any, failure: dict[str, Any], told: str
) -> None:
    data = {"failCommands": ["delete"], **failure}
    admin.admin.command("configureFailPoint", "failCommand", mode="alwaysOn", data=data)
    assert fault(settings(as_user(guarded.uri, "root"))) == (1, told)


@pytest.mark.parametrize("command", ["create", "createIndexes"])
def test_a_full_disk_during_preparation_is_reported(guarded: ReplicaSet, admin: Any, command: str) -> None:
    data = {"failCommands": [command], "errorCode": 14031}
    admin.admin.command("configureFailPoint", "failCommand", mode="alwaysOn", data=data)
    doing = {"create": "creating the collection", "createIndexes": "creating the indexes"}[command]
    assert fault(settings(as_user(guarded.uri, "root"))) == (
        1,
        f"MongoDB has no disk space left ({doing}). Free some space on the disk of its data, then run again",
    )


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system in memory, of which a new mongod takes about 315 MB."""
    mount, umount = shutil.which("mount"), shutil.which("umount")
    if os.geteuid() != 0 or mount is None or umount is None:
        pytest.skip("only root can mount a small disk")
    if subprocess.run([mount, "-t", "tmpfs", "-o", "size=450m", "tmpfs", tmp_path], check=False).returncode:
        pytest.skip("a small disk cannot be mounted here")
    yield tmp_path
    subprocess.run([umount, tmp_path], check=True)


def test_a_disk_that_is_really_full_is_reported(mongod_binary: Path, small_disk: Path) -> None:
    """A mongod says so as long as it can, and ends when it cannot write its journal."""
    with replica_set(mongod_binary, small_disk, 1) as made:
        with (small_disk / "ballast").open("wb", buffering=0) as ballast, suppress(OSError):
            while True:
                ballast.write(bytes(4096))
        code, words = fault(settings(made.uri + SOON))
    assert code == 1
    assert words.startswith(
        (
            "MongoDB has no disk space left (",
            "the connection to MongoDB was lost (",
            "MongoDB is unreachable",
            "MongoDB has no",
        )
    )


def test_a_full_disk_is_recognised_in_the_storage_engines_messages() -> None:
    """As a mongod 6.0.5 answered on a full disk."""
    answer = {"ok": 0.0, "errmsg": "28: No space left on device", "code": 8, "codeName": "UnknownError"}
    told = to_forecast_error(OperationFailure("28: No space left on device", 8, answer), "trying")
    assert (told.exit_code, told.message) == (
        1,
        "MongoDB has no disk space left (trying). Free some space on the disk of its data, then run again",
    )


def test_an_unconfirmed_write_is_reported(mongod_binary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with replica_set(mongod_binary, tmp_path, 2) as made:
        with connect(settings(made.uri)) as collection:
            prepare_collection(collection)
        monkeypatch.setattr(databases, "WRITE_TIMEOUT_MS", 300)
        refused_without_a_majority(made)


def refused_without_a_majority(made: ReplicaSet) -> None:
    with connect(settings(made.uri)) as collection:
        (secondary,) = [member for member in made.members if member is not made.primary()]
        other = collection.database.get_collection("other", write_concern=collection.write_concern)
        with secondary.paused(), pytest.raises(ForecastError) as told, mongo_errors("trying"):
            other.insert_one({})
        assert (told.value.exit_code, told.value.message) == (1, UNCONFIRMED)


def test_a_database_that_is_lost_is_not_waited_for_twice(mongod_binary: Path, tmp_path: Path) -> None:
    """Closing tells the server which sessions have ended, and would wait for a primary as long as any operation."""
    with replica_set(mongod_binary, tmp_path, 1) as made, pytest.raises(ForecastError) as told:
        write_and_lose(made)
    # Which of the two it is depends on whether the driver's monitor or the write meets the lost member first.
    seen = {LOST.format(", HOST"), OUT_OF_REACH.replace("connecting", "trying")}
    assert told.value.exit_code == 1
    assert without_port(told.value.message) in seen


def write_and_lose(made: ReplicaSet) -> None:
    # Longer than a test may last, so that waiting for it would be seen.
    with connect(settings(made.uri + "&serverSelectionTimeoutMS=900000")) as collection:
        write(collection)
        made.members[0].kill()
        with pymongo.timeout(1):
            write(collection)


@pytest.mark.parametrize("together", [True, False])
def test_a_foreign_unique_index_next_to_the_observations_is_named(
    collection: ObservationCollection, together: bool
) -> None:
    """What a bulk write is refused for stands in its first refused write, and not in the code of the whole."""
    beside = collection.database[f"{collection.name}_days"]
    beside.create_index([("station", 1)], unique=True, name="mine")
    beside.insert_one({"_id": "A@2024-10-01", "station": "A"})
    another = {"_id": "A@2024-10-02", "station": "A"}
    write = (
        partial(beside.bulk_write, [pymongo.InsertOne(another)]) if together else partial(beside.insert_one, another)
    )
    with pytest.raises(ForecastError) as told, mongo_errors("writing daily aggregates"):
        write()
    assert told.value.exit_code == 2
    assert told.value.message == (
        f"a unique index that is not the pipeline's, mine on station of {beside.full_name}, refuses a write (writing "
        "daily aggregates); drop the index"
    )


def test_a_bulk_write_that_the_validator_rejects_is_reported_as_such(collection: ObservationCollection) -> None:
    with pytest.raises(ForecastError) as told, mongo_errors("writing"):
        collection.bulk_write([pymongo.InsertOne({"_id": "by hand"})])
    assert told.value.exit_code == 2
    assert told.value.message.startswith("the database's validator refuses a document (writing)")
