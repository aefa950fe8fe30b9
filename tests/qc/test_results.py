"""What the checks say of a series, put together: the worst of them, and the JSON that a document has."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.qc.flags import FAIL, GOOD, MISSING, NOT_EVALUATED, SUSPECT, Flags
from forecast.qc.registry import CHECKS
from forecast.qc.results import QcResults
from tests.networks import hours, series, station

A = station("A")
QARTOD_ORDER = [MISSING, NOT_EVALUATED, GOOD, SUSPECT, FAIL]
ANY_FLAG = st.sampled_from([GOOD, NOT_EVALUATED, SUSPECT, FAIL])


def of(**values: Any) -> QcResults:
    return QcResults(series(A, hours(len(next(iter(values.values())))), **values))


def flags(*codes: int) -> Flags:
    return np.array(codes, dtype=np.uint8)


def texts(results: QcResults) -> list[Any]:
    return [None if text is None else json.loads(text) for text in results.quality().flags.to_pylist()]


def test_before_any_check_a_value_is_not_evaluated_and_a_missing_one_is_missing() -> None:
    results = of(air_temperature=[12.0, None], wind_speed=[None, None])
    assert results.flags["air_temperature"].tolist() == [NOT_EVALUATED, MISSING]
    quality = results.quality()
    assert (quality.flag.tolist(), quality.flags.to_pylist(), quality.anomalies.tolist()) == (
        [2, 9],
        [None, None],
        [0, 0],
    )
    assert np.isnan(quality.amount).all()


def test_the_worst_flag_of_all_checks_counts() -> None:
    results = of(air_temperature=[12.0] * 5)
    results.add("spike", "air_temperature", flags(GOOD, SUSPECT, NOT_EVALUATED, GOOD, NOT_EVALUATED))
    results.add("rate_of_change", "air_temperature", flags(SUSPECT, GOOD, GOOD, FAIL, NOT_EVALUATED))
    assert results.flags["air_temperature"].tolist() == [SUSPECT, SUSPECT, GOOD, FAIL, NOT_EVALUATED]


def test_a_failed_value_is_not_used_by_later_checks() -> None:
    results = of(air_temperature=[12.0, 99.0, 13.0])
    results.add("gross_range", "air_temperature", flags(GOOD, FAIL, GOOD))
    np.testing.assert_array_equal(results.unfailed_values("air_temperature"), [12.0, np.nan, 13.0])
    results.add("spike", "air_temperature", flags(GOOD, SUSPECT, GOOD))
    assert results.by_check["spike", "air_temperature"].tolist() == [GOOD, NOT_EVALUATED, GOOD]
    assert texts(results) == [None, {"air_temperature": {"flag": 4, "checks": ["gross_range"]}}, None]


def test_a_suspect_value_is_used_by_later_checks() -> None:
    results = of(air_temperature=[12.0])
    results.add("rate_of_change", "air_temperature", flags(SUSPECT))
    np.testing.assert_array_equal(results.unfailed_values("air_temperature"), [12.0])
    results.add("persistence", "air_temperature", flags(FAIL))
    assert texts(results) == [{"air_temperature": {"flag": 4, "checks": ["rate_of_change", "persistence"]}}]


def test_of_two_comparisons_the_worse_flag_counts_and_an_evaluated_one_over_none() -> None:
    """Rain of both kinds is compared with the same clouds."""
    results = of(cloud_area_fraction=[0.0, 0.0, 0.0, 0.0, None])
    results.add("rain_without_cloud", "cloud_area_fraction", flags(GOOD, SUSPECT, NOT_EVALUATED, GOOD, MISSING))
    results.add(
        "rain_without_cloud", "cloud_area_fraction", flags(NOT_EVALUATED, GOOD, NOT_EVALUATED, SUSPECT, MISSING)
    )
    assert results.by_check["rain_without_cloud", "cloud_area_fraction"].tolist() == [
        *(GOOD, SUSPECT, NOT_EVALUATED, SUSPECT, MISSING)
    ]
    assert results.flags["cloud_area_fraction"].tolist() == [GOOD, SUSPECT, NOT_EVALUATED, SUSPECT, MISSING]


def test_the_flags_of_a_document_are_its_suspect_and_failed_values_in_order() -> None:
    results = of(wind_speed=[3.0, 3.0], air_temperature=[12.0, 12.0], relative_humidity=[80.0, None])
    for check, name, given_flags in (
        ("flag_rate", "air_temperature", flags(SUSPECT, GOOD)),
        ("rate_of_change", "air_temperature", flags(SUSPECT, GOOD)),
        ("persistence", "wind_speed", flags(FAIL, GOOD)),
        ("gross_range", "relative_humidity", flags(GOOD, MISSING)),
    ):
        results.add(check, name, given_flags)
    quality = results.quality()
    assert quality.flags.to_pylist() == [
        (
            '{"air_temperature": {"flag": 3, "checks": ["rate_of_change", "flag_rate"]}, '
            '"wind_speed": {"flag": 4, "checks": ["persistence"]}}'
        ),
        None,
    ]
    assert (quality.flag.tolist(), quality.anomalies.tolist()) == ([4, 1], [2, 0])


@pytest.mark.parametrize("check", CHECKS)
def test_each_check_is_named_in_the_flags(check: str) -> None:
    results = of(air_temperature=[12.0])
    results.add(check, "air_temperature", flags(SUSPECT))
    assert texts(results) == [{"air_temperature": {"flag": 3, "checks": [check]}}]


def test_a_flag_of_a_check_that_is_not_registered_cannot_be_made() -> None:
    results = of(air_temperature=[12.0])
    with pytest.raises(ValueError, match="radiation_error is not a check"):
        results.add("radiation_error", "air_temperature", flags(SUSPECT))
    assert texts(results) == [None]


def test_every_check_has_advice_of_its_own() -> None:
    assert len({check.advice for check in CHECKS.values()}) == len(CHECKS)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(list(CHECKS)),
        st.sampled_from(["air_temperature", "wind_speed"]),
        st.lists(ANY_FLAG, min_size=4, max_size=4),
    ),
    max_size=12,
    unique_by=lambda step: step[:2],
)
NUMBERS = st.lists(st.none() | st.floats(-50, 50), min_size=4, max_size=4)


@given(NUMBERS, NUMBERS, STEPS)
def test_a_document_names_every_check_that_flagged_a_value(
    air: list[float | None], wind: list[float | None], steps: list[tuple[str, str, list[int]]]
) -> None:
    results = of(air_temperature=air, wind_speed=wind)
    before = {name: column.copy() for name, column in results.series.values.items()}
    for check, name, given_flags in steps:
        missing = np.isnan(results.series.values[name])
        results.add(check, name, np.where(missing, MISSING, given_flags).astype(np.uint8))
    quality = results.quality()
    for row in range(4):
        worst, told = [], {}
        for name, column in (("air_temperature", air), ("wind_speed", wind)):
            flag, checks = (MISSING if column[row] is None else NOT_EVALUATED), []
            for check, parameter, given_flags in steps:
                if parameter == name and column[row] is not None and flag != FAIL:
                    flag = max(flag, given_flags[row], key=QARTOD_ORDER.index)
                    checks += [check] if given_flags[row] in {SUSPECT, FAIL} else []
            worst.append(flag)
            if flag in {SUSPECT, FAIL}:
                told[name] = {"flag": flag, "checks": sorted(checks, key=list(CHECKS).index)}
        assert quality.flag[row] == max(worst, key=QARTOD_ORDER.index)
        assert json.loads(quality.flags[row].as_py() or "{}") == told
        assert quality.anomalies[row] == len(told)
    for name, values in results.series.values.items():
        np.testing.assert_array_equal(values, before[name])


def test_some_rows_of_a_quality() -> None:
    results = of(air_temperature=[1.0, 2.0, 3.0])
    results.add("rate_of_change", "air_temperature", flags(GOOD, SUSPECT, FAIL))
    results.amount[:] = [0.0, 0.2, 0.4]
    quality = results.quality()
    for rows in (np.array([2, 0]), np.array([True, False, True])):
        places = [2, 0] if rows.dtype != bool else [0, 2]
        part = quality.take(rows)
        assert part.flag.tolist() == [quality.flag[place] for place in places]
        assert part.flags.to_pylist() == [quality.flags[place].as_py() for place in places]
        assert part.anomalies.tolist() == [quality.anomalies[place] for place in places]
        assert part.amount.tolist() == [quality.amount[place] for place in places]


def test_a_parameter_that_the_series_has_not_is_missing_everywhere() -> None:
    results = of(air_temperature=[1.0, 2.0])
    assert [results.has(name) for name in ("air_temperature", "wind_speed")] == [True, False]
    assert not results.has("air_temperature", "wind_speed")
    assert np.isnan(results.unfailed_values("wind_speed")).all()
    assert len(results.unfailed_values("wind_speed")) == 2


def test_without_observations_there_are_no_flags() -> None:
    quality = QcResults(series(A, hours(0), air_temperature=[])).quality()
    assert (quality.flag.tolist(), quality.flags.to_pylist(), quality.amount.tolist()) == ([], [], [])


def test_no_check_more_than_the_code_of_a_row_has_bits() -> None:
    """The checks that flagged a value are bits above the eight of its flag."""
    assert len(CHECKS) + 8 < 63
