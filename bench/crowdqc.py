"""CrowdQC+ (Fenner et al. 2021), run in R: a method of `bench.qc`.

It is no package of Python, Debian or CRAN: CROWDQC_FOLDER names a copy of github.com/dafenner/CrowdQCplus. R and the
packages that it needs are Debian's: r-base-core, r-cran-data.table, r-cran-robustbase, r-cran-lubridate, r-cran-terra.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from forecast_demo.crowd import Crowd, hourly

_SCRIPT: Final = Path(__file__).with_name("crowdqc.R")


def missing() -> str | None:
    """What CrowdQC+ lacks to run here; None where it runs."""
    if shutil.which("Rscript") is None:
        return "R is not installed"
    sources = os.environ.get("CROWDQC_FOLDER")
    if sources is None:
        return "CROWDQC_FOLDER does not name a copy of its sources"
    return None if (Path(sources) / "R" / "cqcp_filter.R").is_file() else f"{sources} has no R/cqcp_filter.R"


def filtered(crowd: Crowd, values: npt.NDArray[np.float64], limit: float | None) -> npt.NDArray[np.bool_]:
    """What it filters of hourly temperatures (°C, a row a station and a column an hour), in the same shape.

    `limit` is in standard deviations; None is CrowdQC+'s own settings. Raises CalledProcessError where R fails.
    """
    with tempfile.TemporaryDirectory(prefix="forecast-crowdqc-") as folder:
        table, flags = Path(folder) / "values.csv", Path(folder) / "flags"
        _write(table, crowd, values)
        sources = Path(os.environ["CROWDQC_FOLDER"]) / "R"
        words = "default" if limit is None else f"{limit:g}"
        command: list[str | Path] = ["Rscript", "--vanilla", _SCRIPT, sources, table, flags, words]
        subprocess.run(command, check=True, capture_output=True, text=True)
        found: npt.NDArray[np.bool_] = np.loadtxt(flags, dtype=np.int8).reshape(values.shape) == 1
        return found


def _write(table: Path, crowd: Crowd, values: npt.NDArray[np.float64]) -> None:
    stations, hours = values.shape
    seconds = hourly(hours) // 1000
    columns = [np.repeat(np.arange(stations), hours), np.tile(seconds, stations), values.ravel()]
    columns += [np.repeat(one, hours) for one in (crowd.longitudes, crowd.latitudes, crowd.elevations)]
    form = ["%d", "%d", "%.1f", "%.5f", "%.5f", "%.0f"]
    np.savetxt(table, np.column_stack(columns), form, delimiter=",", header="p_id,time,ta,lon,lat,z", comments="")
