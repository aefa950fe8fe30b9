"""`pipeline --ingest`: the networks' APIs, then the run."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from forecast.cli.program import pipeline_app
from forecast.core.registry import load_stations
from forecast_demo.apis import GOOD_KEY, FakeApis, World, serve


@pytest.fixture
def apis(replica_set: str, mongo_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeApis]:
    monkeypatch.chdir(tmp_path)
    fake = FakeApis(World(load_stations()), time.time)
    with serve(fake) as url:
        for name, value in {
            "MONGODB_URI": replica_set,
            "MONGODB_DATABASE": mongo_database,
            "RAW_URI": str(tmp_path / "raw"),
            "PROCESSED_URI": str(tmp_path / "processed"),
            "LOGS_DIR": str(tmp_path / "logs"),
            "INFOCLIMAT_TOKEN": GOOD_KEY,
            "INFOCLIMAT_API_URL": url,
        }.items():
            monkeypatch.setenv(name, value)
        for name in ("WUNDERGROUND_API_KEY", "INGEST_STATE_URI", "MONGODB_COLLECTION", "MAX_DATA_AGE_HOURS"):
            monkeypatch.delenv(name, raising=False)
        yield fake


def _typed(*arguments: str) -> Result:
    result = CliRunner().invoke(pipeline_app, ["--ingest", "--json", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.mark.whole
def test_a_run_with_ingest_loads_what_the_networks_return_even_if_one_rejects_its_token(
    apis: FakeApis,
) -> None:
    result = _typed()
    assert result.exit_code == 0, result.stderr
    first = json.loads(result.stdout)
    written = first["ingest"]["counts"]["rows_written"]
    assert first["ingest"]["attention"] == [
        {
            "severity": "warning",
            "kind": "key_not_set",
            "message": "wunderground was not read: WUNDERGROUND_API_KEY is not set",
            "source": "wunderground",
        }
    ]
    assert first["status"]["counts"]["inserted"] == written > 3 * 144

    apis.keys = frozenset()
    result = _typed()
    assert result.exit_code == 2
    second = json.loads(result.stdout)
    assert (second["ingest"]["status"], second["status"]["status"]) == ("failed", "success")
    assert second["status"]["counts"]["objects_already_processed"] == 1
