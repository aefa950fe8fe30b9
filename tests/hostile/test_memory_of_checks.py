"""Case 104: a station that sends every second takes no run above 500 MB, whatever interval the registry names."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.hostile import run_child

LIMIT_MB = 500
SRC = Path(run_child.__file__).parents[2] / "src"
START = datetime(2024, 10, 1, tzinfo=UTC)


def write(path: Path, rows: int, seconds: int) -> None:
    """A table of Lille, whose registry says one observation an hour."""
    path.parent.mkdir(parents=True)
    with path.open("w", encoding="utf-8") as file:
        file.write("id_station,dh_utc,temperature,humidite,pression\n")
        for row in range(rows):
            moment = START + timedelta(seconds=row * seconds)
            phase = row * seconds / 86_400 * 2 * math.pi
            values = f"{12 + 4 * math.sin(phase):.1f},{80 + 10 * math.sin(phase + 1):.0f},{1013 + math.sin(phase):.1f}"
            file.write(f"07915,{moment:%Y-%m-%d %H:%M:%S},{values}\n")


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read from /proc")
@pytest.mark.parametrize(("rows", "seconds"), [(100_000, 1), (100_000, 5), (500_000, 1)])
def test_case_104_values_of_every_second_stay_below_500_mb(
    replica_set: str, mongo_database: str, tmp_path: Path, rows: int, seconds: int
) -> None:
    write(tmp_path / "raw" / "infoclimat" / "a.csv", rows, seconds)
    variables = {
        **os.environ,
        "PYTHONPATH": f"{SRC}:{SRC.parent}",
        "RAW_URI": str(tmp_path / "raw"),
        "PROCESSED_URI": str(tmp_path / "processed"),
        "LOGS_DIR": str(tmp_path / "logs"),
        "MONGODB_URI": replica_set,
        "MONGODB_DATABASE": mongo_database,
    }
    done = subprocess.run(
        [sys.executable, run_child.__file__], check=False, capture_output=True, text=True, env=variables, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["counts"]["inserted"], found["counts"]["documents_checked"]) == (rows, rows)
    assert found["peak_mb"] < LIMIT_MB
