"""The thresholds of the checks: each with its source, none beyond what a QC result may look at."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import forecast.qc
from forecast.core.parameters import PARAMETERS
from forecast.networks.registry import NETWORKS
from forecast.qc.registry import CHECKS, MAX_OVERRIDE, THRESHOLDS
from forecast.qc.thresholds import Threshold

LEVELS = ("fail_min", "suspect_min", "suspect_max", "fail_max")
STEPS = [f"{minutes}min" for minutes in (10, 60, 180, 360, 720)]
SOURCE = "\n".join(path.read_text("utf-8") for path in Path(*forecast.qc.__path__).rglob("*.py"))


def everything() -> Iterator[tuple[str, str, Threshold]]:
    """Each threshold with its parameter and its name, those of the networks and of the clock among them."""
    for groups in (THRESHOLDS, *(network.thresholds for network in NETWORKS)):
        for group, values in groups.items():
            yield from ((group, name, threshold) for name, threshold in values.items())


def test_every_threshold_says_where_it_comes_from() -> None:
    assert [place for *place, threshold in everything() if not threshold.source.strip()] == []
    assert not any(math.isnan(threshold.value) for _, _, threshold in everything())


def test_every_measured_parameter_has_its_range_and_a_derived_one_has_none() -> None:
    measured = [parameter.name for parameter in PARAMETERS if not parameter.derived]
    assert list(THRESHOLDS) == [*measured, "clock_offset"]
    for parameter in measured:
        assert {f"gross_range_{level}" for level in LEVELS} <= set(THRESHOLDS[parameter]), parameter


@pytest.mark.parametrize("parameter", THRESHOLDS)
def test_limits_of_fail_are_beyond_those_of_suspect(parameter: str) -> None:
    values = {name: threshold.value for name, threshold in THRESHOLDS[parameter].items()}
    ranges = {name.removesuffix("_fail_min") for name in values if name.endswith("_fail_min")}
    for prefix in ranges:
        limits = [values[f"{prefix}_{level}"] for level in LEVELS]
        assert limits == sorted(limits), prefix
    for name, value in values.items():
        if "_suspect" in name and (fail := name.replace("_suspect", "_fail")) in values and not name.endswith("_min"):
            assert value <= values[fail], name
    for level in ("suspect", "fail"):
        steps = [
            values[f"rate_of_change_{level}_{interval}"]
            for interval in STEPS
            if f"rate_of_change_{level}_{interval}" in values
        ]
        assert steps == sorted(steps)


def test_no_limit_exceeds_the_maximum_for_a_station() -> None:
    """A longer one would let QC results depend on what came with them."""
    assert [
        (name, threshold.value)
        for _, name, threshold in everything()
        if threshold.value > MAX_OVERRIDE.get(name, math.inf)
    ] == []
    for check in CHECKS.values():
        assert set(check.most) <= {name for limits in check.limits.values() for name in limits}


def test_the_names_of_reaches_are_all_known() -> None:
    """A new threshold in hours, minutes or days has to say how far it may reach."""
    no_reach = {"bias_min_hours", "stuck_min_hours", "clock_offset_min_hours", "false_zero_period_hours"}
    units = {name for _, name, _ in everything() if {"hours", "minutes", "days", "intervals"} & set(name.split("_"))}
    assert units - no_reach == set(MAX_OVERRIDE)


def test_a_network_changes_only_what_the_table_has() -> None:
    for network in NETWORKS:
        for name, values in network.thresholds.items():
            assert set(values) <= set(THRESHOLDS[name])


def test_a_threshold_belongs_to_one_check() -> None:
    owners = Counter(
        name for check in CHECKS.values() for name in {name for limits in check.limits.values() for name in limits}
    )
    assert [name for name, number in owners.items() if number > 1] == []


def test_every_threshold_is_found_by_its_name_in_the_source() -> None:
    names = {name for _, name, _ in everything()}
    assert [name for name in names if f"{name}=" not in SOURCE] == []
