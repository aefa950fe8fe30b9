"""The combined results of the checks for the observations of some stations."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from forecast.core.parameters import MEASURED_NAMES
from forecast.qc.check import Limits
from forecast.qc.flags import (
    FAIL,
    GOOD,
    MISSING,
    NOT_EVALUATED,
    SUSPECT,
    Flags,
    Floats,
    Mask,
    is_flagged,
    merge_flag,
    worse_of,
)
from forecast.qc.limits import limits_of
from forecast.qc.registry import CHECKS
from forecast.qc.series import Rows, Series


@dataclass(frozen=True, slots=True)
class Quality:
    """The QC results of documents, row by row; `amount` is the derived precipitation_amount."""

    flag: npt.NDArray[np.int32]
    flags: pa.Array
    anomalies: npt.NDArray[np.int32]
    amount: Floats

    def take(self, rows: Rows | Mask) -> Quality:
        """The results of some of the rows."""
        places = np.flatnonzero(rows) if rows.dtype == bool else rows
        return Quality(self.flag[rows], self.flags.take(pa.array(places)), self.anomalies[rows], self.amount[rows])


@dataclass(slots=True)
class QcResults:
    """The results of the checks.

    `flags` are the worst flags by parameter, and `by_check` the flags by check and parameter. `medians` are the
    neighbours' medians by parameter, if there are enough neighbours. `limits` are the stations' thresholds.
    """

    series: Series
    flags: dict[str, Flags] = field(init=False)
    by_check: dict[tuple[str, str], Flags] = field(default_factory=dict)
    medians: dict[str, Floats] = field(default_factory=dict)
    amount: Floats = field(init=False)
    limits: Mapping[str, Limits] = field(init=False)
    _aside: dict[str, Mask] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.flags = {
            name: np.where(np.isnan(values), MISSING, NOT_EVALUATED).astype(np.uint8)
            for name, values in self.series.values.items()
        }
        self.amount = np.full(len(self.series.times), np.nan)
        # All stations of a series have the same thresholds.
        self.limits = limits_of(self.series.stations[0], self.series.network_limits)

    def unfailed_values(self, parameter: str) -> Floats:
        """The values that no check has failed so far; NaN elsewhere."""
        values = self.series.values.get(parameter)
        if values is None:
            return np.full(len(self.series.times), np.nan)
        failed = self.flags[parameter] == FAIL
        return np.where(failed, np.nan, values) if failed.any() else values

    def has(self, *parameters: str) -> bool:
        """Whether each of these parameters has any value."""
        return self.series.has(*parameters)

    def set_aside(self, parameter: str, rows: Mask) -> None:
        """Exclude these values from all later checks; a good value becomes one that is not evaluated."""
        mine = self.flags[parameter]
        mine[rows & (mine == GOOD)] = NOT_EVALUATED
        self._aside[parameter] = rows

    def add(self, check: str, parameter: str, flags: Flags) -> None:
        """Add the flags of a check. Values that failed an earlier check or are set aside keep their flags."""
        if check not in CHECKS:
            raise ValueError(f"{check} is not a check of forecast.qc.checks: nothing is said in its name")
        mine = self.flags[parameter]
        closed = mine == FAIL
        if parameter in self._aside:
            closed |= self._aside[parameter]
        if closed.any():
            flags = np.where(closed, np.uint8(NOT_EVALUATED), flags)
        known = self.by_check.get((check, parameter))
        self.by_check[check, parameter] = flags if known is None else worse_of(known, flags)
        self.flags[parameter] = merge_flag(mine, flags)

    def quality(self, rows: Rows | None = None) -> Quality:
        """The flags as documents have them, of all rows or of some."""
        rows = np.arange(len(self.amount)) if rows is None else rows
        amount = self.amount[rows]
        worst = np.full(len(amount), MISSING, dtype=np.uint8)
        anomalies = np.zeros(len(amount), dtype=np.int32)
        for flags in self.flags.values():
            worst = worse_of(worst, flags[rows])
            anomalies += (flags[rows] == SUSPECT) | (flags[rows] == FAIL)
        texts = np.full(len(rows), None, dtype=object)
        if len(flagged := np.flatnonzero(anomalies)):
            texts[flagged] = self._texts(rows[flagged])
        return Quality(worst.astype(np.int32), pa.array(texts, pa.string()), anomalies, amount)

    def _texts(self, rows: Rows) -> list[str]:
        """The flags 3 and 4 of each row as JSON; every row has some, and each distinct text is made once."""
        names = [name for name in MEASURED_NAMES if name in self.flags]
        codes = np.stack([self._codes(name, rows) for name in names], axis=1)
        distinct, which = np.unique(codes, axis=0, return_inverse=True)
        made = [_text(names, row) for row in distinct.tolist()]
        return [made[number] for number in which.reshape(-1).tolist()]

    def _codes(self, parameter: str, rows: Rows) -> npt.NDArray[np.int64]:
        """One number per row: the flag, and a bit for each check that gave 3 or 4; 0 if there is none."""
        final = self.flags[parameter][rows]
        codes = np.zeros(len(rows), dtype=np.int64)
        for bit, check in enumerate(CHECKS):
            given = self.by_check.get((check, parameter))
            if given is not None:
                codes |= is_flagged(given[rows]).astype(np.int64) << (bit + 8)
        return np.where(is_flagged(final), codes | final, 0)


def _text(names: list[str], codes: list[int]) -> str:
    entries = [_entry(name, code) for name, code in zip(names, codes, strict=True) if code]
    return f"{{{', '.join(entries)}}}"


@lru_cache(maxsize=4096)
def _entry(name: str, code: int) -> str:
    """The part of the text about one parameter; it repeats more often than whole texts."""
    checks = [check for bit, check in enumerate(CHECKS) if code >> (bit + 8) & 1]
    return f'"{name}": {json.dumps({"flag": code & 0xFF, "checks": checks})}'
