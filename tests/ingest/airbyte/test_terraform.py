"""`airbyte/terraform` sets up what `forecast airbyte apply` does.

The provider's schema cannot be had without the registry, so this is formatted and read, and not validated.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest

from forecast.core.settings import Settings
from forecast.ingest.airbyte.desired import DEFAULT_CRON, desired_setup, name_of
from forecast.ingest.sources import MANIFESTED

FOLDER = Path(__file__).resolve().parents[3] / "airbyte" / "terraform"
MAIN = (FOLDER / "main.tf").read_text("utf-8")
VARIABLES = (FOLDER / "variables.tf").read_text("utf-8")


@pytest.mark.whole
def test_it_is_formatted() -> None:
    terraform = shutil.which("terraform")
    if terraform is None:
        pytest.skip("terraform is not installed here")
    done = subprocess.run([terraform, "fmt", "-check", "-diff", FOLDER], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_it_knows_every_source_and_names_things_alike() -> None:
    (known,) = re.findall(r"contains\(\[(.*?)\], name\)", VARIABLES)
    assert sorted(re.findall(r'"(\w+)"', known)) == sorted(MANIFESTED)
    assert set(re.findall(r'name += "(forecast [^"]+)"', MAIN)) == {"forecast ${each.key}", "forecast raw zone"}
    assert [name_of(fetch) for fetch in MANIFESTED.values()] == [f"forecast {source}" for source in MANIFESTED]


def test_it_writes_the_same_objects_at_the_same_time() -> None:
    settings = Settings(raw_uri="s3://bucket/raw/", wunderground_api_key="a key", infoclimat_token="a key")
    stations: dict[str, list[str]] = {source: [] for source in MANIFESTED}
    setup = desired_setup(settings, list(MANIFESTED.values()), stations, date(2026, 1, 1), DEFAULT_CRON)
    assert setup.destination["s3_path_format"] in MAIN.replace("$$", "$")
    for value in (*setup.destination["format"].values(), setup.sources[0].connection["namespaceDefinition"]):
        assert f'"{value}"' in MAIN or isinstance(value, dict)
    assert f'default     = "{DEFAULT_CRON}"' in VARIABLES
    assert '"GZIP"' in MAIN
