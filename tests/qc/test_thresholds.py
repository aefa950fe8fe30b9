"""The one table of thresholds: each with its source, none beyond what a verdict may look at."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

from forecast.core.parameters import PARAMETERS
from forecast.qc.neighbour_checks import _OFFSET_HOURS, _SHIFTS_HOURS, DAYS_BEFORE
from forecast.qc.station_checks import _MOST_SPIKE_GAP_MINUTES, REACH_HOURS_AFTER, REACH_HOURS_BEFORE
from forecast.qc.thresholds import BY_NETWORK, BY_PARAMETER, CLOCK, MOST, STEP_MINUTES, Threshold

LEVELS = ("fail_min", "suspect_min", "suspect_max", "fail_max")


def everything() -> Iterator[tuple[str, str, Threshold]]:
    """Each threshold with its parameter and its name, those of the networks and of the clock among them."""
    for of_parameters in (BY_PARAMETER, *BY_NETWORK.values()):
        for parameter, values in of_parameters.items():
            yield from ((parameter, name, threshold) for name, threshold in values.items())
    yield from (("clock", name, threshold) for name, threshold in CLOCK.items())


def test_every_threshold_says_where_it_comes_from() -> None:
    assert [place for *place, threshold in everything() if not threshold.source.strip()] == []
    assert not any(math.isnan(threshold.value) for _, _, threshold in everything())


def test_every_measured_parameter_has_its_range_and_a_derived_one_has_none() -> None:
    assert list(BY_PARAMETER) == [parameter.name for parameter in PARAMETERS if not parameter.derived]
    for parameter, limits in BY_PARAMETER.items():
        assert {f"gross_range_{level}" for level in LEVELS} <= set(limits), parameter


@pytest.mark.parametrize("parameter", BY_PARAMETER)
def test_what_fails_lies_beyond_what_is_suspect(parameter: str) -> None:
    values = {name: threshold.value for name, threshold in BY_PARAMETER[parameter].items()}
    ranges = {name.removesuffix("_fail_min") for name in values if name.endswith("_fail_min")}
    for prefix in ranges:
        limits = [values[f"{prefix}_{level}"] for level in LEVELS]
        assert limits == sorted(limits), prefix
    for name, value in values.items():
        if "_suspect" in name and (fail := name.replace("_suspect", "_fail")) in values and "range" not in name:
            assert value <= values[fail], name
    for level in ("suspect", "fail"):
        steps = [values[f"step_{level}_{m}min"] for m in STEP_MINUTES if f"step_{level}_{m}min" in values]
        assert steps == sorted(steps)


def test_no_reach_is_beyond_the_days_that_are_judged_anew() -> None:
    """A longer one would let verdicts hang on what came with them."""
    assert [
        (name, threshold.value) for _, name, threshold in everything() if threshold.value > MOST.get(name, math.inf)
    ] == []
    assert set(MOST) <= {name for _, name, _ in everything()}
    spike = 3 * _MOST_SPIKE_GAP_MINUTES / 60
    step_back = max(STEP_MINUTES) / 60
    run = MOST["persistence_fail_hours"]
    # A value that failed one takes no part in the next, so that they add up.
    assert (spike + step_back + run, spike + run) == (REACH_HOURS_BEFORE, REACH_HOURS_AFTER)
    for name in ("counter_max_gap_minutes", "snow_max_gap_minutes"):
        assert MOST[name] / 60 <= REACH_HOURS_AFTER
    assert max(map(abs, _SHIFTS_HOURS)) <= _OFFSET_HOURS
    assert max(MOST["bias_days"], MOST["clock_window_days"]) <= DAYS_BEFORE + 1


def test_the_names_of_reaches_are_all_known() -> None:
    """A new threshold in hours, minutes or days has to say how far it may reach."""
    no_reach = {"bias_min_hours", "stuck_min_hours", "clock_min_hours", "false_zero_period_hours"}
    units = {name for _, name, _ in everything() if {"hours", "minutes", "days", "intervals"} & set(name.split("_"))}
    assert units - no_reach == set(MOST)


def test_a_network_changes_only_what_the_table_has() -> None:
    for of_network in BY_NETWORK.values():
        for name, values in of_network.items():
            assert set(values) <= set(BY_PARAMETER[name])
