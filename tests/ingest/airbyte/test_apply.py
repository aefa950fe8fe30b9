"""`forecast airbyte apply` and `sync` against a stub of Airbyte's public API."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from forecast.cli.program import forecast_app
from forecast.ingest.airbyte.manifest import manifest_text
from forecast.ingest.clock import SystemClock
from forecast.ingest.sources import MANIFESTED
from tests.ingest.airbyte.stub import CLIENT, WORKSPACE, Airbyte, serve_airbyte
from tests.ingest.apis import aerodromes

KEY = "the-key-of-a-network"
AWS_SECRET = "the-secret-of-aws"
APPLY = ("apply", "--since", "2026-01-01")


@pytest.fixture
def airbyte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Airbyte]:
    """A server in which nothing is yet, and settings that lead there."""
    monkeypatch.chdir(tmp_path)
    logger = logging.getLogger("forecast")
    before = logger.handlers[:], logger.level, logger.propagate
    server = Airbyte()
    with serve_airbyte(server) as url:
        for name, value in {
            "AIRBYTE_API_URL": url,
            "AIRBYTE_CLIENT_ID": CLIENT["client_id"],
            "AIRBYTE_CLIENT_SECRET": CLIENT["client_secret"],
            "AIRBYTE_WORKSPACE_ID": WORKSPACE,
            "AIRBYTE_BUCKET_REGION": "eu-west-3",
            "AIRBYTE_AWS_KEY_ID": "the-key-id",
            "AIRBYTE_AWS_SECRET": AWS_SECRET,
            "RAW_URI": "s3://bucket/airbyte-sync/",
            "WUNDERGROUND_API_KEY": KEY,
            "INFOCLIMAT_TOKEN": KEY,
            "ALLOW_NON_COMMERCIAL": "yes",
            "COLUMNS": "200",
        }.items():
            monkeypatch.setenv(name, value)
        yield server
    logger.handlers[:], logger.level, logger.propagate = before


def typed(*arguments: str) -> Result:
    result = CliRunner().invoke(forecast_app, ["airbyte", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert not [secret for secret in (KEY, AWS_SECRET, CLIENT["client_secret"]) if secret in result.output]
    return result


def actions(result: Result) -> list[tuple[str, str, str]]:
    assert result.exit_code == 0, result.stderr
    return [(one["action"], one["kind"], one["name"]) for one in json.loads(result.stdout)["changes"]]


# The registry has no station of METAR.
WITH_STATIONS = ("infoclimat", "wunderground")
EVERYTHING = [
    ("destination", "forecast raw zone"),
    *((kind, f"forecast {source}") for source in WITH_STATIONS for kind in ("definition", "source", "connection")),
]


def test_what_is_missing_is_created_with_its_references(airbyte: Airbyte) -> None:
    assert actions(typed(*APPLY, "--json")) == [("create", *one) for one in EVERYTHING]
    (destination,) = airbyte.destinations
    assert destination["configuration"] == {
        "destinationType": "s3",
        "s3_bucket_name": "bucket",
        "s3_bucket_path": "airbyte-sync",
        "s3_bucket_region": "eu-west-3",
        "s3_path_format": "${NAMESPACE}/${STREAM_NAME}/${YEAR}_${MONTH}_${DAY}_${EPOCH}_",
        "format": {
            "format_type": "JSONL", "flattening": "No flattening", "compression": {"compression_type": "GZIP"},
        },
        "access_key_id": "the-key-id",
        "secret_access_key": AWS_SECRET,
    }  # fmt: skip
    definition, source, connection = airbyte.definitions[1], airbyte.sources[1], airbyte.connections[1]
    assert definition["manifest"] == json.loads(manifest_text(MANIFESTED["wunderground"]))
    assert source["definitionId"] == definition["id"]
    assert source["configuration"] == {
        "api_key": KEY, "stations": ["ITESTA19", "ITESTB25"], "start_date": "2026-01-01",
    }  # fmt: skip
    assert (connection["sourceId"], connection["destinationId"]) == (source["sourceId"], destination["destinationId"])
    assert connection["namespaceFormat"] == "wunderground"
    assert connection["schedule"] == {"scheduleType": "cron", "cronExpression": "0 10 * * * ? UTC"}


def test_a_second_time_nothing_is_changed(airbyte: Airbyte) -> None:
    typed(*APPLY)
    airbyte.calls.clear()
    assert actions(typed(*APPLY, "--json")) == [("nothing", *one) for one in EVERYTHING]
    assert airbyte.writes() == []


def test_a_dry_run_shows_the_differences_and_changes_nothing(airbyte: Airbyte) -> None:
    for _ in range(2):
        assert actions(typed(*APPLY, "--dry-run", "--json")) == [("create", *one) for one in EVERYTHING]
        assert airbyte.writes() == []
    typed(*APPLY)
    airbyte.calls.clear()
    airbyte.connections[0]["schedule"]["cronExpression"] = "0 0 0 * * ? UTC"
    shown = typed(*APPLY, "--dry-run")
    assert "schedule.cronExpression: '0 0 0 * * ? UTC' -> '0 10 * * * ? UTC'" in shown.stdout
    assert airbyte.writes() == []


def test_what_differs_is_changed_and_nothing_else(airbyte: Airbyte) -> None:
    typed(*APPLY)
    airbyte.calls.clear()
    airbyte.connections[0]["schedule"]["cronExpression"] = "0 0 0 * * ? UTC"
    airbyte.sources[1]["configuration"]["stations"] = ["ITESTB25"]
    changed = [one for one in actions(typed(*APPLY, "--json")) if one[0] != "nothing"]
    assert changed == [
        ("update", "connection", "forecast infoclimat"),
        ("update", "source", "forecast wunderground"),
    ]
    assert [method for method, _ in airbyte.writes()] == ["PATCH", "PUT"]
    assert airbyte.sources[1]["configuration"]["stations"] == ["ITESTA19", "ITESTB25"]
    assert airbyte.sources[1]["configuration"]["api_key"] == KEY


def test_secrets_are_sent_again_where_that_is_asked_for(airbyte: Airbyte) -> None:
    typed(*APPLY)
    airbyte.sources[0]["configuration"]["api_key"] = "an-old-key"
    result = typed(*APPLY, "--secrets", "--json")
    assert ("update", "source", "forecast infoclimat") in actions(result)
    assert airbyte.sources[0]["configuration"]["api_key"] == KEY


def test_a_source_without_a_key_gets_the_stations_by_the_networks_own_ids(
    airbyte: Airbyte, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = typed(*APPLY, "--source", "metar")
    assert (refused.exit_code, airbyte.calls) == (2, [])
    assert "--source metar: the station registry has no station of METAR" in refused.stderr
    monkeypatch.setattr("forecast.run.stations.configured_stations", lambda _: aerodromes("EBBR", "LFQQ"))
    assert typed(*APPLY, "--source", "metar").exit_code == 0
    (source,) = airbyte.sources
    assert source["configuration"] == {"stations": ["EBBR", "LFQQ"], "start_date": "2026-01-01"}
    assert airbyte.connections[0]["configurations"]["streams"] == [
        {"name": "reports", "syncMode": "incremental_append", "cursorField": ["obsTime"]}
    ]


def test_everything_is_found_on_whatever_page_it_is(airbyte: Airbyte) -> None:
    typed(*APPLY)
    others = [{"name": f"other {number}", "configuration": {}} for number in range(150)]
    airbyte.sources[:0] = others
    assert {action for action, *_ in actions(typed(*APPLY, "--json"))} == {"nothing"}


@pytest.mark.parametrize(
    ("settings", "code", "says"),
    [
        ({"RAW_URI": "raw"}, 2, "Airbyte's destination needs s3://bucket/prefix/"),
        ({"INFOCLIMAT_TOKEN": ""}, 2, "INFOCLIMAT_TOKEN is not set"),
        ({"AIRBYTE_CLIENT_SECRET": "a-wrong-one"}, 2, "Airbyte answered 401 to POST /applications/token"),
        ({"AIRBYTE_WORKSPACE_ID": ""}, 2, "AIRBYTE_WORKSPACE_ID is not set"),
        ({"AIRBYTE_API_URL": "http://127.0.0.1:1"}, 1, "Airbyte does not answer at http://127.0.0.1:1"),
    ],
)
def test_an_error_says_what_prevents_the_setup(
    airbyte: Airbyte, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], code: int, says: str
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    result = typed(*APPLY)
    assert (result.exit_code, result.stdout) == (code, "")
    assert says in result.stderr
    assert airbyte.writes() == []


def test_an_error_of_the_server_is_reported_without_the_secret_that_it_quotes(airbyte: Airbyte) -> None:
    airbyte.fault = (422, f"the source rejects {KEY}")
    result = typed(*APPLY)
    assert result.exit_code == 2
    assert 'Airbyte answered 422 to GET /destinations: {"message": "the source rejects ***"}' in result.stderr


@pytest.mark.parametrize(("ends", "code"), [("succeeded", 0), ("failed", 1), ("cancelled", 1)])
def test_a_sync_is_started_and_waited_for(
    airbyte: Airbyte, monkeypatch: pytest.MonkeyPatch, ends: str, code: int
) -> None:
    monkeypatch.setattr(SystemClock, "wait", lambda *_: None)
    typed(*APPLY)
    airbyte.job_statuses = ["pending", "running", ends]
    result = typed("sync", "--source", "infoclimat", "--json")
    assert result.exit_code == code
    if code == 0:
        assert json.loads(result.stdout)["infoclimat"]["rowsSynced"] == 12
    else:
        assert f"Airbyte's job 17 ended as {ends}" in result.stderr
    assert airbyte.bodies[-1] == {"connectionId": airbyte.connections[0]["connectionId"], "jobType": "sync"}


def test_a_sync_of_a_connection_that_does_not_exist_says_so(airbyte: Airbyte) -> None:
    result = typed("sync", "--source", "infoclimat")
    assert result.exit_code == 2
    assert "Airbyte has no connection 'forecast infoclimat'" in result.stderr


def test_manifests_are_written(tmp_path: Path, airbyte: Airbyte) -> None:
    assert typed("manifests").exit_code == 0
    written: dict[str, Any] = {path.stem: path.read_text() for path in (tmp_path / "airbyte/manifests").iterdir()}
    assert written == {name: manifest_text(fetch) for name, fetch in MANIFESTED.items()}
