"""Resamples observations to regular intervals, for `freq` of the reader and for the hourly dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from forecast.core.aggregation import METHODS, PERIODS, Method, fits
from forecast.core.clock import MINUTE_MS
from forecast.core.dataset import KEYS, flag_column
from forecast.core.schemas import UTC_TIME
from forecast.qc.aggregates import Starts, mean_direction
from forecast.qc.checks.direction_at_calm import is_calm
from forecast.qc.flags import MISSING, Flags, Floats, Mask, Times, worst_of

# A direction also depends on these: at calm there is none.
WIND: Final = ("wind_speed", "wind_speed_of_gust")
_CLOUD: Final = "cloud_area_fraction"
_SKY_OBSCURED: Final = 9
# Multiplying by a share that is not a power of two can miss a whole number by a rounding error.
_ROUNDING: Final = 1e-9
# Why an interval has no value; the first reason that applies.
REASONS: Final = ("", "period_does_not_fit", "not_observed", "interval_unknown", "below_min_share", "no_direction")
Reasons = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Resampled:
    """Rows by station and end of interval, with values (null if there is none) and flags; and the reasons by parameter.

    A flag is the worst flag of the values that were used. Reasons are indices into REASONS.
    """

    table: pa.Table
    reasons: Mapping[str, Reasons]


@dataclass(frozen=True, slots=True)
class _Intervals:
    """The intervals of observations: `starts` are their first rows, and `sizes` their numbers of rows."""

    times: Times
    starts: Starts
    sizes: npt.NDArray[np.int64]
    ends: Times
    needed: Floats


@dataclass(frozen=True, slots=True)
class Resampling:
    """How to resample: intervals of `step` milliseconds, with at least the share `min_share` of the expected values.

    `minutes` are the stations' own intervals. Values whose flag is in `hidden` are not used.
    """

    step: int
    min_share: float
    minutes: Mapping[str, float]
    hidden: tuple[int, ...]

    def of(self, observations: pa.Table, parameters: Sequence[str]) -> Resampled:
        """Resamples observations (DATASET_SCHEMA), sorted by station and time. An interval without any has no row."""
        stations, places = _stations(observations)
        intervals = self._intervals(observations, stations, places)
        ids = pa.DictionaryArray.from_arrays(pa.array(places[intervals.starts], pa.int32()), stations)
        columns: dict[str, pa.Array] = dict(zip(KEYS, (ids, pa.array(intervals.ends, UTC_TIME)), strict=True))
        reasons = {}
        for name in parameters:
            values, flags, reasons[name] = self._of_parameter(name, observations, intervals)
            columns[name] = pa.array(values, from_pandas=True)
            columns[flag_column(name)] = pa.array(flags.astype(np.int8))
        fields = [observations.schema.field(name) for name in columns]
        return Resampled(pa.table(list(columns.values()), schema=pa.schema(fields)), reasons)

    def _intervals(self, observations: pa.Table, stations: pa.Array, places: npt.NDArray[np.int64]) -> _Intervals:
        times = observations["timestamp"].cast(pa.int64()).to_numpy()
        ends = -(-times // self.step) * self.step
        begins = np.ones(len(times), bool)
        begins[1:] = (places[1:] != places[:-1]) | (ends[1:] != ends[:-1])
        starts = np.flatnonzero(begins)
        minutes = np.array([self.minutes.get(name, np.nan) for name in stations.to_pylist()], np.float64)
        expected = self.step / (minutes * MINUTE_MS)
        needed = self.min_share * np.maximum(1.0, expected)[places[starts]]
        return _Intervals(times, starts, np.diff(starts, append=len(times)), ends[starts], needed)

    def _of_parameter(self, name: str, observations: pa.Table, within: _Intervals) -> tuple[Floats, Flags, Reasons]:
        values, flags = _floats(observations, name), _flags(observations, name)
        received = ~np.isnan(values)
        used = received & ~np.isin(flags, self.hidden)
        # A direction at calm is that of the last wind: it counts as received, but has no part in the mean.
        calm = self._calm(observations) if METHODS[name] is Method.DIRECTION else np.zeros(len(values), bool)
        needed = within.needed
        if (period := PERIODS.get(name)) is not None:
            received, used = (mask & (within.times % period == 0) for mask in (received, used))
            needed = np.full(len(within.starts), self.min_share * max(1.0, self.step / period))
        if name == _CLOUD:
            used &= values < _SKY_OBSCURED
        count = _sums(used | calm, within)
        found = _put_together(METHODS[name], values, used & ~calm, within)
        reason = np.zeros(len(found), np.int8)
        reason[np.isnan(found)] = REASONS.index("no_direction")
        reason[(count < needed - _ROUNDING) | (count == 0)] = REASONS.index("below_min_share")
        reason[np.isnan(needed)] = REASONS.index("interval_unknown")
        reason[_sums(received | calm, within) == 0] = REASONS.index("not_observed")
        if not fits(name, self.step):
            reason[:] = REASONS.index("period_does_not_fit")
        lost = reason > 0
        flags_used = np.where(used, flags, MISSING).astype(np.uint8)
        worst = np.where(lost, np.uint8(MISSING), worst_of(flags_used, within.starts))
        return np.where(lost, np.nan, found), worst, reason

    def _calm(self, observations: pa.Table) -> Mask:
        speed, gust = (
            np.where(np.isin(_flags(observations, name), self.hidden), np.nan, _floats(observations, name))
            for name in WIND
        )
        return is_calm(speed, gust)


def _stations(observations: pa.Table) -> tuple[pa.Array, npt.NDArray[np.int64]]:
    """The ids that occur, and the index of each row's id."""
    encoded = observations["station_id"].cast(pa.string()).combine_chunks().dictionary_encode()
    return encoded.dictionary, encoded.indices.to_numpy().astype(np.int64)


def _floats(observations: pa.Table, name: str) -> Floats:
    values: Floats = observations[name].to_numpy().astype(np.float64)
    return values


def _flags(observations: pa.Table, name: str) -> npt.NDArray[np.int8]:
    flags: npt.NDArray[np.int8] = observations[flag_column(name)].to_numpy()
    return flags


def _sums(mask: Mask, within: _Intervals) -> npt.NDArray[np.int64]:
    return _reduced(np.add, mask.astype(np.int64), within)


def _reduced(function: np.ufunc, values: npt.NDArray[Any], within: _Intervals) -> npt.NDArray[Any]:
    """A function, reduced over the values of each interval."""
    return function.reduceat(values, within.starts) if len(values) else values


def _put_together(method: Method, values: Floats, used: Mask, within: _Intervals) -> Floats:
    """One value per interval from those that are used; NaN if there are none."""
    if method is Method.DIRECTION:
        return mean_direction(values, used, within.starts) if len(values) else values
    if method is Method.LAST:
        places = _reduced(np.maximum, np.where(used, np.arange(len(values)), -1), within)
        return np.where(places < 0, np.nan, values[places]) if len(values) else values
    highest = _reduced(np.maximum, np.where(used, values, -np.inf), within)
    lowest = _reduced(np.minimum, np.where(used, values, np.inf), within)
    number = _sums(used, within)
    if method in {Method.MAXIMUM, Method.MINIMUM}:
        return np.where(number > 0, highest if method is Method.MAXIMUM else lowest, np.nan)
    total = _reduced(np.add, np.where(used, values, 0.0), within)
    if method is Method.SUM:
        return np.where(number > 0, total, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        # Rounding can put the mean of equal values slightly outside their range.
        return np.where(number > 0, (total / number).clip(lowest, highest), np.nan)
