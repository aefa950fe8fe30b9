"""airbyte-cdk on the generated manifests and the runner on the same networks give the same records.

It needs airbyte-cdk in `.local/referee`, where `make referee` puts it.
"""

from __future__ import annotations

import json
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from forecast.core.registry import load_stations
from forecast.core.stations import Stations
from forecast.ingest.airbyte.manifest import manifest
from forecast.ingest.sources import MANIFESTED
from forecast_demo.apis import Correction, serve
from tests.ingest.apis import KEY, FakeClock, Ingest, aerodromes, identity

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".local" / "referee" / "bin" / "python"
AERODROMES = ("EBBR", "EBCI", "EBOS", "LFAC", "LFQQ")
HOUR = 3600

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON.exists(), reason="airbyte-cdk is not installed: make referee"),
]


def read(folder: Path, source: str, config: dict[str, Any]) -> list[dict[str, Any]]:
    """What the CDK reads."""
    (folder / "manifest.json").write_text(json.dumps(manifest(MANIFESTED[source])))
    (folder / "config.json").write_text(json.dumps(config))
    arguments = [folder / "manifest.json", folder / "config.json", folder / f"{source}-state.json"]
    done = subprocess.run(
        [PYTHON, Path(__file__).with_name("read_manifest.py"), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    # The CDK's log is on stdout too.
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return [line["record"] for line in lines if "record" in line]


@pytest.mark.parametrize("source", MANIFESTED)
def test_both_engines_give_the_same_records_with_corrections(tmp_path: Path, source: str) -> None:
    now = datetime.now(UTC)
    fetch = MANIFESTED[source]
    stations = Stations({one.id: one for one in (*load_stations(), *aerodromes(*AERODROMES))})
    # The CDK has the machine's clock.
    ingest = Ingest(tmp_path, clock=FakeClock(time.time()), stations=stations)
    names = {one.network_id: one.id for one in stations if one.network == fetch.network}
    networks = now.timestamp()
    ingest.apis.now = lambda: networks
    ingest.apis.per_minute = 10**6  # its clock stands still
    since = (now - timedelta(days=8)).date()
    newest: dict[tuple[str, str], dict[str, Any]] = {}
    with serve(ingest.apis) as url:
        key = {"api_key": KEY} if fetch.key_setting else {}
        config = {**key, "stations": list(names), "start_date": f"{since}", "api_url": url}
        for corrected in (False, True):
            if corrected:
                first = now.timestamp() - 12 * HOUR
                ingest.world.corrections += [
                    Correction(names[name], first, first + HOUR, 0) for name in list(names)[:2]
                ]
            records = read(tmp_path, source, config)
            newest |= {identity(record): record for record in records}
            result = ingest.run(source, since=f"{since}")
            assert result.exit_code == 0
            assert ingest.newest() == newest
    in_time = [record for record in newest.values() if first <= moment(record) < first + HOUR]
    corrected_records = [record for record in in_time if identity(record)[0] in list(names)[:2]]
    assert result.sources[0].written == len(corrected_records) > 0


def moment(record: dict[str, Any]) -> float:
    if (seconds := record.get("epoch", record.get("obsTime"))) is not None:
        return float(seconds)
    return datetime.fromisoformat(record["dh_utc"]).replace(tzinfo=UTC).timestamp()
