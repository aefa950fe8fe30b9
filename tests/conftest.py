"""The real parts that tests run on: a mongod, an S3 server, the published weather files."""

import atexit
import functools
import gc
import os
import secrets
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, Final

import boto3
import pytest
import typer.main
import typer.testing
from pymongo import MongoClient

from forecast.core.stations import Stations
from forecast.mongo.client import ObservationCollection
from forecast.mongo.embedded import embedded_mongodb, find_mongod
from forecast.mongo.loader import prepare_collection
from tests.examples import PROFILE, inputs_in_turn, load_profile
from tests.folders import folder_in_memory
from tests.stations import built_in_registry as built_in_registry_in_force
from tests.stations import use_own_registry

ROOT = Path(__file__).resolve().parents[1]
REGION: Final = "eu-west-3"
load_profile()
use_own_registry()
# What these assert is told as well as what the tests do.
pytest.register_assert_rewrite("tests.hostile.endings", "tests.integration.worlds")
# What a fixture needs, whoever asks for it needs as well: the first of these tiers that holds is a test's tier.
_TIERS: Final = {
    # `clean` is a week of real data, evaluated as a whole, `demo` a week of made-up data in every format.
    "whole": {"local_world", "s3_world", "new_world", "clean", "demo"},
    "database": {"mongod_binary", "s3_server", "ecs"},
}
# Formats, envelopes and layouts are parameters there. Of the inputs of one test, so many are in the inner loop, so many
# or an eighth are for every change, and the night has all.
_MANY_INPUTS: Final = tuple(str(ROOT / "tests" / folder) + "/" for folder in ("extract", "transform/networks"))
_INNER_INPUTS: Final = 4
_INPUTS_OF_EVERY_CHANGE: Final = 24
# They take a minute and more each, and wait for most of it: one process begins with them, and none ends with them.
_LONGEST: Final = frozenset(
    ROOT / "tests" / place
    for place in ("docs/test_docs.py", "integration/test_cluster.py", "integration/test_failover.py")
)
# The night has time, and its properties have ten times as many examples.
_NIGHTLY_TIMEOUT_SECONDS: Final = 7200


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test with its tier: what it needs tells, and `slow` and `whole` can be said of a test by itself."""
    items.sort(key=lambda item: item.path not in _LONGEST)
    many = (item for item in items if str(item.path).startswith(_MANY_INPUTS) and not item.get_closest_marker("slow"))
    for chosen in inputs_in_turn(many):
        of_every_change = max(_INPUTS_OF_EVERY_CHANGE, len(chosen) // 8)
        inner = [item for item in chosen if not any(item.get_closest_marker(tier) for tier in _TIERS)][:_INNER_INPUTS]
        for number, item in enumerate(chosen):
            if item not in inner:
                item.add_marker("whole" if number < of_every_change else "slow")
    for item in items:
        if not any(item.get_closest_marker(tier) for tier in ("slow", *_TIERS)):
            item.add_marker(_tier(set(getattr(item, "fixturenames", ()))))
        if PROFILE == "nightly":
            item.add_marker(pytest.mark.timeout(_NIGHTLY_TIMEOUT_SECONDS))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What the modules of the tests hold stays to the end: to look for garbage in it again and again takes time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()
        # A library that finds its objects alive at the end complains of a leak. Not earlier: pytest collects garbage
        # ten times when it ends.
        atexit.register(gc.unfreeze)


@pytest.fixture(scope="session", autouse=True)
def _commands_are_made_once() -> Iterator[None]:
    """Typer's runner builds all commands each time, which takes longer than most tests of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.testing, "_get_command", functools.cache(typer.main.get_command))
        yield


@pytest.fixture(scope="session", autouse=True)
def _nothing_is_forced_to_the_disk() -> Iterator[None]:
    """No test cuts the power: a file is complete for whoever reads it without `fsync`, which takes most of a write.

    Processes that tests start, and so those that are killed, call it.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture(autouse=True)
def _no_server_in_tier_unit(request: pytest.FixtureRequest) -> Iterator[None]:
    """A fixture that is asked for by its name while a test runs was not known when the test got its tier."""
    yield
    tier = _tier(set(request.fixturenames))
    if request.node.get_closest_marker("unit") and tier != "unit":
        pytest.fail(f"the test is in tier unit and used a fixture of tier {tier}: make that fixture an argument")


def _tier(fixtures: set[str]) -> str:
    return next((tier for tier, needed in _TIERS.items() if fixtures & needed), "unit")


@pytest.fixture(scope="module")
def built_in_registry() -> Iterator[Stations]:
    """Give the program's own stations, which are in force meanwhile, and not the tests' (`tests/registry`)."""
    with built_in_registry_in_force() as stations:
        yield stations


@pytest.fixture(scope="session")
def mongod_binary() -> Path:
    """Give the mongod that the embedded MongoDB would use."""
    binary = find_mongod()
    if binary is None:
        pytest.skip("no mongod is installed here: neither the bundled one nor one on PATH")
    return binary


@pytest.fixture(scope="session")
def replica_set(mongod_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the connection string of a one-node replica set that lasts as long as the tests."""
    with folder_in_memory(tmp_path_factory) as folder, embedded_mongodb(folder) as uri:
        yield uri


@pytest.fixture
def mongo_database(replica_set: str) -> Iterator[str]:
    """Give the name of a database that nobody else uses and that is dropped afterwards."""
    name = f"test_{secrets.token_hex(6)}"
    yield name
    client: MongoClient[dict[str, Any]]
    with MongoClient(replica_set) as client:
        client.drop_database(name)


@pytest.fixture
def collection(replica_set: str, mongo_database: str) -> Iterator[ObservationCollection]:
    """Give a collection that is made and empty."""
    with MongoClient[dict[str, Any]](replica_set, tz_aware=True) as client:
        made = client[mongo_database]["weather"]
        prepare_collection(made)
        yield made


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """Give the endpoint of an S3 server on this machine."""
    # Here, because to import it takes half a second.
    from moto.server import ThreadedMotoServer  # noqa: PLC0415

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3_bucket(s3_server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Give the name of a new bucket; the environment is set so that boto3 finds the server."""
    environment = {
        "AWS_ENDPOINT_URL": s3_server,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        # Neither the credentials nor the settings of whoever runs the tests.
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "no-credentials"),
        "AWS_CONFIG_FILE": str(tmp_path / "no-config"),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    bucket = f"test-{secrets.token_hex(6)}"
    boto3.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    return bucket


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Give the folder of real files, which is next to the project and not in it."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"real data is not here: {folder}")
    return folder
