"""What was read: values, their flags, and why a value is missing."""

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
    """Observations by station and time, or values of regular intervals that were made of them.

    Nothing is filled, and a value that is left out has a reason.
    """

    _observed: pa.Table
    _request: Request
    _stations: pa.Table
    _resampled: Resampled | None = None

    def __len__(self) -> int:
        """How many observations, or intervals."""
        return int(self._table.num_rows)

    def to_arrow(self) -> pa.Table:
        """One observation a row: station_id, timestamp (UTC), a column a parameter; units are in the columns' metadata.

        With flags="all" each parameter has its flags (FLAG_MEANINGS) beside it, with provenance where the value came
        from. With `freq` the row is an interval, the timestamp its end, and a flag the worst of the values in it.
        """
        names: list[str] = [*KEYS]
        for parameter in self._request.parameters:
            names += [parameter, flag_column(parameter)] if self._request.flags == "all" else [parameter]
        if self._request.provenance:
            names += [*(name for name in STATION_COLUMNS if name not in KEYS), *PROVENANCE]
        columns = [_compact(self._column(name)) for name in names]
        return pa.table(columns, schema=pa.schema([self._field(name) for name in names]))

    def to_pandas(self) -> pd.DataFrame:
        """The same as a pandas frame."""
        frame: pd.DataFrame = self.to_arrow().to_pandas(strings_to_categorical=False)
        return frame

    def to_polars(self) -> pl.DataFrame:
        """The same as a polars frame. Raises ImportError where the extra `polars` is not installed."""
        try:
            import polars as pl  # noqa: PLC0415  an extra
        except ImportError:
            raise ImportError("to_polars needs polars: install forecast[polars]") from None
        frame = pl.from_arrow(self.to_arrow())
        assert isinstance(frame, pl.DataFrame)  # noqa: S101  a table is never a series
        return frame

    def to_xarray(self) -> xr.Dataset:
        """The same as a dataset of dimensions station and time with CF attributes: time series at stations.

        Flags are variables beside those of the values where flags="all" asks for them. Every station has a place for
        every time that one of them has: ask for few stations, or with `freq`. Raises ImportError where the extra
        `xarray` is not installed.
        """
        from forecast.reader.cf_dataset import to_dataset  # noqa: PLC0415  xarray is an extra

        return to_dataset(self.to_arrow(), self._stations, self._request.step)

    def reasons(self) -> pa.Table:
        """Why values are missing, in the shape of `to_arrow` without flags: null where there is a value.

        not_observed: the observation lacks it. flagged_suspect, flagged_failed: it was measured, and `flags` left it
        out.

        With `freq`, not_observed: no observation of the interval has it. below_min_share: fewer than `min_share` of the
        expected values are left. no_direction: it was calm, or the directions cancel each other out. interval_unknown:
        the registry does not know the station. period_does_not_fit: the interval is no multiple of what a value stands
        for.
        """
        if self._resampled is not None:
            made = self._resampled.reasons
            columns = [_named(made[parameter]) for parameter in self._request.parameters]
        else:
            columns = [self._reasons_of(parameter) for parameter in self._request.parameters]
        return pa.table([*(self._table[name] for name in KEYS), *columns], names=[*KEYS, *self._request.parameters])

    def coverage(self) -> pd.DataFrame:
        """Of each station and parameter: observations, values by flag, and how many were to be expected.

        `expected` is what the station's interval makes of the time from `since` to `until` for a parameter that the
        registry says it reports; null without both, or where the registry does not know the station. Stations that
        were asked for and have no observation are there too. With `freq` it is of the observations that were put
        together.
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
        """A column as it is to be shown: values that the request leaves out are null."""
        column = self._table[name]
        hidden = _HIDDEN[self._request.flags]
        if self._resampled is not None or not hidden or name not in self._request.parameters:
            return column
        flagged = pc.is_in(self._table[flag_column(name)], value_set=pa.array(hidden, pa.int8()))
        return pc.if_else(flagged, pa.scalar(None, column.type), column)


def observations(observed: pa.Table, request: Request, stations: pa.Table) -> Observations:
    """What a request asks for, of observations (DATASET_SCHEMA) and the registry (STATIONS_SCHEMA)."""
    if request.step is None:
        return Observations(observed, request, stations)
    minutes = dict(zip(stations["station_id"].to_pylist(), stations["interval_minutes"].to_pylist(), strict=True))
    resampling = Resampling(request.step, request.min_share, minutes, _HIDDEN[request.flags])
    made = resampling.of(observed, request.parameters)
    return Observations(observed, request, stations, _whole(made, request, request.step))


def _whole(made: Resampled, request: Request, step: int) -> Resampled:
    """The intervals that lie between the bounds of a request from their beginning to their end."""
    ends = made.table["timestamp"].cast(pa.int64()).to_numpy()
    within = np.ones(len(ends), bool)
    if request.since is not None:
        within &= ends - step >= milliseconds(request.since)
    if request.until is not None:
        within &= ends <= milliseconds(request.until)
    return Resampled(made.table.filter(pa.array(within)), {name: codes[within] for name, codes in made.reasons.items()})


def _named(codes: pa.Array) -> pa.Array:
    """Reasons as text; null where there is a value."""
    return pa.DictionaryArray.from_arrays(pa.array(codes - 1, mask=codes == 0), pa.array(REASONS[1:])).cast(pa.string())


def _compact(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column; of a dictionary only what occurs: pandas would count the other stations too."""
    return pc.dictionary_encode(column.cast(pa.string())) if pa.types.is_dictionary(column.type) else column
