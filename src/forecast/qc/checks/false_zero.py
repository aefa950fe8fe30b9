"""A rain amount of 0 that means "not measured"."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from forecast.core.clock import HOUR_MS
from forecast.qc.check import Check, Context, Finding, Scope
from forecast.qc.flags import Flags, Floats, Times, flags_of
from forecast.qc.names import RAIN_3H
from forecast.qc.thresholds import limits


def false_zero(amount: Floats, times: Times, *, period_hours: float) -> Flags:
    """Flag zeros that the source writes for "not measured".

    amount: mm over a period that is only measured at whole multiples of period_hours UTC (synoptic hours).
    SUSPECT: exactly 0 at any other time. Everything else is GOOD, because an amount above 0 must have been measured.

    Reach in time: none, each value is evaluated on its own.
    Source: the three-hour amounts of Bergues, which are 0 in every hour, even below the 1-hour amount at
    2024-10-06 20:00Z.
    """
    between = times % round(period_hours * HOUR_MS) != 0
    return flags_of(amount, suspect=(amount == 0) & between)


def _run(context: Context) -> Iterator[Finding]:
    if context.has(RAIN_3H):
        period = context.limits[RAIN_3H]["false_zero_period_hours"]
        yield Finding(RAIN_3H, false_zero(context.unfailed(RAIN_3H), context.series.times, period_hours=period))


CHECK: Final = Check(
    id="false_zero",
    order=180,
    scope=Scope.STATION,
    parameters=(RAIN_3H,),
    limits={RAIN_3H: limits("WMO synoptic hours", false_zero_period_hours=3)},
    finds="a three-hour rain amount of 0 between synoptic hours",
    advice="a zero between synoptic hours means not measured: use only the sums at 00, 03, 06 … UTC",
    french_advice=(
        "un zéro entre les heures synoptiques veut dire non mesuré : n'utiliser que les cumuls de 00, 03, 06 … UTC"
    ),
    run=_run,
)
