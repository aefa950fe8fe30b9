"""Errors of known size in the real week: so many are caught, and so few of the other values are flagged."""

from __future__ import annotations

from typing import Any

import pytest

from forecast.core.parameters import MEASURED_NAMES
from forecast.qc.registry import CHECKS
from tests.examples import for_the_night
from tests.quality.every_check import EXPERIMENTS, WITHOUT_PLACE
from tests.quality.experiments import Clean, Experiment, outcome_of

# The stations of the week do not measure them.
NOT_MEASURED = {
    "surface_snow_thickness",
    "surface_air_pressure",
    "air_pressure_at_mean_sea_level_qnh",
    "air_temperature_min_1h",
    "air_temperature_max_1h",
    "wind_speed_of_gust_10min",
    "wind_speed_of_gust_1h",
    *(f"precipitation_amount_{period}" for period in ("6min", "10min", "6h", "12h", "24h")),
    *(f"surface_downwelling_shortwave_flux_in_air_{period}" for period in ("6min", "10min", "1h")),
    *(f"duration_of_sunshine_{period}" for period in ("6min", "10min", "1h")),
    *(f"soil_temperature_{depth}cm" for depth in (5, 10, 20, 50, 100)),
}


def _name(experiment: Experiment) -> str:
    return f"{experiment.check}, {experiment.parameter}, {experiment.error}"


def _experiments() -> list[Any]:
    """The first of each check is for every change; the night has all."""
    seen: set[str] = set()
    found: list[Any] = []
    for experiment in EXPERIMENTS:
        if experiment.parameter not in NOT_MEASURED:
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
