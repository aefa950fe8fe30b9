"""What is known of the week of October 2024 comes out, and hardly anything else."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime

import numpy as np
import pytest

from forecast.core.clock import DAY_MS
from forecast.qc.flags import SUSPECT
from forecast.report.advice import advice
from forecast.report.findings import Findings
from tests.quality.experiments import (
    DIRECTION,
    KNOWN_FAULTS,
    ONE_HOUR,
    STATIONS,
    THREE_HOURS,
    Clean,
    P,
    Tally,
    tally_of_sound,
)
from tests.real_week import ARMENTIERES, BERGUES, HAZEBROUCK, ICHTEGEM, LA_MADELEINE, LESQUIN


@pytest.fixture(scope="module")
def findings(clean: Clean) -> Findings:
    """What a run would report of the whole week."""
    found = Findings()
    for results in clean.results.values():
        days = set((results.series.times // DAY_MS).tolist())
        found.observe(results, {results.series.stations[0].id: days})
    return found


def test_the_week_has_the_observations_of_six_stations(clean: Clean) -> None:
    numbers = {name: len(series.times) for name, series in clean.week.items()}
    assert numbers == {
        ARMENTIERES: 361, BERGUES: 361, LESQUIN: 60, HAZEBROUCK: 361, ICHTEGEM: 1899, LA_MADELEINE: 1908,
    }  # fmt: skip
    assert set(numbers) == set(STATIONS)
    assert all((np.diff(series.times) > 0).all() for series in clean.week.values())


def test_directions_at_calm_are_not_evaluated_and_no_anomaly(clean: Clean) -> None:
    flags = clean.results[LA_MADELEINE].flags[DIRECTION]
    assert Counter(flags.tolist()) == {1: 1150, 2: 700, 9: 58}
    flagged = {name: int(results.quality().anomalies.sum()) for name, results in clean.results.items()}
    assert flagged == {ARMENTIERES: 0, BERGUES: 42, LESQUIN: 0, HAZEBROUCK: 4, ICHTEGEM: 730, LA_MADELEINE: 0}


def test_a_document_is_flagged_for_what_is_wrong_and_not_for_a_calm(clean: Clean) -> None:
    flags = Counter(flag for results in clean.results.values() for flag in results.quality().flag.tolist())
    assert flags == {1: 4176, SUSPECT: 774}


def test_ichtegems_pressure_is_seven_to_eight_hectopascals_low_in_the_reports_words(findings: Findings) -> None:
    (words,) = [
        advice.message
        for advice in advice(findings)
        if (advice.station, advice.parameter, advice.check) == (ICHTEGEM, P, "bias")
    ]
    off = re.match(
        r"(\d\.\d) hPa below its neighbours; consistently differs from its neighbours: correct it at the source", words
    )
    assert off is not None
    assert 7 <= float(off[1]) <= 8
    assert {station for (station, name, check), number in findings.suspect.items() if check == "bias" and number} == {
        ICHTEGEM
    }


def test_two_hours_of_bergues_have_more_rain_than_the_three_hours_around_them(clean: Clean) -> None:
    found = [
        (name, datetime.fromtimestamp(series.times[row] / 1000, UTC).strftime("%d %H:%M"), one[row], three[row])
        for name, series in clean.week.items()
        if THREE_HOURS in series.values
        for one, three in [(series.values[ONE_HOUR], series.values[THREE_HOURS])]
        for row in np.flatnonzero(clean.results[name].by_check["nested_accumulation", ONE_HOUR] == SUSPECT)
    ]
    assert found == [(BERGUES, "06 20:00", 1.8, 0.0), (BERGUES, "07 08:00", 0.2, 0.0)]


def test_zeros_of_bergues_between_the_synoptic_hours_are_suspect(clean: Clean) -> None:
    assert Counter(clean.results[BERGUES].by_check["false_zero", THREE_HOURS].tolist()) == {1: 21, SUSPECT: 40, 9: 300}


def test_rain_of_the_week_is_the_sum_of_what_the_counters_grew(clean: Clean) -> None:
    sums = {name: round(float(np.nansum(results.amount)), 9) for name, results in clean.results.items()}
    assert sums == {ARMENTIERES: 0, BERGUES: 0, LESQUIN: 0, HAZEBROUCK: 0, ICHTEGEM: 7.62, LA_MADELEINE: 4.318}
    for name in (ICHTEGEM, LA_MADELEINE):
        assert np.nanmin(clean.results[name].amount) == 0
        assert np.isnan(clean.results[name].amount).sum() == 1


def test_nothing_fails_and_of_what_is_sound_hardly_anything_is_suspect(clean: Clean) -> None:
    assert tally_of_sound(clean) == Tally(values=47_114, suspect=4, failed=0)


def test_the_other_suspects_are_half_an_hour_of_humidity_at_hazebrouck_after_the_fog(clean: Clean) -> None:
    found = [
        (name, parameter, results.series.times[row])
        for name, results in clean.results.items()
        for parameter in results.flags
        if (name, parameter) not in KNOWN_FAULTS
        for row in np.flatnonzero(results.flags[parameter] == SUSPECT)
    ]
    assert {(name, parameter) for name, parameter, _ in found} == {(HAZEBROUCK, "relative_humidity")}
    moments = [datetime.fromtimestamp(moment / 1000, UTC).strftime("%d %H:%M") for *_, moment in found]
    assert moments == ["05 10:10", "05 10:20", "05 10:30", "05 10:40"]
