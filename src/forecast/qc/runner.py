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
from forecast.qc.results import Verdicts
from forecast.qc.series import Series

_ALONE: Final = tuple(takewhile(lambda check: check.scope is Scope.STATION, CHECKS.values()))
_CLOSING: Final = tuple(check for check in CHECKS.values() if check.scope is Scope.STATION and check not in _ALONE)
_AMONG, _OF_DAYS = (
    tuple(check for check in CHECKS.values() if check.scope is scope) for scope in (Scope.NEIGHBOURS, Scope.DAY)
)
_COMPARED: Final = tuple(dict.fromkeys(chain.from_iterable(check.compared for check in (*_AMONG, *_OF_DAYS))))


def run_station_checks(series: Series) -> Verdicts:
    """The checks that need no other station, up to the first that does."""
    verdicts = Verdicts(series)
    _run(_ALONE, verdicts)
    return verdicts


def run_neighbour_checks(
    all_verdicts: Mapping[str, Verdicts], targets: Iterable[str], days: tuple[int, int] | None = None
) -> None:
    """Add to the verdicts of the target stations what comparison with the others, and their days, say.

    The values of neighbours count where the checks of the neighbour by itself did not fail them. Of `days`, the first
    and the last (since 1970, all without), the verdicts are whole; on the days around them they need not be.
    """
    alone = {
        (station_id, name): verdicts.alive(name)
        for station_id, verdicts in all_verdicts.items()
        for name in _COMPARED
        if verdicts.series.has(name)
    }
    # Of twins, the values of the first count.
    in_order = [all_verdicts[station_id] for station_id in sorted(all_verdicts)]
    for target in targets:
        verdicts = all_verdicts[target]
        near = [one for one in in_order if are_neighbours(verdicts.series.station, one.series.station)]
        found = {name: _neighbours(verdicts, name, near, alone) for name in _COMPARED if verdicts.series.has(name)}
        times = verdicts.series.times
        comparison = Comparison(times, _rows_compared(times, days), found)
        _run(_AMONG, verdicts, comparison)
        _run(_OF_DAYS, verdicts, comparison)
        verdicts.medians = comparison.medians


def run_closing_checks(verdicts: Verdicts) -> None:
    """The checks of a station that come after all others: no other check builds on them."""
    _run(_CLOSING, verdicts)


def _run(checks: Iterable[Check], verdicts: Verdicts, comparison: Comparison = NOBODY) -> None:
    context = Context(verdicts.series, verdicts.limits, verdicts.alive, dict(verdicts.flags), comparison)
    for check in checks:
        for finding in check.run(context):
            verdicts.add(check.id, finding.parameter, finding.flags)
            if finding.set_aside is not None:
                verdicts.set_aside(finding.parameter, finding.set_aside)
            if finding.amount is not None:
                verdicts.amount = finding.amount


def _rows_compared(times: Times, days: tuple[int, int] | None) -> Rows:
    """The rows whose comparison has a part in the verdicts on these days."""
    if days is None:
        return np.arange(len(times))
    first = days[0] * DAY_MS - COMPARED_REACH.before * HOUR_MS
    end = (days[1] + 1) * DAY_MS + COMPARED_REACH.after * HOUR_MS
    return np.arange(*np.searchsorted(times, [first, end]))


def _neighbours(
    verdicts: Verdicts, name: str, near: Sequence[Verdicts], alone: Mapping[tuple[str, str], Floats]
) -> Sequence[Neighbour]:
    """What the neighbours would measure at the station's height, one a site."""
    lapse = verdicts.limits[name].get("buddy_check_lapse_rate", 0.0)
    sites: defaultdict[str, list[Neighbour]] = defaultdict(list)
    for other in near:
        values = alone.get((other.series.station.id, name))
        if values is not None:
            lift = lapse * (other.series.station.elevation - verdicts.series.station.elevation)
            sites[other.series.station.site].append(Neighbour(other.series.times, values + lift if lift else values))
    return [joined(twins) for twins in sites.values()]
