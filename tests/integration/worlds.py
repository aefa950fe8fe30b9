"""What a run of the pipeline lives in: a raw zone, a processed zone, a database and a folder of reports."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import boto3
import bson
import jsonschema
import pyarrow.parquet as pq
import typer
from pymongo import MongoClient
from typer.testing import CliRunner

import main
from forecast.cli.program import forecast_app, latency_report_app, pipeline_app
from forecast.core.registry import load_stations
from forecast.core.settings import Settings
from forecast.report.write import as_data
from forecast.run.run import RunOptions
from tests.stations import BUILT_IN
from tests.waiting import WAIT_SECONDS, wait_for_change, wait_until

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "src" / "forecast" / "report" / "schemas"
COLLECTION = "weather_measurements"
REPORT_KINDS = ("pipeline_status", "quality_report", "migration_report", "query_latency_report")
Row = dict[str, Any]


class Zone(Protocol):
    """Objects by key, reached without anything of the program's own."""

    @property
    def uri(self) -> str: ...

    def put(self, key: str, content: bytes) -> None: ...

    def get(self, key: str) -> bytes: ...

    def delete(self, key: str) -> None: ...

    def age(self, key: str, seconds: float) -> None:
        """Make an object older than it is."""

    def keys(self) -> list[str]: ...


@dataclass
class FolderZone:
    folder: Path

    @property
    def uri(self) -> str:
        return str(self.folder)

    def put(self, key: str, content: bytes) -> None:
        path = self.folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def get(self, key: str) -> bytes:
        return (self.folder / key).read_bytes()

    def delete(self, key: str) -> None:
        (self.folder / key).unlink()

    def age(self, key: str, seconds: float) -> None:
        path = self.folder / key
        moment = path.stat().st_mtime - seconds
        os.utime(path, (moment, moment))

    def keys(self) -> list[str]:
        return sorted(path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file())


@dataclass
class BucketZone:
    bucket: str
    prefix: str

    def __post_init__(self) -> None:
        self._client = boto3.client("s3")

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"

    def put(self, key: str, content: bytes) -> None:
        self._client.put_object(Bucket=self.bucket, Key=self.prefix + key, Body=content)

    def get(self, key: str) -> bytes:
        return self._client.get_object(Bucket=self.bucket, Key=self.prefix + key)["Body"].read()

    def delete(self, key: str) -> None:
        self._client.delete_object(Bucket=self.bucket, Key=self.prefix + key)

    def age(self, key: str, seconds: float) -> None:
        # The server is a thread of this process, and moto has no call for it. Here, because to import it takes time.
        from moto.core.models import DEFAULT_ACCOUNT_ID  # noqa: PLC0415
        from moto.s3.models import s3_backends  # noqa: PLC0415

        stored = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].get_object(self.bucket, self.prefix + key)
        assert stored is not None
        stored.last_modified -= timedelta(seconds=seconds)

    def keys(self) -> list[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix)
        return sorted(entry["Key"].removeprefix(self.prefix) for page in pages for entry in page.get("Contents", ()))


@dataclass
class Outcome:
    """What a command left: its exit code and both of its streams."""

    code: int
    stdout: str
    stderr: str

    @property
    def text(self) -> str:
        return self.stdout + self.stderr

    def json(self) -> Row:
        (line,) = self.stdout.splitlines()
        found = json.loads(line)
        assert isinstance(found, dict)
        return found


