"""A dew point above the air temperature, which is physically impossible."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from forecast.qc.check import Check, Context, Finding, Scope
from forecast.qc.flags import Flags, Floats, both_suspect
from forecast.qc.names import DEW_POINT, TEMPERATURE
from forecast.qc.thresholds import PROJECT, limits


def dew_point_above_temperature(dew_point: Floats, temperature: Floats, *, tolerance: float) -> tuple[Flags, Flags]:
    """Flag dew points (°C) more than `tolerance` above the air temperature (°C): both are SUSPECT.

    Zahumenský (2004); GHCNh `humidity`, which flags the dew point alone.
    """
    return both_suspect(dew_point, temperature, dew_point - temperature > tolerance, ~np.isnan(dew_point + temperature))


def _run(context: Context) -> Iterator[Finding]:
    if context.has(DEW_POINT, TEMPERATURE):
        tolerance = context.limits[DEW_POINT]["dew_point_tolerance"]
        flags = dew_point_above_temperature(
            context.unfailed(DEW_POINT), context.unfailed(TEMPERATURE), tolerance=tolerance
        )
        yield from map(Finding, (DEW_POINT, TEMPERATURE), flags)


CHECK: Final = Check(
    id="dew_point_above_temperature",
    order=30,
    scope=Scope.STATION,
    parameters=(DEW_POINT, TEMPERATURE),
    limits={DEW_POINT: limits(f"{PROJECT}: both are rounded to 0.1 °C or 0.1 °F", dew_point_tolerance=0.06)},
    known_as=("WMO internal consistency check", "HadISD supersaturation check"),
    finds="a dew point above the air temperature",
    advice="the dew point is above the temperature: one of the two sensors is wrong",
    french_advice="le point de rosée dépasse la température : l'un des deux capteurs est faux",
    run=_run,
)
