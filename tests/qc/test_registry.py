"""All that the program knows of a check stands in the check: what it looks at, how far, and what it flags."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from forecast.core.parameters import MEASURED_NAMES
from forecast.qc import checks
from forecast.qc.check import Check, Context, Finding, Limits, Reach, Scope
from forecast.qc.comparison import Comparison
from forecast.qc.flags import FAIL, GOOD, MISSING, NOT_EVALUATED, Floats, Mask, Times
from forecast.qc.limits import limits_of
from forecast.qc.registry import CHECKS, COMPARED_REACH, DAY_REACH, REACH, STATION_REACH, reach_of
from forecast.qc.series import Rows
from tests.networks import hours, series, station

FILES = [path for path in Path(*checks.__path__).glob("*.py") if path.name != "__init__.py"]
ROWS = 60


class Watched(dict[str, Floats]):
    """Values that remember which of them were looked at."""

    def __init__(self, values: dict[str, Floats]) -> None:
        super().__init__(values)
        self.seen: set[str] = set()

    def __getitem__(self, name: str) -> Floats:
        self.seen.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Floats | None = None) -> Floats | None:  # type: ignore[override]
        self.seen.add(name)
        return super().get(name, default)


class FourTimes:
    """Four neighbours that measure the same."""

    most = 4

    def __init__(self, measured: Watched) -> None:
        self.measured = measured

    def values(self, parameter: str, stations: Rows, times: Times) -> Floats:
        return np.resize(self.measured[parameter], (4, times.size)).T

    def within(self, stations: Rows, km: float) -> Mask:
        return np.ones((stations.size, 4), dtype=np.bool_)


def test_each_check_is_one_file_and_one_function_of_its_name() -> None:
    assert {path.stem for path in FILES} == set(CHECKS)
    for name, check in CHECKS.items():
        module = import_module(f"forecast.qc.checks.{name}")
        assert module.CHECK is check
        assert check.id == name
        assert callable(getattr(module, name))


def test_the_checks_of_neighbours_and_of_days_come_after_those_of_a_station() -> None:
    scopes = [check.scope for check in CHECKS.values()]
    last = len(scopes) - scopes[::-1].index(Scope.DAY)
    assert scopes[:last] == sorted(scopes[:last], key=list(Scope).index)
    # And what comes after all others is what the networks say.
    assert list(CHECKS)[last:] == ["source_flag"]
    orders = [check.order for check in CHECKS.values()]
    assert len(set(orders)) == len(orders)


def test_limits_belong_to_parameters_that_the_check_flags_or_to_the_check() -> None:
    for check in CHECKS.values():
        assert set(check.limits) <= {*check.parameters, check.id}
        assert {*check.parameters, *check.inputs, *check.compared} <= set(MEASURED_NAMES)
        assert not set(check.parameters) & set(check.inputs)


def everything() -> Context:
    """A station that measures everything, among four neighbours."""
    chance = np.random.default_rng(1)
    values = {name: chance.choice([0.0, 1.0, 71.0], ROWS) for name in MEASURED_NAMES}
    doubted = {name: np.ones(ROWS, dtype=bool) for name in MEASURED_NAMES}
    one = replace(series(station("A"), hours(ROWS), **values), values=Watched(values), doubted=doubted)
    beside = {name: chance.normal(size=ROWS) for name in MEASURED_NAMES}
    flags = {name: np.full(ROWS, GOOD, dtype=np.uint8) for name in MEASURED_NAMES}
    comparison = Comparison(one, np.arange(ROWS), np.arange(ROWS), FourTimes(Watched(beside)))
    return Context(one, limits_of(one.stations[0], {}), one.values.__getitem__, flags, comparison)


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_a_check_looks_at_nothing_but_what_it_says(check: Check) -> None:
    context = everything()
    found = list(check.run(context))
    assert {finding.parameter for finding in found} == set(check.parameters)
    assert isinstance(context.series.values, Watched)
    # What is only flagged with others is not looked at by itself.
    assert context.series.values.seen <= {*check.parameters, *check.inputs}
    assert context.series.values.seen >= set(check.inputs)
    beside = context.comparison._around
    assert isinstance(beside, FourTimes)
    assert beside.measured.seen == set(check.compared)
    given = {int(flag) for finding in found for flag in np.unique(finding.flags)}
    assert given <= {GOOD, NOT_EVALUATED, MISSING, *check.flags}


def _nothing(_: Context) -> Iterator[Finding]:
    yield from ()


def _check(
    name: str,
    before: float,
    after: float,
    *,
    flags: tuple[int, ...],
    parameter: str = "a",
    inputs: tuple[str, ...] = (),
) -> Check:
    def reach(_: Limits) -> Reach:
        return Reach(before, after)

    return Check(
        id=name,
        order=1,
        scope=Scope.STATION,
        parameters=(parameter,),
        inputs=inputs,
        reach=reach,
        flags=flags,
        finds="",
        advice="",
        french_advice="",
        run=_nothing,
    )


def test_reaches_add_up_where_a_value_that_failed_is_missing_in_the_next_check() -> None:
    fails, suspects = _check("fails", 6, 2, flags=(3, FAIL)), _check("suspects", 10, 1, flags=(3,))
    assert reach_of([fails, suspects]) == (16, 3)
    assert reach_of([suspects, fails]) == (10, 2)
    assert reach_of([fails, _check("other", 10, 1, flags=(3,), parameter="b")]) == (10, 2)
    assert reach_of([fails, _check("beside", 10, 1, flags=(3,), parameter="b", inputs=("a",))]) == (16, 3)


@pytest.mark.parametrize(
    ("check", "limits", "reach"),
    [
        ("spike", {}, (6, 6)),
        ("rate_of_change", {}, (12, 0)),
        ("persistence", {"persistence_fail_hours": 10}, (10, 10)),
        ("rain_counter", {"rain_counter_max_gap_minutes": 90}, (3, 1.5)),
        ("snow_with_warmth", {"snow_max_gap_minutes": 90}, (1.5, 0)),
        ("buddy_check", {}, (6, 6)),
        ("bias", {"bias_days": 3}, (48, 0)),
        ("clock_offset", {"clock_offset_window_days": 3}, (48 + 3, 3)),
        ("gross_range", {}, (0, 0)),
    ],
)
def test_how_far_a_check_looks_follows_from_its_limits(
    check: str, limits: dict[str, float], reach: tuple[float, float]
) -> None:
    assert CHECKS[check].reach(limits) == reach


def test_the_reach_of_all_checks() -> None:
    """Three intervals of two hours, a step over twelve hours, a run of a day; six hours around a day, and two days."""
    assert STATION_REACH == (6 + 12 + 24, 6 + 24)
    assert DAY_REACH == (48, 3)
    assert COMPARED_REACH == (48, 6)
    assert REACH == (48 + 0.5 + 42, 6 + 0.5 + 30)
    for check in CHECKS.values():
        usual = {name: limit.value for limits in check.limits.values() for name, limit in limits.items()}
        own, most = check.reach(usual), check.reach({**usual, **check.most})
        assert own <= most
        assert own.after <= most.after
