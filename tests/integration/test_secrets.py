"""No credential anywhere: every failure, with a recognisable password, and all it left searched.

What libraries, the process list or a crash could show takes a process of its own; what is only typed wrong does not.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote_plus

import bson
import pytest
from pymongo import MongoClient
from pymongo.database import Database

from forecast.core.text import without_secrets
from tests.integration.faulty_s3 import faulty_s3, says
from tests.integration.replica_set import replica_set
from tests.integration.worlds import SCRIPTS, Row, World, WorldMaker
from tests.waiting import WAIT_SECONDS

DOCUMENT = "infoclimat/Data_Source1_011024-031024.json"
# The mark stands in every part of the password, whatever it is cut at, and is the same percent-encoded.
MARK = "Wq7vZebra"
PASSWORD = f"{MARK}:/{MARK}?{MARK}@{MARK} %{MARK}#{MARK}&{MARK}é{MARK}"
ENCODED = quote_plus(PASSWORD)
NOBODY_LISTENS = f"mongodb://ann:{ENCODED}@127.0.0.1:1/?serverSelectionTimeoutMS=300"
# As somebody might who looks for a fault.
DEBUGGED = "import logging; logging.basicConfig(level=logging.DEBUG)"
IMPATIENT = "import forecast.storage.s3 as s3; s3.RETRY_POLICY = s3.RetryPolicy(tries=1)"
CRASHED = """
import os, main
from forecast.run import steps
def broken(*_, **__):
    try:
        raise KeyError(os.environ["MONGODB_URI"], os.environ["AWS_SECRET_ACCESS_KEY"])
    except KeyError as error:
        raise ZeroDivisionError(f"{os.environ['AWS_SESSION_TOKEN']} {os.environ['MONGODB_URI']}") from error
steps.validate_data = broken
"""
STRICTER = """
import json, pathlib, forecast.mongo.loader
schema = json.loads(forecast.mongo.loader.SCHEMA_FILE.read_text())
schema["$jsonSchema"]["properties"]["measurements"] = {"bsonType": "object", "required": ["nothing"]}
forecast.mongo.loader.SCHEMA_FILE = pathlib.Path("stricter.json")
forecast.mongo.loader.SCHEMA_FILE.write_text(json.dumps(schema))
"""
# Writes to a file what the process list can show: the command line of the process and of each that it starts.
COMMAND_LINES = """
import atexit, os, pathlib, sys
def listed(event, arguments):
    if event in {"subprocess.Popen", "os.exec", "os.posix_spawn", "os.system"}:
        write(repr(arguments[:2]).encode())
def write(line):
    with open(os.environ["COMMAND_LINES"], "ab") as file:
        file.write(line + b"\\n")
sys.addaudithook(listed)
atexit.register(lambda: write(pathlib.Path("/proc/self/cmdline").read_bytes().replace(b"\\n", b" ")))
"""


@dataclass
class Process:
    """What a command left, and the command lines that the process list had meanwhile."""

    code: int
    stdout: str
    stderr: str
    listed: set[bytes] = field(default_factory=set)


def run(world: World, command: str, *arguments: str, before: str = "", **variables: str) -> Process:
    """A command in a process of its own; `before` is what is done in it first."""
    script, *own = SCRIPTS[command]
    call = f"from forecast.cli import program; program.{script.replace('-', '_')}()"
    own_registry = "from tests.stations import use_own_registry; use_own_registry()"
    code = f"{own_registry}; import sys; sys.argv[0] = {script!r}\n{COMMAND_LINES}\n{before}\n{call}"
    with tempfile.NamedTemporaryFile() as listed:
        process = subprocess.run(
            [sys.executable, "-W", "error", "-c", code, *own, *arguments],
            cwd=world.home,
            env=_environment(world, variables) | {"COMMAND_LINES": listed.name},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=WAIT_SECONDS,
            check=False,
        )
        return Process(process.returncode, process.stdout, process.stderr, set(listed.read().splitlines()))


def typed(world: World, command: str, *arguments: str, **variables: str) -> Process:
    """A command without a process of its own: for what it refuses before it has begun."""
    outcome = world.typed(command, *arguments, variables=_environment(world, variables))
    return Process(outcome.code, outcome.stdout, outcome.stderr)


def _environment(world: World, variables: dict[str, str]) -> dict[str, str]:
    secret = {"AWS_SECRET_ACCESS_KEY": PASSWORD.encode("ascii", "ignore").decode(), "AWS_SESSION_TOKEN": MARK}
    return {name: value for name, value in world.variables(**secret, **variables).items() if value}


def assert_nowhere(world: World, process: Process, *, mongodb_uri: str | None = None) -> None:
    """The mark is in no stream, no command line, no file, no object of the processed zone, and no document."""
    found = {"stdout": process.stdout.encode(), "stderr": process.stderr.encode()}
    found |= {f"process {number}": line for number, line in enumerate(process.listed)}
    found |= {str(path): path.read_bytes() for path in world.home.rglob("*") if path.is_file()}
    found |= {f"name {number}": os.fsencode(path) for number, path in enumerate(world.home.rglob("*"))}
    found |= {key: world.processed.get(key) for key in world.processed.keys()}
    client: MongoClient[Row]
    with MongoClient(mongodb_uri or world.mongodb_uri) as client:
        database: Database[Row] = client[world.database]
        for name in database.list_collection_names():
            found |= {f"{name} {document['_id']}": bson.encode(document) for document in database[name].find()}
    assert [name for name, content in found.items() if MARK.encode() in content] == []


@pytest.fixture
def local(local_world: WorldMaker, demo_data: Path) -> World:
    """A world in local folders with one object."""
    world = local_world()
    world.deliver(demo_data, [DOCUMENT])
    return world


@pytest.fixture
def on_s3(s3_world: WorldMaker, demo_data: Path) -> World:
    """A world on S3 with one object."""
    world = s3_world()
    world.deliver(demo_data, [DOCUMENT])
    return world


@pytest.fixture(scope="module")
def guarded(mongod_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a MongoDB with users: ann may do everything, bob may only read; both have the password."""
    folder = tmp_path_factory.mktemp("guarded")
    key = folder / "key"
    key.write_text("c2VjcmV0" * 10)
    key.chmod(0o400)
    with replica_set(mongod_binary, folder, 1, "--auth", "--keyFile", str(key)) as made:
        (member,) = made.members
        client: MongoClient[Row]
        with MongoClient(member.uri) as client:
            client.admin.command("createUser", "ann", pwd=PASSWORD, roles=["root"])
        with MongoClient(member.uri, username="ann", password=PASSWORD) as client:
            client.admin.command("createUser", "bob", pwd=PASSWORD, roles=["readAnyDatabase"])
        yield member.address


