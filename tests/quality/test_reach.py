"""A flag depends on the days that a window reads and on no others; a change reaches no farther than a window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecast.core.clock import DAY_MS
from forecast.core.stations import Stations
from forecast.qc.changes import Changes
from forecast.qc.flags import Mask
from forecast.qc.registry import STATION_REACH
from forecast.qc.runner import run_station_checks
from forecast.qc.series import Series
from forecast.qc.windows import windows_of
from tests.examples import examples
from tests.networks import nominal_rows
from tests.qc.test_windows import outdated_days
from tests.quality.experiments import FIRST_COMPARED, STATIONS, Clean, Random
from tests.quality.week import HOUR_MS, Week, evaluated
from tests.real_week import HAZEBROUCK

TIMES = 10
# 5 and 6 October 2024, and so on.
DAYS = range(FIRST_COMPARED // DAY_MS, FIRST_COMPARED // DAY_MS + 2 * TIMES)
days = st.integers(DAYS.start, DAYS.stop - 1)
few = settings(max_examples=examples(0.15), suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def stretch(clean: Clean) -> Week:
    """The two whole days on which all six stations measure, ten times over, each time with errors of its own."""
    random = np.random.default_rng(1)
    return {name: _many_times(series, random) for name, series in clean.week.items()}


def _many_times(series: Series, random: Random) -> Series:
    two = _only(series, _on_days(series, DAYS.start, DAYS.start + 1))
    times = np.concatenate([two.times + 2 * number * DAY_MS for number in range(TIMES)])
    values = {}
    for name, column in two.values.items():
        whole = np.tile(column, TIMES)
        # Spikes, gaps, and a sensor that stands still for ten hours or for a day.
        whole[random.integers(len(whole), size=20)] *= 1.3
        whole[random.integers(len(whole), size=20)] = np.nan
        for start in random.choice(times, 8):
            whole[(times >= start) & (times < start + 10 * HOUR_MS)] = whole[np.searchsorted(times, start)]
        still = np.flatnonzero(times // DAY_MS == random.choice(DAYS))
        whole[still] = whole[still[0]]
        values[name] = whole
    if series.stations[0].id == HAZEBROUCK:
        # Its clock is an hour off in the second half.
        times[len(times) // 2 :] += HOUR_MS
    # And a day without any observation here and there.
    return _only(replace(series, times=times, values=values), ~np.isin(times // DAY_MS, random.choice(DAYS, 2)))


def _only(series: Series, rows: Mask) -> Series:
    return replace(
        series, times=series.times[rows], values={name: column[rows] for name, column in series.values.items()}
    )


def _on_days(series: Series, first: int, last: int) -> Mask:
    return (series.times >= first * DAY_MS) & (series.times < (last + 1) * DAY_MS)


Told = dict[int, tuple[Any, ...]]


def _stations(stretch: Week) -> Stations:
    return Stations({name: series.stations[0] for name, series in stretch.items()})


def _told(series: Series, results: Any) -> Told:
    """What is said of each observation, by its time."""
    quality = results.quality()
    amounts = np.where(np.isnan(quality.amount), -1, quality.amount).tolist()
    said = zip(quality.flag.tolist(), quality.flags.to_pylist(), quality.anomalies.tolist(), amounts, strict=True)
    return dict(zip(series.times.tolist(), said, strict=True))


def _all_told(week: Week) -> dict[str, Told]:
    return {name: _told(results.series, results) for name, results in evaluated(week).items()}


@pytest.fixture(scope="module")
def whole(stretch: Week) -> Mapping[str, Told]:
    return _all_told(stretch)


def test_the_days_have_qc_results_of_many_checks(whole: Mapping[str, Told]) -> None:
    texts = " ".join(text for told in whole.values() for _, text, *_ in told.values() if text)
    for check in (
        "spike",
        "rate_of_change",
        "persistence",
        "buddy_check",
        "bias",
        "stuck",
        "clock_offset",
        "flag_rate",
    ):
        assert f'"{check}"' in texts


@few
@given(station=st.sampled_from(STATIONS), first=days, length=st.integers(0, 4))
def test_a_station_by_itself_is_evaluated_alike_with_and_without_what_is_farther_away(
    stretch: Week, station: str, first: int, length: int
) -> None:
    series, last = stretch[station], first + length
    start, end = first * DAY_MS - STATION_REACH.before * HOUR_MS, (last + 1) * DAY_MS + STATION_REACH.after * HOUR_MS
    part = _only(series, (series.times >= start) & (series.times < end))
    told, of_whole = _told(part, run_station_checks(part)), _told(series, run_station_checks(series))
    within = series.times[_on_days(series, first, last)].tolist()
    assert [told[time] for time in within] == [of_whole[time] for time in within]


@few
@given(changed=st.dictionaries(st.sampled_from(STATIONS), st.sets(days, min_size=1, max_size=3), min_size=1))
def test_a_window_reads_everything_that_its_flags_depend_on(
    stretch: Week, whole: Mapping[str, Told], changed: dict[str, set[int]]
) -> None:
    for window in windows_of(Changes(changed), _stations(stretch), nominal_rows):
        read = {
            station.id: _only(
                stretch[station.id],
                (stretch[station.id].times >= window.read_from)
                & _on_days(stretch[station.id], window.first_read, window.last_read),
            )
            for station in window.halo
        }
        told = _all_told(read)
        for station in window.targets:
            series = stretch[station.id]
            within = series.times[_on_days(series, window.first, window.last)].tolist()
            assert [told[station.id][time] for time in within] == [whole[station.id][time] for time in within]


@few
@given(station=st.sampled_from(STATIONS), day=days, some=st.integers(0, 2**32 - 1))
def test_what_changes_on_a_day_changes_no_flag_outside_its_window_and_those_of_outdated_days(
    stretch: Week, whole: Mapping[str, Told], station: str, day: int, some: int
) -> None:
    """The day's observations come late: half of them, or all."""
    series = stretch[station]
    late = _on_days(series, day, day) & (np.random.default_rng(some).random(len(series.times)) < 1 - (some % 2) / 2)
    early = _only(series, ~late)
    told = _all_told({**stretch, station: early})
    changes = Changes({station: {day}})
    followed = replace(changes, reflagged={station: outdated_days(changes, early, series)})
    windows = list(windows_of(followed, _stations(stretch), nominal_rows))
    for name, of_whole in whole.items():
        changed = {time // DAY_MS for time, said in told[name].items() if said != of_whole[time]}
        evaluated_again = {
            number
            for window in windows
            if name in {one.id for one in window.targets}
            for number in range(window.first, window.last + 1)
        }
        assert changed <= evaluated_again
