"""Errors of known size in the real week: so many are caught, and so few of the other values are flagged."""

from __future__ import annotations

from typing import Any, Final

import pytest

from forecast.core.parameters import MEASURED_NAMES
from forecast.qc.registry import CHECKS
from tests.examples import for_the_night
from tests.quality.every_check import EXPERIMENTS, WITHOUT_PLACE
from tests.quality.experiments import STATIONS, Clean, Experiment, outcome_of
from tests.stations import built_in_stations

# Of the others the week has no value.
MEASURED: Final = {name for place in built_in_stations() if place.id in STATIONS for name in place.parameters}


def _name(experiment: Experiment) -> str:
    return f"{experiment.check}, {experiment.parameter}, {experiment.error}"


def _experiments() -> list[Any]:
    """The first of each check is for every change; the night has all."""
    seen: set[str] = set()
    found: list[Any] = []
    for experiment in EXPERIMENTS:
        if experiment.parameter in MEASURED:
            found += for_the_night(experiment) if experiment.check in seen else [experiment]
            seen.add(experiment.check)
    return found


@pytest.mark.parametrize("experiment", _experiments(), ids=_name)
def test_errors_are_caught_and_the_other_values_left_alone(clean: Clean, experiment: Experiment) -> None:
    outcome = outcome_of(experiment)
    assert outcome.errors
    caught = outcome.caught_by_check if experiment.by_itself else outcome.caught
    assert caught >= experiment.aim * outcome.errors
    assert outcome.failed < 0.005 * outcome.untouched
    assert outcome.suspect < 0.02 * outcome.untouched


def test_every_check_and_every_parameter_that_the_week_has_is_tried() -> None:
    assert {experiment.check for experiment in EXPERIMENTS} == set(CHECKS) - WITHOUT_PLACE
    assert {experiment.parameter for experiment in EXPERIMENTS} == set(MEASURED_NAMES)
