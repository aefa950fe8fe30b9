"""`mongo init --feature-version`: the last step of an upgrade, only where every member runs the version."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner, Result

from forecast.cli.program import forecast_app
from forecast_ops.archives import PARTS
from tests.operations.conftest import Member


def init(*arguments: str) -> Result:
    return CliRunner().invoke(forecast_app, ["mongo", "init", "--log-format", "json", *arguments])


def feature_version(member: Member) -> str:
    with member.root() as client:
        answer = client.admin.command("getParameter", featureCompatibilityVersion=1)
    return str(answer["featureCompatibilityVersion"]["version"])


def test_the_feature_version_is_raised_to_the_version_that_every_member_runs(users_member: Member) -> None:
    with users_member.root() as client:
        runs = client.server_info()["versionArray"][0]
    now, before = f"{runs}.0", f"{runs - 1}.0"
    assert feature_version(users_member) == now
    lowered = init("--feature-version", before)
    assert lowered.exit_code == 0, lowered.output
    assert feature_version(users_member) == before
    raised = init("--feature-version", now)
    assert f'"message": "the feature version is {now}; it was {before}"' in raised.output
    assert feature_version(users_member) == now


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("99.0", "; roll it to 99.0 first. Nothing was changed"),
        ("new", "new is not a feature version; expected a major"),
    ],
)
def test_a_feature_version_that_no_member_runs_changes_nothing(users_member: Member, wanted: str, words: str) -> None:
    before = feature_version(users_member)
    result = init("--feature-version", wanted)
    assert result.exit_code == 2
    assert words in result.output
    assert feature_version(users_member) == before


def test_a_dump_of_half_a_terabyte_fits_into_the_parts_that_s3_accepts() -> None:
    assert PARTS.multipart_chunksize * 10_000 > 500 * 10**9
    assert PARTS.multipart_chunksize * PARTS.max_request_concurrency <= 128 << 20
