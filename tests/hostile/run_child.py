"""One run of the pipeline in a process of its own, which says what memory it took at most."""

from __future__ import annotations

import json
import sys

import main
from forecast.core.registry import load_stations
from forecast.core.settings import load_settings
from forecast.report.write import as_data
from forecast.run.run import RunOptions
from tests.peak import peak_mb
from tests.stations import use_own_registry


def run() -> None:
    """A run with the settings of the environment."""
    use_own_registry()
    status, _ = main.run_pipeline(load_settings(), RunOptions(), load_stations())
    sys.stdout.write(json.dumps({"peak_mb": peak_mb(), "counts": as_data(status.counts)}))


if __name__ == "__main__":
    run()
