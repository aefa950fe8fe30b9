"""Makes the checks in their order: of each station by itself, then among its neighbours and day by day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, takewhile
from typing import Final

import numpy as np

from forecast.core.clock import DAY_MS, HOUR_MS
from forecast.qc.check import Check, Context, Scope
from forecast.qc.comparison import NOBODY, Comparison, Neighbour, Rows, joined
from forecast.qc.flags import Floats, Times
from forecast.qc.neighbours import are_neighbours
from forecast.qc.registry import CHECKS, COMPARED_REACH
from forecast.qc.results import QcResults
from forecast.qc.series import Series

_ALONE: Final = tuple(takewhile(lambda check: check.scope is Scope.STATION, CHECKS.values()))
_CLOSING: Final = tuple(check for check in CHECKS.values() if check.scope is Scope.STATION and check not in _ALONE)
_AMONG, _OF_DAYS = (
    tuple(check for check in CHECKS.values() if check.scope is scope) for scope in (Scope.NEIGHBOURS, Scope.DAY)
)
_COMPARED: Final = tuple(dict.fromkeys(chain.from_iterable(check.compared for check in (*_AMONG, *_OF_DAYS))))


def run_station_checks(series: Series) -> QcResults:
    """The checks that need no other station, up to the first that does."""
    results = QcResults(series)
    _run(_ALONE, results)
    return results


def run_neighbour_checks(
    all_results: Mapping[str, QcResults], targets: Iterable[str], days: tuple[int, int] | None = None
) -> None:
    """Add to the verdicts of the target stations what comparison with the others, and their days, say.

    The values of neighbours count where the checks of the neighbour by itself did not fail them. Of `days`, the first
    and the last (since 1970, all without), the verdicts are whole; on the days around them they need not be.
    """
    alone = {
        (station_id, name): results.unfailed_values(name)
        for station_id, results in all_results.items()
        for name in _COMPARED
        if results.series.has(name)
    }
    # Of twins, the values of the first count.
    in_order = [all_results[station_id] for station_id in sorted(all_results)]
    for target in targets:
        results = all_results[target]
        near = [one for one in in_order if are_neighbours(results.series.station, one.series.station)]
        found = {name: _neighbours(results, name, near, alone) for name in _COMPARED if results.series.has(name)}
        times = results.series.times
        comparison = Comparison(times, _rows_compared(times, days), found)
        _run(_AMONG, results, comparison)
        _run(_OF_DAYS, results, comparison)
        results.medians = comparison.medians


def run_closing_checks(results: QcResults) -> None:
    """The checks of a station that come after all others: no other check builds on them."""
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


def _rows_compared(times: Times, days: tuple[int, int] | None) -> Rows:
    """The rows whose comparison has a part in the verdicts on these days."""
    if days is None:
        return np.arange(len(times))
    first = days[0] * DAY_MS - COMPARED_REACH.before * HOUR_MS
    end = (days[1] + 1) * DAY_MS + COMPARED_REACH.after * HOUR_MS
    return np.arange(*np.searchsorted(times, [first, end]))


def _neighbours(
    results: QcResults, name: str, near: Sequence[QcResults], alone: Mapping[tuple[str, str], Floats]
) -> Sequence[Neighbour]:
    """What the neighbours would measure at the station's height, one a site."""
    lapse = results.limits[name].get("buddy_check_lapse_rate", 0.0)
    sites: defaultdict[str, list[Neighbour]] = defaultdict(list)
    for other in near:
        values = alone.get((other.series.station.id, name))
        if values is not None:
            lift = lapse * (other.series.station.elevation - results.series.station.elevation)
            sites[other.series.station.site].append(Neighbour(other.series.times, values + lift if lift else values))
    return [joined(twins) for twins in sites.values()]
