"""The result of a read: values, their flags, and the reasons for missing values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecast.core.clock import milliseconds
from forecast.core.dataset import KEYS, PROVENANCE, STATION_COLUMNS, flag_column, interval_field
from forecast.qc.flags import FAIL, MISSING, SUSPECT
from forecast.qc.resampling import REASONS, Resampled, Resampling
from forecast.reader.coverage import coverage_of
from forecast.reader.request import Request

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import xarray as xr

_MEANING: Final = {MISSING: "not_observed", SUSPECT: "flagged_suspect", FAIL: "flagged_failed"}
_HIDDEN: Final = {"good": (SUSPECT, FAIL), "not_failed": (FAIL,), "all": ()}


@dataclass(frozen=True, slots=True)
class Observations:
    """Observations by station and time, or values of regular intervals computed from them.

    Nothing is filled, and every missing value has a reason.
    """

    _observed: pa.Table
    _request: Request
    _stations: pa.Table
    _resampled: Resampled | None = None

    def __len__(self) -> int:
        """Return the number of observations or intervals."""
        return int(self._table.num_rows)

    def to_arrow(self) -> pa.Table:
        """Return one row per observation: station_id, timestamp (UTC) and one column per parameter.

        Units are in the columns' metadata. With flags="all", each parameter is followed by its flags. With
        `provenance`, the origin of each observation is included. With `freq`, a row is an interval, its timestamp is
        the interval's end, and a flag is the worst of the values in it.
        """
        names: list[str] = [*KEYS]
        for parameter in self._request.parameters:
            names += [parameter, flag_column(parameter)] if self._request.flags == "all" else [parameter]
        if self._request.provenance:
            names += [*(name for name in STATION_COLUMNS if name not in KEYS), *PROVENANCE]
        columns = [_compact(self._column(name)) for name in names]
        return pa.table(columns, schema=pa.schema([self._field(name) for name in names]))

    def to_pandas(self) -> pd.DataFrame:
        """Return the rows of `to_arrow` as a pandas DataFrame."""
        frame: pd.DataFrame = self.to_arrow().to_pandas(strings_to_categorical=False)
        return frame

    def to_polars(self) -> pl.DataFrame:
        """Return the rows of `to_arrow` as a polars DataFrame. Raises ImportError without the extra `polars`."""
        try:
            import polars as pl  # noqa: PLC0415  an extra
        except ImportError:
            raise ImportError("to_polars needs polars: install forecast[polars]") from None
        frame = pl.from_arrow(self.to_arrow())
        assert isinstance(frame, pl.DataFrame)  # noqa: S101  a table is never a series
        return frame

    def to_xarray(self) -> xr.Dataset:
        """Return a dataset with dimensions station and time and CF attributes: time series at stations.

        With flags="all", flags are separate variables. Every station has a place for every time that any station has,
        so use few stations or `freq`. Raises ImportError without the extra `xarray`.
        """
        from forecast.reader.cf_dataset import to_dataset  # noqa: PLC0415  xarray is an extra

        return to_dataset(self.to_arrow(), self._stations, self._request.step)

    def reasons(self) -> pa.Table:
        """Return why values are missing, in the form of `to_arrow` without flags; null if there is a value.

        not_observed: the observation lacks the value. flagged_suspect, flagged_failed: it was measured, but `flags`
        leaves it out.

        With `freq`, not_observed: no observation in the interval has the value. below_min_share: fewer than `min_share`
        of the expected values are left. no_direction: it was calm, or the directions cancel each other out.
        interval_unknown: the station is not in the registry. period_does_not_fit: the interval is not a multiple of the
        period that a value covers.
        """
        if self._resampled is not None:
            made = self._resampled.reasons
            columns = [_named(made[parameter]) for parameter in self._request.parameters]
        else:
            columns = [self._reasons_of(parameter) for parameter in self._request.parameters]
        return pa.table([*(self._table[name] for name in KEYS), *columns], names=[*KEYS, *self._request.parameters])

    def coverage(self) -> pd.DataFrame:
        """Return the number of observations, of values by flag, and of expected values, by station and parameter.

        `expected` follows from the station's interval and the time from `since` to `until`, for parameters that the
        station reports according to the registry. It is null if either bound is missing, or if the station is not in
        the registry. Requested stations without any observation are included. With `freq`, the numbers are those of
        the observations behind the intervals.
        """
        return coverage_of(self._observed, self._request, self._stations)

    @property
    def _table(self) -> pa.Table:
        return self._observed if self._resampled is None else self._resampled.table

    def _field(self, name: str) -> pa.Field:
        made = self._resampled is not None and name in self._request.parameters
        return interval_field(name) if made else self._table.schema.field(name)

    def _reasons_of(self, parameter: str) -> pa.ChunkedArray:
        flags = self._table[flag_column(parameter)]
        missing = self._column(parameter).is_null()
        reason = pa.nulls(len(flags), pa.string())
        for flag, meaning in _MEANING.items():
            reason = pc.if_else(pc.and_(missing, pc.equal(flags, flag)), meaning, reason)
        return reason

    def _column(self, name: str) -> pa.ChunkedArray:
        """Return a column in which the values that the request leaves out are null."""
        column = self._table[name]
        hidden = _HIDDEN[self._request.flags]
        if self._resampled is not None or not hidden or name not in self._request.parameters:
            return column
        flagged = pc.is_in(self._table[flag_column(name)], value_set=pa.array(hidden, pa.int8()))
        return pc.if_else(flagged, pa.scalar(None, column.type), column)


def observations(observed: pa.Table, request: Request, stations: pa.Table) -> Observations:
    """Answer a request from observations (DATASET_SCHEMA) and the registry (STATIONS_SCHEMA)."""
    if request.step is None:
        return Observations(observed, request, stations)
    minutes = dict(zip(stations["station_id"].to_pylist(), stations["interval_minutes"].to_pylist(), strict=True))
    resampling = Resampling(request.step, request.min_share, minutes, _HIDDEN[request.flags])
    made = resampling.of(observed, request.parameters)
    return Observations(observed, request, stations, _whole(made, request, request.step))


def _whole(made: Resampled, request: Request, step: int) -> Resampled:
    """Keep the intervals that lie completely between the bounds of a request."""
    ends = made.table["timestamp"].cast(pa.int64()).to_numpy()
    within = np.ones(len(ends), bool)
    if request.since is not None:
        within &= ends - step >= milliseconds(request.since)
    if request.until is not None:
        within &= ends <= milliseconds(request.until)
    return Resampled(made.table.filter(pa.array(within)), {name: codes[within] for name, codes in made.reasons.items()})


def _named(codes: pa.Array) -> pa.Array:
    """Return reasons as text; null if there is a value."""
    return pa.DictionaryArray.from_arrays(pa.array(codes - 1, mask=codes == 0), pa.array(REASONS[1:])).cast(pa.string())


def _compact(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Reduce a dictionary column to the values that occur: pandas would count the other stations too."""
    return pc.dictionary_encode(column.cast(pa.string())) if pa.types.is_dictionary(column.type) else column
