"""`mongo dump` and `mongo restore` around stand-ins of the tools: streamed, checked, and nothing half-done left behind.

The tools themselves are drilled with the image (docker/drill/run).
"""

import hashlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymongo.uri_parser import parse_uri
from typer.testing import CliRunner, Result

from forecast.cli.program import forecast_app
from forecast.core.errors import SettingError
from forecast_ops.archives import Archives, Manifest, name_of
from forecast_ops.environment import with_options
from tests.operations.conftest import PASSWORDS, Member

# A mongodump that shows what it was given.
KEEPING = """cat "$here/archive"
cp "${1#--config=}" "$here/config"
stat -c %a "${1#--config=}" >"$here/mode"
"""
# More than s3transfer's 8 MB, so that the upload has several parts.
ARCHIVE = os.urandom(1 << 20) * 20


@pytest.fixture
def prepared(users_member: Member, s3_bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder on PATH for the tools; a set with 100 documents and the environment of a dump are there."""
    monkeypatch.setenv("BACKUP_URI", f"s3://{s3_bucket}/dumps/")
    tools = tmp_path / "tools"
    tools.mkdir()
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    (tmp_path / "archive").write_bytes(ARCHIVE)
    with users_member.root() as client:
        client.forecast_2_0.rows.insert_many([{"_id": number} for number in range(100)])
    return tools


def put_tool(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f'#!/bin/bash\nhere={folder.parent}\nprintf "%s\\n" "$@" >"$here/arguments"\n{script}\n')
    path.chmod(0o755)


def uri_of(user: str) -> str:
    """The connection string of the task that runs as this user; its CA file is a path of another container."""
    password = quote_plus(PASSWORDS[f"MONGO_{user.upper()}_PASSWORD"])
    options = "replicaSet=forecast&tls=true&tlsCAFile=/nowhere/ca.pem&authSource=admin"
    return f"mongodb://{user}:{password}@{os.environ['MONGO_MEMBERS']}/?{options}"


def run_dump() -> Result:
    return CliRunner().invoke(forecast_app, ["mongo", "dump"], env={"MONGODB_URI": uri_of("backup")})


def run_restore(*arguments: str) -> Result:
    return CliRunner().invoke(forecast_app, ["mongo", "restore", *arguments], env={"MONGODB_URI": uri_of("app")})


def keys(bucket: str) -> list[str]:
    found: list[Any] = boto3.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])
    return [entry["Key"] for entry in found]


def test_a_dump_is_streamed_to_the_bucket_with_its_manifest(prepared: Path, s3_bucket: str) -> None:
    put_tool(prepared, "mongodump", KEEPING)
    result = run_dump()
    assert result.exit_code == 0, result.output
    archive, manifest = sorted(keys(s3_bucket))
    assert archive.startswith("dumps/")
    assert archive.endswith("Z.archive.gz")
    s3 = boto3.client("s3")
    assert s3.get_object(Bucket=s3_bucket, Key=archive)["Body"].read() == ARCHIVE
    noted = json.loads(s3.get_object(Bucket=s3_bucket, Key=manifest)["Body"].read())
    assert noted["sha256"] == hashlib.sha256(ARCHIVE).hexdigest()
    assert noted["bytes"] == len(ARCHIVE)
    assert noted["documents"] == {"rows": 100}
    assert noted["database"] == "forecast_2_0"


def test_the_password_is_in_a_file_of_this_user_only_and_on_no_command_line(prepared: Path) -> None:
    put_tool(prepared, "mongodump", KEEPING)
    result = run_dump()
    assert result.exit_code == 0, result.output
    password = PASSWORDS["MONGO_BACKUP_PASSWORD"]
    arguments = (prepared.parent / "arguments").read_text()
    assert password not in arguments
    assert quote_plus(password) not in arguments
    assert (prepared.parent / "mode").read_text().strip() == "600"
    uri = json.loads((prepared.parent / "config").read_text().removeprefix("uri: "))
    parsed = parse_uri(uri, validate=False)
    assert parsed["password"] == password
    assert parsed["options"]["readPreference"] == "secondary"
    assert not parsed["options"]["tlsCAFile"].startswith("/nowhere")
    left = Path((prepared.parent / "arguments").read_text().splitlines()[0].removeprefix("--config="))
    assert not left.exists(), "the file with the password is still there"


@pytest.mark.parametrize("size", [0, 1 << 20, 20 << 20])
def test_a_dump_that_fails_leaves_no_object_and_says_why_without_the_password(
    prepared: Path, s3_bucket: str, size: int
) -> None:
    script = f'head -c {size} "$here/archive"; echo "Failed: error on mongodb://root:s3cr3t@host: gone" >&2; exit 1'
    put_tool(prepared, "mongodump", script)
    result = run_dump()
    assert result.exit_code == 1
    assert "mongodump ended with exit code 1: Failed: error on mongodb://***@host: gone" in result.output
    assert keys(s3_bucket) == []
    assert boto3.client("s3").list_multipart_uploads(Bucket=s3_bucket).get("Uploads", []) == []


def test_a_failed_dump_writes_the_line_that_the_alarm_counts(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_FORMAT", "json")
    put_tool(prepared, "mongodump", "exit 3")
    lines = [json.loads(line) for line in run_dump().output.splitlines() if line.startswith("{")]
    assert [line["event"] for line in lines] == ["dump_failed"]
    put_tool(prepared, "mongodump", 'cat "$here/archive"')
    done = [json.loads(line) for line in run_dump().output.splitlines() if line.startswith("{")]
    assert [(line["event"], line["bytes"], line["documents"]) for line in done] == [("dump_done", len(ARCHIVE), 100)]


def test_without_mongodump_it_says_what_to_do(prepared: Path, s3_bucket: str) -> None:
    result = run_dump()
    assert result.exit_code == 2
    assert "mongodump is not installed here" in result.output
    assert "migrate" in result.output
    assert keys(s3_bucket) == []


def test_a_dump_comes_back_byte_for_byte(prepared: Path) -> None:
    put_tool(prepared, "mongodump", 'cat "$here/archive"')
    put_tool(prepared, "mongorestore", 'cat >"$here/restored"')
    assert run_dump().exit_code == 0
    result = run_restore("--replace")
    assert result.exit_code == 0, result.output
    assert (prepared.parent / "restored").read_bytes() == ARCHIVE
    assert (prepared.parent / "arguments").read_text().splitlines()[1:] == [
        "--archive",
        "--gzip",
        "--stopOnError",
        "--nsInclude=forecast_2_0.*",
        "--drop",
    ]


def test_a_database_with_documents_is_not_touched_without_replace(prepared: Path) -> None:
    put_tool(prepared, "mongodump", 'cat "$here/archive"')
    put_tool(prepared, "mongorestore", "exit 0")
    assert run_dump().exit_code == 0
    result = run_restore()
    assert result.exit_code == 2
    assert "the database forecast_2_0 is not empty; --replace replaces its contents with the dump" in result.output


def test_a_damaged_archive_is_not_restored(prepared: Path, s3_bucket: str) -> None:
    put_tool(prepared, "mongodump", 'cat "$here/archive"')
    put_tool(prepared, "mongorestore", 'cat >"$here/restored"')
    assert run_dump().exit_code == 0
    key = next(key for key in keys(s3_bucket) if key.endswith(".archive.gz"))
    boto3.client("s3").put_object(Bucket=s3_bucket, Key=key, Body=ARCHIVE[:-1])
    result = run_restore("--replace")
    assert result.exit_code == 2
    assert "is damaged: its SHA-256 differs from that in its manifest; nothing was restored" in result.output
    assert not (prepared.parent / "restored").exists()


def test_a_restore_that_ends_early_says_why(prepared: Path) -> None:
    put_tool(prepared, "mongodump", 'cat "$here/archive"')
    put_tool(prepared, "mongorestore", 'echo "Failed: no space" >&2; exit 1')
    assert run_dump().exit_code == 0
    result = run_restore("--replace")
    assert result.exit_code == 1
    assert "mongorestore ended with exit code 1: Failed: no space" in result.output


def test_fewer_documents_than_the_dump_had_are_an_error(prepared: Path, users_member: Member) -> None:
    put_tool(prepared, "mongodump", 'cat "$here/archive"')
    put_tool(prepared, "mongorestore", 'cat >"$here/restored"')
    assert run_dump().exit_code == 0
    with users_member.root() as client:
        client.forecast_2_0.rows.delete_one({"_id": 1})
    result = run_restore("--replace")
    assert result.exit_code == 1
    assert "rows: fewer documents than when the dump began" in result.output


def test_without_a_complete_dump_there_is_nothing_to_restore(prepared: Path, s3_bucket: str) -> None:
    put_tool(prepared, "mongorestore", "exit 0")
    boto3.client("s3").put_object(Bucket=s3_bucket, Key="dumps/2026-11-23T02-00-00Z.archive.gz", Body=b"x")
    result = run_restore()
    assert result.exit_code == 2
    assert "there is no dump below BACKUP_URI" in result.output


def test_the_newest_dump_is_the_newest_by_name(s3_bucket: str) -> None:
    archives = Archives(boto3.client("s3"), f"s3://{s3_bucket}/dumps")
    assert archives.newest() is None
    for hour in (3, 1, 2):
        name = name_of(datetime(2026, 11, 23, hour, tzinfo=UTC))
        archives.finish(name, Manifest("forecast_2_0", name, 1, "0" * 64, {}, 0.1))
    newest = archives.newest()
    assert newest is not None
    assert newest[0] == "2026-11-23T03-00-00Z"


@pytest.mark.parametrize("uri", ["backup", "/folder/", "s3://", "https://bucket/dumps/"])
def test_an_invalid_backup_uri_is_an_error(uri: str) -> None:
    with pytest.raises(SettingError, match="BACKUP_URI takes"):
        Archives(None, uri)


@given(
    password=st.text(min_size=1, max_size=30),
    options=st.dictionaries(
        st.sampled_from(["replicaSet", "tls", "readPreference"]), st.sampled_from(["true", "forecast", "primary"])
    ),
)
def test_other_options_of_a_connection_string_survive(password: str, options: dict[str, str]) -> None:
    query = "&".join(f"{name}={value}" for name, value in options.items())
    uri = f"mongodb://root:{quote_plus(password)}@a.internal:27017,b.internal:27017/?{query}"
    changed = parse_uri(
        with_options(uri, tlsCAFile="/tmp/ca.pem", readPreference="secondary"), validate=False, warn=False
    )
    assert changed["password"] == password
    assert changed["nodelist"] == [("a.internal", 27017), ("b.internal", 27017)]
    kept = {name: value for name, value in options.items() if name != "readPreference"}
    given_options = {name.lower(): str(value).lower() for name, value in changed["options"].items()}
    assert given_options == {
        **{name.lower(): value for name, value in kept.items()},
        "tlscafile": "/tmp/ca.pem",
        "readpreference": "secondary",
    }
