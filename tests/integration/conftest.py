"""Whole runs, on a real mongod, with the zones in local folders and again on an S3 server."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import boto3
import pytest

from forecast_demo import write_demo
from tests.integration.worlds import WorldMaker

REGION: Final = "eu-west-3"
KINDS = ("local", "s3")


@pytest.fixture(scope="session")
def aws_environment(s3_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The environment in which boto3 finds the S3 server, and no credentials of whoever runs the tests."""
    nowhere = tmp_path_factory.mktemp("aws")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_ENDPOINT_URL_S3"):
            patch.delenv(name, raising=False)
        patch.setenv("AWS_ENDPOINT_URL", s3_server)
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(nowhere / "no-credentials"))
        patch.setenv("AWS_CONFIG_FILE", str(nowhere / "no-config"))
        yield


def _make_bucket() -> str:
    bucket = f"test-{secrets.token_hex(6)}"
    boto3.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    return bucket


@pytest.fixture(scope="module")
def local_world(replica_set: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorldMaker]:
    """Makes worlds in local folders."""
    maker = WorldMaker("local", replica_set, tmp_path_factory.mktemp("worlds"), _make_bucket)
    yield maker
    maker.end()


@pytest.fixture(scope="module")
def s3_world(replica_set: str, aws_environment: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorldMaker]:
    """Makes worlds on the S3 server."""
    maker = WorldMaker("s3", replica_set, tmp_path_factory.mktemp("worlds"), _make_bucket)
    yield maker
    maker.end()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What stores differ in is tested in tests/storage: a run on S3 as well is for the night, but for `both_zones`."""
    for item in items:
        spec = getattr(item, "callspec", None)
        on_s3 = spec is not None and spec.params.get("new_world") == "s3"
        if on_s3 and not item.get_closest_marker("both_zones"):
            item.add_marker("slow")


@pytest.fixture(scope="module", params=KINDS)
def new_world(request: pytest.FixtureRequest) -> WorldMaker:
    """Makes worlds, once in local folders and once on the S3 server."""
    maker = request.getfixturevalue(f"{request.param}_world")
    assert isinstance(maker, WorldMaker)
    return maker


@pytest.fixture(scope="session")
def demo_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's raw data."""
    folder = tmp_path_factory.mktemp("demo")
    write_demo(folder)
    return folder
