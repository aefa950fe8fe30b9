"""Runs the checks in their order: first those of single stations, then those that use neighbours and whole days."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, takewhile
from typing import Final

import numpy as np

from forecast.core.clock import DAY_MS, HOUR_MS
from forecast.qc.check import Check, Context, Reach, Scope
from forecast.qc.comparison import NOBODY, Comparison
from forecast.qc.flags import Times
from forecast.qc.neighbours import Neighbours
from forecast.qc.registry import CHECKS, COMPARED_REACH, NEIGHBOURS_REACH
from forecast.qc.results import QcResults
from forecast.qc.series import Rows, Series, joined
from forecast.qc.surroundings import Compared, Surroundings

# The checks of a single station that come before the first that needs neighbours.
ALONE: Final = tuple(takewhile(lambda check: check.scope is Scope.STATION, CHECKS.values()))
_CLOSING: Final = tuple(check for check in CHECKS.values() if check.scope is Scope.STATION and check not in ALONE)
_AMONG, _OF_DAYS = (
    tuple(check for check in CHECKS.values() if check.scope is scope) for scope in (Scope.NEIGHBOURS, Scope.DAY)
)
_COMPARED: Final = tuple(dict.fromkeys(chain.from_iterable(check.compared for check in (*_AMONG, *_OF_DAYS))))


def run_station_checks(series: Series) -> QcResults:
    """Run the checks of a single station that come before the first that needs neighbours."""
    results = QcResults(series)
    _run(ALONE, results)
    return results


def compared_values(results: QcResults) -> Series:
    """The values that other stations are compared with, after `run_station_checks`."""
    series = results.series
    values = {name: results.unfailed_values(name) for name in _COMPARED if series.has(name)}
    return Series(series.stations, series.starts, series.times, values)


def run_neighbour_checks(
    targets: Iterable[QcResults],
    compared: Sequence[Series],
    neighbours: Neighbours,
    days: tuple[int, int] | None = None,
) -> None:
    """Run the checks that use neighbours or whole days, and add their flags to the results.

    `compared` are the `compared_values` of all stations that have observations. `days` are the first and the last day
    (since 1970) whose flags must be complete; those of the days around them may not be. None: all days.
    """
    chosen = list(targets)
    if not chosen:
        return
    everyone = Compared(joined(compared))
    for results in chosen:
        series = results.series
        near, rows = (_rows_within(series.times, days, reach) for reach in (NEIGHBOURS_REACH, COMPARED_REACH))
        lapse = {name: results.limits[name].get("buddy_check_lapse_rate", 0.0) for name in _COMPARED}
        around = Surroundings(series.stations, series.times[rows], everyone, neighbours, lapse)
        comparison = Comparison(series, near, rows, around)
        _run(_AMONG, results, comparison)
        _run(_OF_DAYS, results, comparison)
        results.medians = comparison.medians


def run_closing_checks(results: QcResults) -> None:
    """Run the checks of a single station that come after all others; no other check depends on them."""
    _run(_CLOSING, results)


def _run(checks: Iterable[Check], results: QcResults, comparison: Comparison = NOBODY) -> None:
    context = Context(results.series, results.limits, results.unfailed_values, dict(results.flags), comparison)
    for check in checks:
        for finding in check.run(context):
            results.add(check.id, finding.parameter, finding.flags)
            if finding.set_aside is not None:
                results.set_aside(finding.parameter, finding.set_aside)
            if finding.amount is not None:
                results.amount = finding.amount


def _rows_within(times: Times, days: tuple[int, int] | None, reach: Reach) -> Rows:
    """The rows that have to be compared for the flags of these days."""
    if days is None:
        return np.arange(len(times))
    first = days[0] * DAY_MS - reach.before * HOUR_MS
    end = (days[1] + 1) * DAY_MS + reach.after * HOUR_MS
    return np.flatnonzero((times >= first) & (times < end))