def uri_of(user: str, address: str) -> str:
    return f"mongodb://{user}:{ENCODED}@{address}/?directConnection=true"


@pytest.mark.parametrize(
    "text",
    [
        f"no answer from mongodb://ann:{PASSWORD}@host:27017/?tls=true",
        f"MongoDB+SRV://ann:{ENCODED}@host/",
        f"mongodb://host/?tlsCertificateKeyFilePassword={ENCODED}",
        f"http://ann:{PASSWORD}@proxy:3128 refused",
        f"https://ann:{MARK}/{MARK}@{MARK}@host/path",
        f"s3://AKIA:{MARK}/{MARK}@bucket/key",
        f"s3://{MARK}@bucket/key",
    ],
)
def test_address_in_a_text(text: str) -> None:
    assert MARK not in str(without_secrets({text: [text]}))


def test_help(local: World) -> None:
    process = run(local, "pipeline", "--help", MONGODB_URI=NOBODY_LISTENS)
    assert process.code == 0
    assert_nowhere(local, process)


@pytest.mark.parametrize("command", ["pipeline", "migrate", "latency-report"])
def test_wrong_password(local: World, command: str) -> None:
    uri = f"mongodb://ann:{ENCODED}@{local.mongodb_uri.rpartition('@')[2]}"
    process = typed(local, command, "--json", MONGODB_URI=uri)
    assert process.code == 2
    assert "wrong password" in process.stderr
    assert_nowhere(local, process)


def test_host_that_does_not_answer(local: World) -> None:
    process = run(local, "pipeline", MONGODB_URI=NOBODY_LISTENS, LOG_FORMAT="json")
    assert process.code == 1
    assert "unreachable" in process.stderr
    assert_nowhere(local, process)


@pytest.mark.parametrize(
    "uri",
    [
        f"mongodb://ann:{PASSWORD}@127.0.0.1:1/",
        f"mongodb://ann:{ENCODED}@127.0.0.1:1/?{MARK}=1",
        f"mongodb://ann:{ENCODED}@127.0.0.1:1/?tls=true&tlsCertificateKeyFilePassword={ENCODED}&tlsCAFile=none.pem",
        f"ann:{ENCODED}@127.0.0.1:1",
        f"mongodb://ann:{MARK}@{MARK}/{MARK}@127.0.0.1:1/?serverSelectionTimeoutMS=300",
        f"mongodb+srv://ann:{MARK}@{MARK}.example/{MARK}@127.0.0.1:1/?serverSelectionTimeoutMS=300",
    ],
)
def test_connection_string_that_cannot_be(local: World, uri: str) -> None:
    process = typed(local, "pipeline", MONGODB_URI=uri)
    assert process.code == 2
    assert "MONGODB_URI" in process.stderr
    assert "Traceback" not in process.stderr
    assert_nowhere(local, process)


