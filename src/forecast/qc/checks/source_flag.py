"""Values that failed the network's own check."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from forecast.core.parameters import MEASURED_NAMES
from forecast.qc.check import Check, Context, Finding, Scope
from forecast.qc.flags import Flags, Floats, Mask, flags_of


def source_flag(values: Floats, doubted: Mask) -> Flags:
    """Flag values that failed the network's own check as SUSPECT. It says nothing about the others.

    Reach in time: none, each value is evaluated on its own. Source: the network's code, kept in `source_flags`.
    """
    return flags_of(values, suspect=doubted, evaluated=doubted)


def _run(context: Context) -> Iterator[Finding]:
    for name, doubted in context.series.doubted.items():
        if context.has(name):
            yield Finding(name, source_flag(context.unfailed(name), doubted))


CHECK: Final = Check(
    id="source_flag",
    order=240,
    scope=Scope.STATION,
    parameters=MEASURED_NAMES,
    finds="a value that failed the network's own check (`source_flags`)",
    advice="the network's own check flagged them: see what it reports about the station",
    french_advice="le contrôle du réseau en doute : voir ce qu'il dit de la station",
    run=_run,
)
