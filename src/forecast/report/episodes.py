"""Episodes: flagged values of one parameter one after another."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import numpy as np

from forecast.core.clock import iso_time_of
from forecast.qc.flags import FAIL, SUSPECT, Flags, Floats, Mask, is_flagged
from forecast.qc.registry import CHECKS
from forecast.qc.results import QcResults
from forecast.report.models.quality import WorstEpisode
from forecast.report.write import DIGITS

MAX_EPISODES: Final = 10
_MAX_VALUES: Final = 5
# A failed value weighs as much as three suspect ones.
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
        """As the report has it."""
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


def longest_episodes(results: QcResults, name: str, flags: Flags, rows: Mask) -> list[FlagEpisode]:
    """The longest episodes of values of a parameter flagged one after another, in these rows.

    A missing value is no end of one.
    """
    places = np.flatnonzero(~np.isnan(results.series.values[name]))
    bad = is_flagged(flags[places]) & rows[places]
    edges = np.flatnonzero(np.diff(bad.astype(np.int8), prepend=0, append=0))
    ends = edges.reshape(-1, 2)
    longest = ends[np.argsort(ends[:, 0] - ends[:, 1], kind="stable")[:MAX_EPISODES]] if len(ends) else ends
    # Short ones that failed may weigh more, but not more than the tenth of the longest by far.
    return [_episode(results, name, flags, places[first:last]) for first, last in longest.tolist()]


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
        station=results.series.station.id,
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
