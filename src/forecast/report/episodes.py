"""Episodes: consecutive flagged values of one parameter."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import numpy as np

from forecast.core.clock import iso_time_of
from forecast.qc.flags import FAIL, SUSPECT, Flags, Floats, Mask, is_flagged
from forecast.qc.registry import CHECKS
from forecast.qc.results import QcResults
from forecast.qc.series import Rows
from forecast.report.models.quality import WorstEpisode
from forecast.report.write import DIGITS

MAX_EPISODES: Final = 10
_MAX_VALUES: Final = 5
# A failed value counts as much as three suspect ones.
_FAIL_WEIGHT: Final = 3


class FlagEpisode(NamedTuple):
    """Times are ms since 1970."""

    weight: int
    station: str
    parameter: str
    first: int
    last: int
    flag: Literal[3, 4]
    length: int
    checks: tuple[str, ...]
    low: float
    high: float
    values: tuple[float, ...]

    def entry(self) -> WorstEpisode:
        """The entry in the report."""
        return WorstEpisode(
            station=self.station,
            parameter=self.parameter,
            from_=iso_time_of(self.first),
            to=iso_time_of(self.last),
            checks=list(self.checks),
            flag=self.flag,
            count=self.length,
            min=round(self.low, DIGITS),
            max=round(self.high, DIGITS),
            values=[round(value, DIGITS) for value in self.values],
        )


def worst_episodes(results: QcResults, name: str, flags: Flags, rows: Mask) -> list[FlagEpisode]:
    """The worst episodes of consecutive flagged values of a parameter at one station, in these rows.

    A missing value does not end an episode. They are chosen from the longest of each station: short episodes of failed
    values can weigh more, but hardly more than the tenth-longest.
    """
    series = results.series
    places = np.flatnonzero(~np.isnan(series.values[name]))
    stations = series.of_row[places]
    bad = is_flagged(flags[places]) & rows[places]
    if not bad.any():
        return []
    is_new = np.diff(stations, prepend=-1) != 0
    is_first = bad & (is_new | ~np.concatenate(([False], bad[:-1])))
    is_last = bad & np.concatenate((is_new[1:] | ~bad[1:], [True]))
    firsts, lasts = np.flatnonzero(is_first), np.flatnonzero(is_last)
    longest = _longest_of_each(stations[firsts], lasts - firsts)
    firsts, lasts = firsts[longest], lasts[longest]
    failed = np.concatenate(([0], np.cumsum(flags[places] == FAIL)))
    weights = lasts - firsts + 1 + (_FAIL_WEIGHT - 1) * (failed[lasts + 1] - failed[firsts])
    by_id = np.argsort(np.argsort([station.id for station in series.stations]))
    worst = np.lexsort((firsts, by_id[stations[firsts]], weights))[-MAX_EPISODES:]
    return [_episode(results, name, flags, places[firsts[one] : lasts[one] + 1]) for one in worst.tolist()]


def _longest_of_each(stations: Rows, lengths: Rows) -> Rows:
    """The longest of each station, MAX_EPISODES at most, the first of some as long; stations ascend."""
    order = np.lexsort((-lengths, stations))
    starts = np.searchsorted(stations, stations[order])
    return order[np.arange(len(order)) - starts < MAX_EPISODES]


def _episode(results: QcResults, name: str, flags: Flags, places: np.ndarray) -> FlagEpisode:
    values: Floats = results.series.values[name][places]
    failed = int((flags[places] == FAIL).sum())
    checks = tuple(
        check
        for check in CHECKS
        if (given := results.by_check.get((check, name))) is not None and is_flagged(given[places]).any()
    )
    times = results.series.times[places]
    return FlagEpisode(
        weight=len(places) + (_FAIL_WEIGHT - 1) * failed,
        station=results.series.stations[results.series.of_row[places[0]]].id,
        parameter=name,
        first=int(times[0]),
        last=int(times[-1]),
        flag=FAIL if failed else SUSPECT,
        length=len(places),
        checks=checks,
        low=float(values.min()),
        high=float(values.max()),
        values=tuple(values[:_MAX_VALUES].tolist()),
    )
