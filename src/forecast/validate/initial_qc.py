"""The first QC of the rows of one object, station by station, for any stations in any order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from forecast.core.digests import Hashes
from forecast.core.parameters import MEASURED_NAMES
from forecast.core.precedence import Column, Rows, kept_of_each, order_of
from forecast.core.stations import Station
from forecast.networks.registry import NETWORKS
from forecast.qc.flags import MISSING, NOT_EVALUATED, Floats
from forecast.qc.results import Quality
from forecast.qc.runner import run_closing_checks, run_station_checks
from forecast.qc.series import Series
from forecast.qc.source_flags import doubted


def flag_batch(table: pa.Table, known: Sequence[Station], codes: npt.NDArray[np.integer], halves: Hashes) -> Quality:
    """What the checks of each station by itself say of these rows; `codes` number the rows' stations in `known`.

    Of two rows of one observation the one that would win in the database is evaluated, and the other is not;
    `halves` are the content hashes of their digests.
    """
    size = table.num_rows
    order = order_of(table, halves)
    times = np.asarray(table["timestamp"].cast(pa.int64()))
    values = {name: column for name in MEASURED_NAMES if (column := _column(table, name)) is not None}
    result = Quality(
        # Even for what is not evaluated, the flag shows whether there is any value.
        np.where(order[0], NOT_EVALUATED, MISSING).astype(np.int32),
        pa.nulls(size, pa.string()),
        np.zeros(size, np.int32),
        np.full(size, np.nan),
    )
    texts = np.full(size, None, dtype=object)
    source_flags = table["source_flags"].to_numpy()
    for number, station in enumerate(known):
        rows = _in_order(order, np.flatnonzero(codes == number), times)
        own = {name: column[rows] for name, column in values.items()}
        own = {name: column for name, column in own.items() if not np.isnan(column).all()}
        failed = doubted(source_flags[rows], NETWORKS.failed_codes_of(station.network))
        of_network = NETWORKS.thresholds_of(station.network)
        results = run_station_checks(Series(station, times[rows], own, failed, of_network))
        run_closing_checks(results)
        quality = results.quality()
        result.flag[rows], result.anomalies[rows], result.amount[rows] = quality.flag, quality.anomalies, quality.amount
        if quality.flags.null_count < len(rows):
            texts[rows] = quality.flags.to_numpy(zero_copy_only=False)
    return Quality(result.flag, pa.array(texts, pa.string()), result.anomalies, result.amount)


def _column(table: pa.Table, name: str) -> Floats | None:
    column = table[name]
    return None if column.null_count == len(column) else column.to_numpy().astype(np.float64)


def _in_order(order: Sequence[Column], rows: Rows, times: npt.NDArray[np.int64]) -> Rows:
    """These rows by time, of each time the one that is kept."""
    moments = times[rows]
    if (np.diff(moments) > 0).all():
        return rows
    return rows[kept_of_each(moments, [column[rows] for column in order])]
