"""The definition of a threshold, and the sources of thresholds.

Each check has its thresholds in its own file. A value equal to a limit is allowed; values beyond it are flagged. A
station's entry in the registry can override any of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Threshold:
    """A limit, in the parameter's unit or in the one that its name states, and its source."""

    value: float
    source: str


Thresholds = Mapping[str, Threshold]

WMO_AWS: Final = "WMO, Guidelines on quality control procedures for data from AWS (Zahumenský 2004)"
WMO_305: Final = "WMO-No. 305 (1993), gross error limits, as in the R package dataresqc"
MADIS: Final = "NOAA MADIS surface quality control, level 1 and 2"
SYNOPTIC: Final = "Synoptic Data PBC, range and rate-of-change checks"
METEOSTAT: Final = "meteostat, parameters.py, hourly"
D2R: Final = "RUBclim d2r-api, app/qc.py (city network of personal stations)"
GHCNH: Final = "GHCNh quality control (glamod landQC), configs and qc_tests"
METOBS: Final = "MetObs toolkit, default settings for urban stations"
MESOWEST: Final = "MesoWest, quality control of surface data"
HADISD: Final = "HadISD, qc_tests"
PROJECT: Final = "this project"
MEASURED: Final = f"{PROJECT}, measured on six stations in October 2024"


def limits(source: str, **values: float) -> dict[str, Threshold]:
    """Thresholds by name that share a source."""
    return {name: Threshold(value, source) for name, value in values.items()}
