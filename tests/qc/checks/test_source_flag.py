"""What the network's own check doubts is suspect, and of nothing else is anything said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from forecast.qc.checks.source_flag import CHECK, source_flag
from forecast.qc.flags import MISSING, NOT_EVALUATED, SUSPECT
from forecast.qc.results import QcResults
from forecast.qc.runner import run_closing_checks
from tests.networks import hours, series, station

DOUBTED = np.array([False, True, False, True])


def test_a_doubted_value_is_suspect_and_a_missing_one_stays_missing() -> None:
    flags = source_flag(np.array([12.0, 12.5, np.nan, np.nan]), DOUBTED)
    assert flags.tolist() == [NOT_EVALUATED, SUSPECT, MISSING, MISSING]


def test_only_parameters_that_the_station_has_are_flagged() -> None:
    of = series(station("A"), hours(4), air_temperature=[12.0, 12.5, 13.0, 13.5])
    doubted = {"air_temperature": DOUBTED, "wind_speed": DOUBTED}
    results = QcResults(replace(of, doubted=doubted))
    run_closing_checks(results)
    assert [name for check, name in results.by_check if check == CHECK.id] == ["air_temperature"]
    flags = results.by_check[CHECK.id, "air_temperature"]
    assert flags.tolist() == [NOT_EVALUATED, SUSPECT, NOT_EVALUATED, SUSPECT]


# What the networks' own checks say is no finding of ours.
WITHOUT_PLACE = ("source_flag",)
