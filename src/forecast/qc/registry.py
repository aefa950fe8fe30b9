"""All checks in order, and what is derived from them: thresholds, and how far a change can reach."""

from __future__ import annotations

import pkgutil
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from typing import Final

from forecast.core.parameters import MEASURED_NAMES
from forecast.qc import checks
from forecast.qc.check import Check, Limits, Reach, Scope
from forecast.qc.flags import FAIL
from forecast.qc.surroundings import WINDOW_MINUTES
from forecast.qc.thresholds import Thresholds

_NONE: Final = Reach(0, 0)


def _discovered() -> Iterator[Check]:
    """The check of each module of the package; its id is the module's name."""
    for module in pkgutil.iter_modules(checks.__path__):
        check: Check = import_module(f"{checks.__name__}.{module.name}").CHECK
        if check.id != module.name:
            raise ValueError(f"the check {check.id} stands in {module.name}.py: its id is the name of its file")
        yield check


def _thresholds() -> Iterator[tuple[str, Thresholds]]:
    """The thresholds of each parameter, then those that belong to no parameter."""
    groups = (*MEASURED_NAMES, *(group for check in CHECKS.values() for group in check.limits))
    for group in dict.fromkeys(groups):
        yield group, {name: limit for check in CHECKS.values() for name, limit in check.limits.get(group, {}).items()}


def reach_of(chain: Iterable[Check]) -> Reach:
    """The combined reach of a chain of checks.

    A later check does not use a value that failed an earlier one, so their reaches add up, parameter by parameter.
    """
    after_failing: dict[str, Reach] = defaultdict(lambda: _NONE)
    farthest = _NONE
    for check in chain:
        own = check.reach(check.most)
        behind = _farthest(after_failing[name] for name in (*check.parameters, *check.inputs))
        reach = Reach(own.before + behind.before, own.after + behind.after)
        farthest = _farthest((farthest, reach))
        if FAIL in check.flags:
            for name in check.parameters:
                after_failing[name] = _farthest((after_failing[name], reach))
    return farthest


def _farthest(reaches: Iterable[Reach]) -> Reach:
    befores, afters = zip(*reaches, strict=True)
    return Reach(max(befores), max(afters))


# The order matters: later checks do not use a value that failed an earlier one.
CHECKS: Final[Mapping[str, Check]] = {
    check.id: check for check in sorted(_discovered(), key=lambda check: (check.order, check.id))
}
# By parameter and name; thresholds that belong to no parameter are under the check's own id.
THRESHOLDS: Final[Mapping[str, Thresholds]] = dict(_thresholds())
# The maximum of what a station may set: the reach of the checks determines what is re-evaluated.
MAX_OVERRIDE: Final[Limits] = {name: most for check in CHECKS.values() for name, most in check.most.items()}

STATION_REACH, NEIGHBOURS_REACH, DAY_REACH = (
    reach_of(check for check in CHECKS.values() if check.scope is scope) for scope in Scope
)
# No check with neighbours fails a value, and checks of whole days use its flags for their own day alone, so these two
# do not add up.
COMPARED_REACH: Final = _farthest((NEIGHBOURS_REACH, DAY_REACH))
# The compared values, in turn, are those that no check of their own station failed.
REACH: Final = Reach(
    COMPARED_REACH.before + WINDOW_MINUTES / 60 + STATION_REACH.before,
    COMPARED_REACH.after + WINDOW_MINUTES / 60 + STATION_REACH.after,
)
