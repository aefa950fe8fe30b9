"""What was read: values, their flags, and why a value is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from forecast.core.dataset import FLAG_MEANINGS, KEYS, PROVENANCE, STATION_COLUMNS, flag_column
from forecast.qc.flags import FAIL, MISSING, SUSPECT
from forecast.reader.request import Request

if TYPE_CHECKING:
    import pandas as pd

_MEANING: Final = {MISSING: "not_observed", SUSPECT: "flagged_suspect", FAIL: "flagged_failed"}
_HIDDEN: Final = {"good": (SUSPECT, FAIL), "not_failed": (FAIL,), "all": ()}


@dataclass(frozen=True, slots=True)
class Observations:
    """Observations by station and time; nothing is filled, and a value that is left out has a reason."""

    _table: pa.Table
    _request: Request

    def __len__(self) -> int:
        """How many observations."""
        return int(self._table.num_rows)

    def to_arrow(self) -> pa.Table:
        """One observation a row: station_id, timestamp (UTC), a column a parameter; units are in the columns' metadata.

        With flags="all" each parameter has its flags (FLAG_MEANINGS) beside it, with provenance where the value came
        from.
        """
        names: list[str] = [*KEYS]
        for parameter in self._request.parameters:
            names += [parameter, flag_column(parameter)] if self._request.flags == "all" else [parameter]
        if self._request.provenance:
            names += [*(name for name in STATION_COLUMNS if name not in KEYS), *PROVENANCE]
        fields = [self._table.schema.field(name) for name in names]
        columns = [_compact(self._column(name)) for name in names]
        return pa.table(columns, schema=pa.schema(fields))

    def to_pandas(self) -> pd.DataFrame:
        """The same as a pandas frame."""
        frame: pd.DataFrame = self.to_arrow().to_pandas(strings_to_categorical=False)
        return frame

    def reasons(self) -> pa.Table:
        """Why values are missing, in the shape of `to_arrow` without flags: null where there is a value.

        not_observed: the observation lacks it. flagged_suspect, flagged_failed: it was measured, and `flags` left it
        out.
        """
        columns = [self._table[name] for name in KEYS]
        for parameter in self._request.parameters:
            flags = self._table[flag_column(parameter)]
            missing = self._column(parameter).is_null()
            reason = pa.nulls(len(flags), pa.string())
            for flag, meaning in _MEANING.items():
                reason = pc.if_else(pc.and_(missing, pc.equal(flags, flag)), meaning, reason)
            columns.append(reason)
        return pa.table(columns, names=[*KEYS, *self._request.parameters])

    def coverage(self) -> pd.DataFrame:
        """Of each station and parameter: observations, values, and how many are suspect, failed and not observed."""
        parts = []
        for parameter in self._request.parameters:
            flags = self._table[flag_column(parameter)]
            counted = {meaning: pc.cast(pc.equal(flags, flag), pa.int64()) for flag, meaning in FLAG_MEANINGS.items()}
            told = pa.table({"station_id": self._table["station_id"].cast(pa.string()), **counted})
            sums = told.group_by("station_id").aggregate([(name, "sum") for name in counted] + [([], "count_all")])
            names = [name.removesuffix("_sum") for name in sums.column_names]
            parts.append(sums.rename_columns(names).append_column("parameter", pa.repeat(parameter, len(sums))))
        whole = pa.concat_tables(parts).rename_columns({"count_all": "observations"})
        order = ["station_id", "parameter", "observations", *FLAG_MEANINGS.values()]
        frame: pd.DataFrame = whole.select(order).sort_by([("station_id", "ascending")]).to_pandas()
        return frame

    def _column(self, name: str) -> pa.ChunkedArray:
        """A column as it is to be shown: values that the request leaves out are null."""
        column = self._table[name]
        hidden = _HIDDEN[self._request.flags]
        if not hidden or name not in self._request.parameters:
            return column
        flagged = pc.is_in(self._table[flag_column(name)], value_set=pa.array(hidden, pa.int8()))
        return pc.if_else(flagged, pa.scalar(None, column.type), column)


def _compact(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column; of a dictionary only what occurs: pandas would count the other stations too."""
    return pc.dictionary_encode(column.cast(pa.string())) if pa.types.is_dictionary(column.type) else column
