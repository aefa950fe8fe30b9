"""The first QC of the rows of one object, for any stations in any order."""

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
from forecast.qc.series import Series, alike
from forecast.qc.source_flags import doubted


def flag_batch(table: pa.Table, known: Sequence[Station], codes: npt.NDArray[np.integer], halves: Hashes) -> Quality:
    """Run the checks of single stations on these rows; `codes` are indices of the rows' stations in `known`.

    Of two rows of the same observation, only the one that would win in the database is evaluated;
    `halves` are the content hashes of their digests.
    """
    size = table.num_rows
    order = order_of(table, halves)
    times = np.asarray(table["timestamp"].cast(pa.int64()))
    values = {name: column for name in MEASURED_NAMES if (column := _column(table, name)) is not None}
    result = Quality(
        # Even if a row is not evaluated, its flag shows whether there is any value.
        np.where(order[0], NOT_EVALUATED, MISSING).astype(np.int32),
        pa.nulls(size, pa.string()),
        np.zeros(size, np.int32),
        np.full(size, np.nan),
    )
    texts = np.full(size, None, dtype=object)
    source_flags = table["source_flags"].to_numpy()
    kept = _in_order(order, codes, times)
    for places in alike(known):
        is_of = np.zeros(len(known), dtype=bool)
        is_of[places] = True
        rows = kept[is_of[codes[kept]]]
        own = {name: column[rows] for name, column in values.items()}
        own = {name: column for name, column in own.items() if not np.isnan(column).all()}
        stations, network = tuple(known[place] for place in places), known[places[0]].network
        starts = np.searchsorted(codes[rows], places)
        failed = doubted(source_flags[rows], NETWORKS.failed_codes_of(network))
        results = run_station_checks(
            Series(stations, starts, times[rows], own, failed, NETWORKS.thresholds_of(network))
        )
        run_closing_checks(results)
        quality = results.quality()
        result.flag[rows], result.anomalies[rows], result.amount[rows] = quality.flag, quality.anomalies, quality.amount
        if quality.flags.null_count < len(rows):
            texts[rows] = quality.flags.to_numpy(zero_copy_only=False)
    return Quality(result.flag, pa.array(texts, pa.string()), result.anomalies, result.amount)


def _column(table: pa.Table, name: str) -> Floats | None:
    column = table[name]
    return None if column.null_count == len(column) else column.to_numpy().astype(np.float64)


def _in_order(order: Sequence[Column], codes: npt.NDArray[np.integer], times: npt.NDArray[np.int64]) -> Rows:
    """The rows by station and time; for each time of a station, the one that is kept."""
    rows: Rows = np.lexsort((times, codes))
    is_same = (np.diff(times[rows]) == 0) & (np.diff(codes[rows]) == 0)
    if not is_same.any():
        return rows
    observations = np.empty(len(rows), np.int64)
    observations[rows] = np.cumsum(np.concatenate(([True], ~is_same)))
    return kept_of_each(observations, order)
