"""Runs the checks on the observations in the database, without writing anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from forecast.core.clock import DAY_MS
from forecast.core.digests import qc_hashes, qc_hashes_of
from forecast.core.memory import trim_heap
from forecast.core.parameters import MEASURED_NAMES
from forecast.core.stations import Station, Stations
from forecast.mongo.bson_decoder import StationColumns, one_after_another
from forecast.mongo.client import ObservationCollection, mongo_errors
from forecast.mongo.qc_queue import days_by_station
from forecast.mongo.qc_write import OutdatedFlags, document_id
from forecast.mongo.window_reader import prefetch
from forecast.networks.qc_version import qc_version
from forecast.networks.registry import NETWORKS
from forecast.qc.changes import Changes, StationDay
from forecast.qc.neighbours import Neighbours, neighbours_of
from forecast.qc.own_flags import differing_own_flags
from forecast.qc.results import QcResults
from forecast.qc.runner import compared_values, run_closing_checks, run_neighbour_checks, run_station_checks
from forecast.qc.series import Rows, Series, alike
from forecast.qc.source_flags import doubted
from forecast.qc.windows import QcWindow

# Flags are compared as text. Where all rows have different flags, the texts take 1 kB a row while they are made.
_ROWS_AT_ONCE: Final = 5_000


def days_held(collection: ObservationCollection, query: Mapping[str, Any]) -> dict[str, set[int]]:
    """The days that have documents, by station, among the documents that match a query."""
    day = {"$toLong": {"$floor": {"$divide": [{"$toLong": "$timestamp"}, DAY_MS]}}}
    stages: list[dict[str, Any]] = [{"$match": query}, {"$group": {"_id": {"station": "$station.id", "day": day}}}]
    with mongo_errors("listing the days"):
        found = collection.aggregate(stages, allowDiskUse=True)
        return days_by_station((entry["_id"]["station"], entry["_id"]["day"]) for entry in found)


def outdated_flags(
    days: Mapping[str, set[int]], collection: ObservationCollection, stations: Stations
) -> Iterator[str]:
    """The ids of the documents whose flags differ from the checks' current results."""
    for window, stored in prefetch(Changes(days), collection, stations):
        found = evaluate(window, stored, neighbours_of(stations))
        for one in found:
            series = one.results.series
            for row in differing_flags(window, one).rows.tolist():
                yield document_id(series.stations[series.of_row[row]], series.times[row])
        del stored, found
        trim_heap()


def evaluated(
    days: Mapping[str, set[int]], collection: ObservationCollection, stations: Stations
) -> Iterator[tuple[QcWindow, list[QcResults]]]:
    """The results of the checks for these days, window by window.

    A result is only valid until the next one is requested.
    """
    for window, stored in prefetch(Changes(days), collection, stations):
        results = [one.results for one in evaluate(window, stored, neighbours_of(stations))]
        del stored
        yield window, results
        results.clear()
        trim_heap()


class Evaluated(NamedTuple):
    """The stored observations of some stations, one after another, and the checks' results for each row."""

    columns: StationColumns
    results: QcResults


def evaluate(window: QcWindow, stored: MutableMapping[str, StationColumns], neighbours: Neighbours) -> list[Evaluated]:
    """The checks' results for the target stations of a window, from what the database holds.

    The stations of the window are removed from `stored`, so that their columns are not in memory twice.
    """
    affected = {station.id for station in window.targets}
    held = [station for station in window.halo if station.id in stored]
    found: list[Evaluated] = []
    compared: list[Series] = []
    for is_affected in (True, False):
        some = [station for station in held if (station.id in affected) == is_affected]
        for places in alike(some):
            stations = tuple(some[place] for place in places)
            parts = [stored.pop(station.id) for station in stations]
            sizes = [len(part.times) for part in parts]
            columns = one_after_another(parts)
            del parts
            results = run_station_checks(_series(stations, sizes, columns))
            compared.append(compared_values(results))
            if is_affected:
                found.append(Evaluated(columns, results))
    # The leftovers of the checks along time take a third of a window's memory.
    trim_heap()
    run_neighbour_checks([one.results for one in found], compared, neighbours, (window.first, window.last))
    for one in found:
        run_closing_checks(one.results)
    return found


def differing_flags(window: QcWindow, one: Evaluated) -> OutdatedFlags:
    """The flags of documents in a window that differ from the checks' results."""
    days = one.columns.times // DAY_MS
    within = np.flatnonzero((days >= window.first) & (days <= window.last))
    parts = [_differing(one, within[at : at + _ROWS_AT_ONCE]) for at in range(0, len(within) or 1, _ROWS_AT_ONCE)]
    return OutdatedFlags.joined(parts)


def _differing(one: Evaluated, rows: Rows) -> OutdatedFlags:
    """The flags of documents among some rows that differ from the checks' results."""
    quality = one.results.quality(rows)
    versions = np.full(len(quality.flag), qc_version())
    hashes = qc_hashes(quality.flag, quality.flags, quality.anomalies, quality.amount, versions)
    other = np.flatnonzero(qc_hashes_of(one.columns.digests[rows]) != hashes)
    return OutdatedFlags(rows[other], hashes[other], rows, quality.flag, quality.amount)


def outdated_before(window: QcWindow, one: Evaluated) -> set[StationDay]:
    """The days before changed days on which the stored flags of a station's own checks are outdated (`watched`)."""
    series, flags = one.results.series, one.columns.flags
    watched = [
        begin + np.arange(*np.searchsorted(series.times[begin : begin + size], span))
        for station, begin, size in zip(series.stations, series.starts.tolist(), series.sizes.tolist(), strict=True)
        for span in window.watched.get(station.id, ())
    ]
    rows = np.concatenate([np.empty(0, np.intp), *watched])
    amounts = one.columns.values.get("precipitation_amount")
    differing = differing_own_flags(one.results, rows, flags[rows], None if amounts is None else amounts[rows])
    return station_days_of(series, differing)


def station_days_of(series: Series, rows: Rows) -> set[StationDay]:
    """The stations and days of some rows."""
    stations, days = series.of_row[rows].tolist(), (series.times[rows] // DAY_MS).tolist()
    return {(series.stations[place].id, day) for place, day in zip(stations, days, strict=True)}


def _series(stations: tuple[Station, ...], sizes: Sequence[int], columns: StationColumns) -> Series:
    measured = {name: values for name, values in columns.values.items() if name in MEASURED_NAMES}
    network = stations[0].network
    codes = NETWORKS.failed_codes_of(network)
    failed = doubted(columns.source_flags, codes) if codes else {}
    starts = np.cumsum([0, *sizes[:-1]])
    return Series(stations, starts, columns.times, measured, failed, NETWORKS.thresholds_of(network))