@dataclass
class World:
    raw: Zone
    processed: Zone
    mongodb_uri: str
    database: str
    home: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def logs_dir(self) -> Path:
        return self.home / "logs"

    @property
    def on_s3(self) -> bool:
        return self.raw.uri.startswith("s3://")

    # Loading.

    def deliver(self, folder: Path, keys: list[str] | None = None) -> list[str]:
        """Put the files below a folder into the raw zone under their own names."""
        given = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
        chosen = given if keys is None else keys
        for key in chosen:
            self.raw.put(key, (folder / key).read_bytes())
        return chosen

    def settings(self) -> Settings:
        return Settings(
            raw_uri=self.raw.uri,
            processed_uri=self.processed.uri,
            mongodb_uri=self.mongodb_uri,
            mongodb_database=self.database,
            mongodb_collection=COLLECTION,
            logs_dir=self.logs_dir,
            log_level="INFO",
            log_format="text",
        )

    def run(self, options: RunOptions | None = None) -> Row:
        """One run within this process; its status report."""
        status, _ = main.run_pipeline(self.settings(), options or RunOptions(), load_stations())
        return as_data(status)

    def reprocess(self) -> Row:
        return self.run(RunOptions(reprocess=True))

    # The real commands.

    def variables(self, **more: str) -> dict[str, str]:
        """The environment of a command: this world's places, and nothing of whoever runs the tests."""
        names = {"PATH", "HOME", "LANG", "TMPDIR", "COVERAGE_PROCESS_CONFIG", BUILT_IN}
        kept = {name: value for name, value in os.environ.items() if name in names}
        return {
            **kept,
            **{name: value for name, value in os.environ.items() if name.startswith("AWS_")},
            "RAW_URI": self.raw.uri,
            "PROCESSED_URI": self.processed.uri,
            "MONGODB_URI": self.mongodb_uri,
            "MONGODB_DATABASE": self.database,
            "LOGS_DIR": str(self.logs_dir),
            "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}",
            "COLUMNS": "200",
            **self.environment,
            **more,
        }

    def start(self, command: str, *arguments: str, variables: dict[str, str] | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*COMMANDS[command], *arguments],
            cwd=self.home,
            env=self.variables() if variables is None else variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def command(self, command: str, *arguments: str, variables: dict[str, str] | None = None) -> Outcome:
        with self.start(command, *arguments, variables=variables) as process:
            try:
                stdout, stderr = process.communicate(timeout=WAIT_SECONDS)
            except BaseException:
                process.kill()
                raise
        return Outcome(process.returncode, stdout, stderr)

    def typed(self, command: str, *arguments: str, variables: dict[str, str] | None = None) -> Outcome:
        """A command as it is typed, without a process of its own: for what differs in its arguments only."""
        script, *own = SCRIPTS[command]
        return typed(APPS[script], [*own, *arguments], self.home, variables or self.variables())

    # What is there afterwards.

    @contextlib.contextmanager
    def mongo(self) -> Iterator[Any]:
        client: MongoClient[Row]
        with MongoClient(self.mongodb_uri, tz_aware=True) as client:
            yield client[self.database]

    def wait_for_the_dead(self) -> None:
        """Until the server has let go of every run's connections: what a killed one sent last, it still executes."""
        stages = [{"$currentOp": {"allUsers": True, "idleConnections": True}}, {"$match": {"appName": "forecast"}}]
        with self.mongo() as database:
            wait_until(lambda: not list(database.client.admin.aggregate(stages)))

    def documents(self) -> dict[str, Row]:
        with self.mongo() as database:
            return {document["_id"]: document for document in database[COLLECTION].find()}

    def document_bytes(self) -> dict[str, bytes]:
        return {name: bson.encode(document) for name, document in self.documents().items()}

    def contents(self) -> dict[str, tuple[str, Row]]:
        """Of each document what was measured, and its digest: all but where it came from and when."""
        return {
            name: (document["metadata"]["digest"], document["measurements"])
            for name, document in self.documents().items()
        }

    def checkpoints(self) -> dict[str, Row]:
        """The objects whose load came to its end; not those of which a version was only rejected."""
        with self.mongo() as database:
            ended = {"loading": None, "etag": {"$exists": True}}
            return {entry["_id"]: entry for entry in database[f"{COLLECTION}_objects"].find(ended)}

    def wait_for_a_checkpoint(self, process: subprocess.Popen[str]) -> None:
        """Until the run of this process has loaded its first object."""
        with self.mongo() as database:
            wait_for_change(database, lambda: bool(self.checkpoints()), process)

    def forget_documents(self) -> None:
        with self.mongo() as database:
            database.client.drop_database(self.database)

    def reports(self, kind: str) -> list[Row]:
        """The reports of a kind in their order of writing."""
        paths = sorted(self.logs_dir.glob(f"{kind}*.json"), key=lambda path: path.stat().st_mtime_ns)
        return [json.loads(path.read_text("utf-8")) for path in paths]

    def status(self) -> Row:
        (report,) = self.reports("pipeline_status")
        return report

    def record_keys(self) -> list[str]:
        return [key for key in self.processed.keys() if key.startswith("observations/")]

    def rejected_keys(self) -> list[str]:
        return [key for key in self.processed.keys() if key.startswith("rejected/")]

    def records(self) -> list[Row]:
        """All rows of the processed zone's Parquet."""
        tables = (pq.read_table(io.BytesIO(self.processed.get(key))) for key in self.record_keys())
        return [row for table in tables for row in table.to_pylist()]

    def copy_records(self, folder: Path) -> None:
        """Bring the processed zone's Parquet files to this machine."""
        for key in self.record_keys():
            (folder / key).parent.mkdir(parents=True, exist_ok=True)
            (folder / key).write_bytes(self.processed.get(key))


