"""The experiments of all checks, and the table that the page of quality control has of them."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from typing import Final

import tests.qc.checks
from forecast.qc.registry import CHECKS
from tests.quality.experiments import Experiment, Outcome, outcome_of

_TESTS: Final = [
    import_module(f"tests.qc.checks.{module.name}")
    for module in pkgutil.iter_modules(tests.qc.checks.__path__)
    if module.name.startswith("test_")
]
_PLACES: Final = {name: place for place, name in enumerate(CHECKS)}
# In the order of the checks, and those of one check in the order of its test.
EXPERIMENTS: Final[tuple[Experiment, ...]] = tuple(
    sorted(
        (experiment for module in _TESTS for experiment in getattr(module, "EXPERIMENTS", ())),
        key=lambda experiment: _PLACES[experiment.check],
    )
)
# The checks of which the week has no place for an error.
WITHOUT_PLACE: Final = frozenset(name for module in _TESTS for name in getattr(module, "WITHOUT_PLACE", ()))


def table_rows() -> Iterator[tuple[str, ...]]:
    """The outcomes as text; experiments with the same description are summed."""
    sums: dict[tuple[str, str, str], Outcome] = {}
    for experiment in EXPERIMENTS:
        where = experiment.together or f"`{experiment.parameter}`"
        key = (experiment.check, experiment.error, where)
        sums[key] = sums.get(key, Outcome()) + outcome_of(experiment)
    for (check, error, where), outcome in sums.items():
        yield (
            f"`{check}`",
            error,
            where,
            str(outcome.errors),
            _percent(outcome.caught, outcome.errors, 0),
            _percent(outcome.caught_by_check, outcome.errors, 0),
            _percent(outcome.values_flagged, outcome.values, 0),
            _percent(outcome.suspect, outcome.untouched, 2),
            _percent(outcome.failed, outcome.untouched, 2),
        )


TABLE_HEAD: Final = (
    *("check", "error", "in", "errors", "caught", "by the check itself", "changed values flagged"),
    *("others suspect", "others failed"),
)


def _percent(part: int, whole: int, digits: int) -> str:
    return f"{100 * part / whole:.{digits}f} %"
