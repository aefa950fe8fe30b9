"""The hour that occurs twice, when clocks go back: which pass a row belongs to shows only by the order of the rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from forecast.entry import Mask, wrong_times
from forecast.errors import ObjectRejectedError
from forecast.observations import (
    OBSERVATION_SCHEMA,
    REFUSED_SCHEMA,
    UTC_TIME,
    RawBatch,
    Transformed,
    frame_of,
    to_frame,
    to_table,
)
from forecast.transform.quarantine import Refusal, refused_rows
from forecast.transform.times import Moments, local_fold_to_utc

# Ten years of a station that reports every second have 72 000 rows in that hour; they wait in memory.
MAX_HELD_ROWS = 100_000
_REASON = (
    "ambiguous local time: it occurs twice that day, and neither a UTC column nor the order of the rows tells which"
)
_OLDEST_FIRST, _NEWEST_FIRST = 1, -1


@dataclass(slots=True)
class _Held:
    """Rows that wait: `refused` is what each becomes where it cannot be told."""

    observations: pd.DataFrame
    local: Moments
    refused: list[dict[str, Any]]


@dataclass(slots=True)
class _Series:
    """The rows of one station in one object; `forwards` and `backwards` count the steps of its local time."""

    zone: str
    forwards: int = 0
    backwards: int = 0
    held: list[_Held] = field(default_factory=list)

    @property
    def order(self) -> int:
        """1 where the oldest row comes first, -1 where the newest does, 0 where neither is plain."""
        if self.forwards and self.forwards >= 2 * self.backwards:
            return _OLDEST_FIRST
        return _NEWEST_FIRST if self.backwards and self.backwards >= 2 * self.forwards else 0


class Folds:
    """Holds the rows of such hours back until the whole object is read."""

    def __init__(self) -> None:
        self._series: dict[str, _Series] = {}
        self._rows = 0

    def watch(self, station_id: str, zone: str, local: Moments) -> None:
        """Look at the order of a station's rows, all of them."""
        series = self._series.setdefault(station_id, _Series(zone))
        steps = np.diff(local)
        series.forwards += int(np.count_nonzero(steps > np.timedelta64(0, "s")))
        series.backwards += int(np.count_nonzero(steps < np.timedelta64(0, "s")))

    def hold(self, batch: RawBatch, mask: Mask, observations: pd.DataFrame, local: Moments) -> None:
        """Hold back the rows of a mask; `observations` are these rows, without a time.

        Raises ObjectRejectedError where there are more than any station has.
        """
        rows = np.flatnonzero(mask)
        self._rows += len(rows)
        if self._rows > MAX_HELD_ROWS:
            message = f"more than {MAX_HELD_ROWS} rows with a local time that occurs twice; give the times in UTC"
            raise ObjectRejectedError("too_many_ambiguous_times", message)
        refused = refused_rows(batch, rows.tolist(), Refusal(mask, "ambiguous_local_time", "Time", _REASON))
        for record, moment in zip(refused, local[rows], strict=True):
            record["value"] = str(moment)
        for station_id in observations["station_id"].unique():
            mine = (observations["station_id"] == station_id).to_numpy()
            records = [refused[index] for index in np.flatnonzero(mine).tolist()]
            self._series[station_id].held.append(_Held(observations[mine], local[rows[mine]], records))

    def resolve(self, now: datetime) -> list[Transformed]:
        """All that was held back, station by station."""
        return [_resolve(series, now) for series in self._series.values() if series.held]


def _resolve(series: _Series, now: datetime) -> Transformed:
    local = np.concatenate([part.local for part in series.held])
    refused = [record for part in series.held for record in part.refused]
    summer, told = _passes(local, series.order)
    moments = local_fold_to_utc(local, series.zone, summer=summer)
    for fault in wrong_times(moments, now):
        for row in np.flatnonzero(fault.mask & told).tolist():
            refused[row] |= {"code": fault.code, "reason": fault.reason}
        told &= ~fault.mask
    frames = [to_table(part.observations, OBSERVATION_SCHEMA) for part in series.held]
    stamps = pa.array(moments.astype("datetime64[ms]")).cast(UTC_TIME)
    table = pa.concat_tables(frames).set_column(1, OBSERVATION_SCHEMA.field("timestamp"), stamps)
    return Transformed(
        observations=to_frame(table.filter(pa.array(told))),
        refused=frame_of([refused[row] for row in np.flatnonzero(~told).tolist()], REFUSED_SCHEMA),
        rows_read=len(local),
        rows_empty=0,
    )


def _passes(local: Moments, order: int) -> tuple[Mask, Mask]:
    """Which rows belong to the first pass (summer time), and which can be told at all.

    The two passes of a day are told apart by the one place where its clock goes back.
    """
    summer, told = (np.zeros(len(local), dtype=bool) for _ in range(2))
    days = local.astype("datetime64[D]")
    for day in np.unique(days) if order else ():
        rows = np.flatnonzero(days == day)[::order]
        steps = np.diff(local[rows]).astype(np.int64)
        # Hourly values are two rows of one time. Else the same time twice is one row that was delivered twice.
        back = np.flatnonzero(steps <= 0 if len(rows) == len(("summer", "winter")) else steps < 0)
        if len(back) == 1:
            summer[rows[: back[0] + 1]] = True
            told[rows] = True
    return summer, told