# The commands by a short name, as they are typed.
SCRIPTS = {
    "pipeline": ("pipeline",),
    "migrate": ("forecast", "migrate"),
    "replay": ("forecast", "replay"),
    "latency-report": ("latency-report",),
    "crud-check": ("forecast", "crud-check"),
}
APPS = {"pipeline": pipeline_app, "forecast": forecast_app, "latency-report": latency_report_app}


def typed(app: typer.Typer, arguments: Sequence[str], folder: Path, variables: Mapping[str, str]) -> Outcome:
    """A command within this process, in a folder and with these settings; the log is as before afterwards."""
    logger = logging.getLogger("forecast")
    before = logger.handlers[:], logger.level, logger.propagate
    absent = {name: None for name in os.environ if name not in variables and name.startswith(("MONGODB_", "LOG"))}
    try:
        with contextlib.chdir(folder):
            result = CliRunner().invoke(app, arguments, env={**absent, **variables})
    finally:
        logger.handlers[:], logger.level, logger.propagate = before
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Outcome(result.exit_code, result.stdout, result.stderr)


def _entry_point(script: str, *arguments: str) -> list[str]:
    function = script.replace("-", "_")
    own = "from tests.stations import use_own_registry; use_own_registry()"
    code = f"{own}; import sys; sys.argv[0] = {script!r}; from forecast.cli.program import {function}; {function}()"
    return [sys.executable, "-W", "error", "-c", code, *arguments]


COMMANDS = {command: _entry_point(*typed) for command, typed in SCRIPTS.items()}


@dataclass
class WorldMaker:
    """Makes worlds on one kind of zone, and takes them away again."""

    kind: str
    mongodb_uri: str
    folder: Path
    make_bucket: Callable[[], str]
    made: list[World] = field(default_factory=list)

    def __call__(self, *, beside: World | None = None) -> World:
        """A new world; with `beside`, one on the zones of another, with a new database."""
        name = secrets.token_hex(6)
        home = self.folder / name
        home.mkdir()
        raw: Zone
        processed: Zone
        if beside is not None:
            raw, processed = beside.raw, beside.processed
        elif self.kind == "s3":
            bucket = self.make_bucket()
            raw, processed = BucketZone(bucket, "airbyte-sync/"), BucketZone(bucket, "processed/")
        else:
            raw, processed = FolderZone(home / "raw"), FolderZone(home / "processed")
            (home / "raw").mkdir()
        world = World(raw, processed, self.mongodb_uri, f"test_{name}", home)
        self.made.append(world)
        return world

    def end(self) -> None:
        for world in self.made:
            world.forget_documents()
            shutil.rmtree(world.home)


def assert_reports_hold(world: World) -> int:
    """Every report is as its schema says and its sums add up; how many there are."""
    number = 0
    for kind in REPORT_KINDS:
        schema = json.loads((SCHEMAS / f"{kind}.schema.json").read_text("utf-8"))
        for report in world.reports(kind):
            jsonschema.Draft202012Validator(schema).validate(report)
            number += 1
    for report in world.reports("pipeline_status"):
        _assert_rows_add_up(report["counts"])
    for report in world.reports("quality_report"):
        _assert_rows_add_up(report)
        for name in ("rows_read", "rows_empty", "records_extracted", "records_validated", "records_rejected"):
            assert report[name] == sum(entry[name] for entry in report["by_object"])
        for entry in report["by_object"]:
            _assert_rows_add_up(entry)
    for report in world.reports("migration_report"):
        parts = sum(report[name] for name in ("inserted", "updated", "unchanged", "superseded"))
        assert report["records_validated"] == parts
        failed, whole = report["failed"], report["records_validated"] + report["failed"]
        assert report["error_rate"] == (failed / whole if whole else 0)
    return number


def _assert_rows_add_up(counts: Row) -> None:
    assert counts["rows_read"] == counts["rows_empty"] + counts["records_extracted"]
    assert counts["records_extracted"] == counts["records_validated"] + counts["records_rejected"]
    extracted = counts["records_extracted"]
    assert counts["rejection_rate"] == (counts["records_rejected"] / extracted if extracted else 0)
