"""`forecast ingest` from its options to what it prints, over HTTP."""

from __future__ import annotations

import gzip
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import boto3
import jsonschema
import pytest
from typer.testing import CliRunner, Result

from forecast.cli.program import forecast_app
from forecast.core.registry import load_stations
from forecast.ingest.clock import SystemClock
from forecast.ingest.transport import HttpTransport, Response
from forecast.report.write import SCHEMAS_FOLDER
from forecast_demo.apis import Answer, FakeApis, Fault, World, serve
from tests.ingest.apis import KEY

NAMES = ("WUNDERGROUND_API_KEY", "INFOCLIMAT_TOKEN", "INGEST_STATE_URI", "ALLOW_NON_COMMERCIAL", "PROCESSED_URI")


@pytest.fixture
def apis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeApis]:
    """The fake networks on loopback, settings that lead there, and a log that is as before afterwards.

    No call waits for its turn.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(SystemClock, "wait", lambda *_: None)
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    fake = FakeApis(World(load_stations()), time.time, frozenset({KEY}))
    logger = logging.getLogger("forecast")
    before = logger.handlers[:], logger.level, logger.propagate
    with serve(fake) as url:
        for name, value in {
            "RAW_URI": str(tmp_path / "raw"),
            "LOGS_DIR": str(tmp_path / "logs"),
            "WUNDERGROUND_API_KEY": KEY,
            "INFOCLIMAT_TOKEN": KEY,
            "WUNDERGROUND_API_URL": url,
            "INFOCLIMAT_API_URL": url,
            "COLUMNS": "200",
        }.items():
            monkeypatch.setenv(name, value)
        yield fake
    logger.handlers[:], logger.level, logger.propagate = before


def typed(*arguments: str) -> Result:
    result = CliRunner().invoke(forecast_app, ["ingest", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def report(tmp_path: Path) -> dict[str, Any]:
    (path,) = (tmp_path / "logs").glob("ingest_report_*.json")
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    schema = json.loads((SCHEMAS_FOLDER / "ingest_report.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator(schema).validate(found)
    return found


def test_one_source_is_read_and_reported(apis: FakeApis, tmp_path: Path) -> None:
    result = typed("--source", "infoclimat")
    assert result.exit_code == 0, result.stderr
    assert ": success, exit code 0" in result.stdout
    assert "  infoclimat: 1 call, 499 of 500 left for 24 h\n" in result.stdout
    found = report(tmp_path)
    assert {line.split()[1] for line in result.stderr.splitlines()} == {found["run_id"]}
    counts = found["counts"]
    assert counts["rows_read"] == counts["rows_written"] + counts["rows_unchanged"] == counts["rows_written"] > 0
    assert (counts["calls"], found["status"], found["attention"]) == (1, "success", [])
    (uri,) = found["sources"]["infoclimat"]["objects"]
    assert Path(uri).is_file()
    days = found["sources"]["infoclimat"]["stations"]["00092"]["days"]
    assert len(days) == 3
    assert sum(day["rows_written"] for day in days.values()) > 2 * 144 - 1


def test_each_entry_of_attention_is_a_line_of_the_log(
    apis: FakeApis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WUNDERGROUND_API_KEY")
    lines = typed().stderr.splitlines()
    words = "wunderground was not read: WUNDERGROUND_API_KEY is not set"
    assert [line.split(maxsplit=2)[2] for line in lines if "wunderground" in line] == [f"WARNING {words}"]


def test_the_result_can_be_read_by_a_program(apis: FakeApis, tmp_path: Path) -> None:
    result = typed("--source", "infoclimat", "--json")
    assert json.loads(result.stdout) == report(tmp_path)


def test_check_makes_one_call_a_source_and_writes_nothing(apis: FakeApis, tmp_path: Path) -> None:
    result = typed("--check")
    assert result.exit_code == 0, result.stderr
    assert len(apis.calls) == 2
    assert not (tmp_path / "raw").exists()
    assert not (tmp_path / "logs").exists()
    apis.keys = frozenset()
    assert typed("--check", "--source", "infoclimat").exit_code == 2


def test_dry_run_makes_no_call_and_says_how_many_it_would(apis: FakeApis, tmp_path: Path) -> None:
    today = datetime.now(UTC).date()
    result = typed(
        "--source",
        "wunderground",
        "--since",
        f"{today.year - 1}-01-01",
        "--until",
        f"{today.year - 1}-01-10",
        "--dry-run",
    )
    assert result.exit_code == 0, result.stderr
    assert "20 calls to make, 1,500 of 1,500 left for 24 h" in result.stdout
    assert apis.calls == []
    assert not (tmp_path / "raw.ingest").exists()


def test_no_output_of_any_ending_holds_the_key(apis: FakeApis, tmp_path: Path) -> None:
    said = ""
    for fault in (None, Fault(401, f"bad {quote(KEY)}".encode()), Fault(400, f"bad {quote_plus(KEY)} {KEY}".encode())):
        apis.faults[:] = [fault] if fault else []
        for arguments in (("--source", "infoclimat"), ("--check", "--log-level", "DEBUG")):
            result = typed(*arguments)
            said += result.stdout + result.stderr
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 5
    said += "".join(path.read_bytes().decode(errors="replace") for path in files) + " ".join(map(str, files))
    assert [form for form in (KEY, quote(KEY), quote(KEY, safe=""), quote_plus(KEY)) if form in said] == []


def test_an_unexpected_error_shows_the_address_without_the_key(
    apis: FakeApis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: HttpTransport, url: str, *_more: Any) -> Response:
        raise LookupError(f"{url} and {KEY}")

    monkeypatch.delenv("INFOCLIMAT_TOKEN")
    (tmp_path / ".env").write_text(f"INFOCLIMAT_TOKEN={KEY}\n")
    monkeypatch.setattr(HttpTransport, "get", fail)
    result = typed("--source", "infoclimat")
    assert result.exit_code == 1
    assert "&token=*** and ***" in result.stderr
    assert [form for form in (KEY, quote(KEY), quote(KEY, safe=""), quote_plus(KEY)) if form in result.output] == []


def test_an_unreachable_network_is_reported_without_the_address(
    apis: FakeApis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forecast.ingest.caller.FIRST_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr("forecast.ingest.caller.TRIES", 1)
    monkeypatch.setenv("INFOCLIMAT_API_URL", "http://127.0.0.1:1")
    result = typed("--source", "infoclimat")
    assert result.exit_code == 1
    assert "no connection could be made" in result.stderr
    assert KEY not in result.stderr + result.stdout
    assert report(tmp_path)["sources"]["infoclimat"]["unread"][0]["code"] == "no_answer"


def test_a_response_that_breaks_off_is_requested_again(apis: FakeApis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forecast.ingest.caller.FIRST_PAUSE_SECONDS", 0.0)
    apis.faults.append(Fault(200, b"x" * 1000, times=1, breaks_off=True))
    result = typed("--source", "infoclimat")
    assert result.exit_code == 0, result.stderr
    assert len(apis.calls) == 2
    assert "the response was cut short" in result.stderr or "the connection was lost" in result.stderr


def test_a_signal_ends_a_run_between_two_calls_and_what_was_read_is_kept(
    apis: FakeApis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = FakeApis.answer

    def answer_and_end(self: FakeApis, *call: Any) -> Answer:
        os.kill(os.getpid(), signal.SIGTERM)
        return answer(self, *call)

    monkeypatch.setattr(FakeApis, "answer", answer_and_end)
    result = typed("--source", "wunderground")
    assert result.exit_code == 1, result.stderr
    found = report(tmp_path)
    assert (found["status"], found["exit_code"], found["counts"]["calls"], len(apis.calls)) == ("interrupted", 1, 1, 1)
    (uri,) = found["sources"]["wunderground"]["objects"]
    assert len(gzip.decompress(Path(uri).read_bytes()).splitlines()) == found["counts"]["rows_written"] > 0


def test_an_invalid_key_is_not_shown(apis: FakeApis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFOCLIMAT_TOKEN", "secret with blanks")
    result = typed("--source", "infoclimat")
    assert result.exit_code == 2
    assert "INFOCLIMAT_TOKEN is not a key" in result.stderr
    assert "secret" not in result.stderr


def test_on_s3_objects_name_their_generation_and_the_state_is_beside_them(
    apis: FakeApis, s3_bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAW_URI", f"s3://{s3_bucket}/airbyte-sync/")
    for arguments, generation in (
        (("--source", "infoclimat"), "1"),
        (("--source", "infoclimat", "--full-refresh"), "2"),
    ):
        result = typed(*arguments)
        assert result.exit_code == 0, result.stderr
        client = boto3.client("s3")
        keys = [entry["Key"] for entry in client.list_objects_v2(Bucket=s3_bucket)["Contents"]]
        raw = [key for key in keys if key.startswith("airbyte-sync/")]
        assert len(raw) == int(generation)
        head = client.head_object(Bucket=s3_bucket, Key=raw[-1])
        assert head["Metadata"] == {"ab-generation-id": generation}
    assert sorted(key.removeprefix("airbyte-sync.ingest/")[:16] for key in keys if key not in raw) == [
        "infoclimat.json", "infoclimat.lease", "quota-infoclimat",
    ]  # fmt: skip
    assert typed("--source", "infoclimat").exit_code == 0


# Four calls, most of 100 station-days, and what the process needed. No call waits for its turn.
_A_LONG_RUN = """
import re, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from forecast.cli.program import forecast
from forecast.ingest.clock import SystemClock

SystemClock.wait = lambda *_: None
since = (datetime.now(UTC) - timedelta(days=60)).strftime("%Y-%m-%d")
sys.argv = ["forecast", "ingest", "--source", "infoclimat", "--since", since]
try:
    forecast()
except SystemExit as end:
    code = end.code
(peak_kb,) = re.findall(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text("ascii"))
print(code, sorted({"numpy", "pandas", "pyarrow", "boto3", "pydantic"} & sys.modules.keys()), peak_kb)
"""


@pytest.mark.whole
def test_a_run_stays_below_60_mb_and_imports_no_library_of_tables(apis: FakeApis) -> None:
    done = subprocess.run([sys.executable, "-c", _A_LONG_RUN], capture_output=True, text=True, check=True)
    code, imported, peak_kb = done.stdout.splitlines()[-1].split(" ")
    assert (code, imported, len(apis.calls)) == ("0", "[]", 4), done.stdout
    assert int(peak_kb) * 1024 < 60_000_000