@pytest.mark.parametrize(
    "name",
    [
        "RAW_URI",
        "PROCESSED_URI",
        "LOGS_DIR",
        "LOG_LEVEL",
        "LOG_FORMAT",
        "MONGODB_DATABASE",
        "MONGODB_COLLECTION",
        "AWS_ENDPOINT_URL",
    ],
)
def test_connection_string_in_another_variable(on_s3: World, name: str) -> None:
    process = typed(on_s3, "pipeline", **{name: NOBODY_LISTENS})
    assert process.code == 2
    assert name in process.stderr
    assert "Traceback" not in process.stderr
    assert_nowhere(on_s3, process)


@pytest.mark.parametrize(
    "arguments",
    [
        (NOBODY_LISTENS,),
        (f"--mongodb-url={NOBODY_LISTENS}",),
        ("--date", NOBODY_LISTENS),
        ("--logs-dir", NOBODY_LISTENS),
        ("--mongodb-uri", f"mongodb://ann:{PASSWORD}@127.0.0.1:1/"),
    ],
)
def test_connection_string_in_another_option(local: World, arguments: tuple[str, ...]) -> None:
    process = typed(local, "pipeline", *arguments)
    assert process.code == 2
    assert "Traceback" not in process.stderr
    assert_nowhere(local, process)


@pytest.mark.parametrize(
    "address",
    [
        f"http://ann:{ENCODED}@127.0.0.1:1",
        f"http://ann:{PASSWORD}@127.0.0.1:1",
        f"ann:{ENCODED}@127.0.0.1:1",
        f"http://127.0.0.1:{ENCODED}",
    ],
)
def test_s3_address_with_a_password(on_s3: World, address: str) -> None:
    process = typed(on_s3, "pipeline", AWS_ENDPOINT_URL=address)
    assert process.code == 2
    assert "AWS_" in process.stderr
    assert "Traceback" not in process.stderr
    assert_nowhere(on_s3, process)


def test_s3_that_is_unreachable_or_denies(on_s3: World, s3_server: str) -> None:
    proxy_uri = f"http://ann:{ENCODED}@127.0.0.1:1"
    process = run(on_s3, "pipeline", before=IMPATIENT, AWS_ENDPOINT_URL="http://127.0.0.1:1", HTTP_PROXY=proxy_uri)
    assert process.code == 1
    assert_nowhere(on_s3, process)
    with faulty_s3(s3_server) as proxy:
        proxy.spoil("GET", "", says(403, "SignatureDoesNotMatch"))
        process = run(on_s3, "pipeline", before=DEBUGGED, AWS_ENDPOINT_URL=proxy.endpoint)
    assert process.code == 2
    assert "access denied (SignatureDoesNotMatch)" in process.stderr
    assert_nowhere(on_s3, process)


def test_good_run_in_which_all_libraries_log_all_they_can(on_s3: World, guarded: str) -> None:
    uri = uri_of("ann", guarded)
    for arguments in (("pipeline", "--json"), ("migrate", "--verify"), ("crud-check",)):
        given = (*arguments, "--log-level", "DEBUG")
        process = run(on_s3, *given, before=DEBUGGED, MONGODB_URI=uri, LOG_FORMAT="json")
        assert process.code == 0, process.stderr
        assert_nowhere(on_s3, process, mongodb_uri=uri)


@pytest.mark.parametrize("command", ["pipeline", "crud-check"])
def test_rights_that_were_lost(local: World, guarded: str, command: str) -> None:
    uri = uri_of("bob", guarded)
    process = run(local, command, before=DEBUGGED, MONGODB_URI=uri)
    assert process.code == 2, process.stderr
    assert_nowhere(local, process, mongodb_uri=uri)


def test_document_that_the_validator_refuses(local: World, guarded: str) -> None:
    uri = uri_of("ann", guarded)
    process = run(local, "pipeline", "--json", before=STRICTER, MONGODB_URI=uri)
    assert process.code == 2, process.stderr
    assert "mongodb_schema.json" in process.stderr
    assert_nowhere(local, process, mongodb_uri=uri)


@pytest.mark.parametrize(
    ("where", "code", "log_format"), [("steps.validate_data", 3, "json"), ("main.list_objects", 1, "text")]
)
def test_fault_of_the_program(local: World, where: str, code: int, log_format: str) -> None:
    uri = f"{local.mongodb_uri}&appName={MARK}"
    crashed = CRASHED.replace("steps.validate_data", where)
    process = run(local, "pipeline", before=crashed, MONGODB_URI=uri, LOG_FORMAT=log_format)
    assert process.code == code
    assert "ZeroDivisionError" in process.stderr
    assert "broken" in process.stderr  # where it happened is still told
    assert_nowhere(local, process)


def test_embedded_mongodb(local: World, mongod_binary: Path) -> None:
    process = run(local, "pipeline", MONGODB_URI="")
    assert process.code == 0, process.stderr
    assert any(b"--dbpath" in line and os.fsencode(local.home) in line for line in process.listed)
    assert_nowhere(local, process)
