"""What the checks say now of the observations that the database holds; nothing is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from forecast.core.clock import DAY_MS
from forecast.core.digests import qc_hashes, qc_hashes_of
from forecast.core.memory import trim_heap
from forecast.core.parameters import MEASURED_NAMES
from forecast.core.stations import Station, Stations
from forecast.mongo.bson_decoder import StationColumns
from forecast.mongo.client import ObservationCollection, mongo_errors
from forecast.mongo.qc_queue import days_by_station
from forecast.mongo.qc_write import OutdatedFlags, document_id
from forecast.mongo.window_reader import prefetch
from forecast.networks.qc_version import qc_version
from forecast.networks.registry import NETWORKS
from forecast.qc.neighbours import Neighbours, neighbours_of
from forecast.qc.results import QcResults
from forecast.qc.runner import compared_values, run_closing_checks, run_neighbour_checks, run_station_checks
from forecast.qc.series import Series
from forecast.qc.source_flags import doubted
from forecast.qc.surroundings import Compared
from forecast.qc.windows import QcWindow


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
    """The ids of the documents whose flags are not what the checks say now."""
    for window, stored in prefetch(days, collection, stations):
        results = evaluate(window, stored, neighbours_of(stations))
        for station in window.targets:
            if station.id in results:
                rows = differing_flags(window, stored[station.id], results[station.id]).rows
                yield from (document_id(station, stored[station.id].times[row]) for row in rows)
        del stored, results
        trim_heap()


def evaluated(
    days: Mapping[str, set[int]], collection: ObservationCollection, stations: Stations
) -> Iterator[tuple[QcWindow, dict[str, QcResults]]]:
    """What the checks say of these days, window by window and by station.

    What is given lasts until the next is asked for.
    """
    for window, stored in prefetch(days, collection, stations):
        results = evaluate(window, stored, neighbours_of(stations))
        del stored
        yield window, results
        results.clear()
        trim_heap()


def evaluate(window: QcWindow, stored: Mapping[str, StationColumns], neighbours: Neighbours) -> dict[str, QcResults]:
    """What the checks say of what the database holds of a window, by station that is affected."""
    affected = {station.id for station in window.targets}
    results: dict[str, QcResults] = {}
    compared: dict[str, Compared] = {}
    for station in window.halo:
        if station.id in stored:
            alone = run_station_checks(_series(station, stored[station.id]))
            compared[station.id] = compared_values(alone)
            if station.id in affected:
                results[station.id] = alone
    # What the checks along time have left is a third of what a window takes.
    trim_heap()
    run_neighbour_checks(results.values(), compared, neighbours, (window.first, window.last))
    for of_station in results.values():
        run_closing_checks(of_station)
    return results


def differing_flags(window: QcWindow, stored: StationColumns, results: QcResults) -> OutdatedFlags:
    """The flags of a station's documents in a window that are not what the checks say."""
    within = _within(window, stored)
    quality = results.quality(within)
    versions = np.full(len(quality.flag), qc_version())
    hashes = qc_hashes(quality.flag, quality.flags, quality.anomalies, quality.amount, versions)
    other = np.flatnonzero(qc_hashes_of(stored.digests[within]) != hashes)
    return OutdatedFlags(within.start + other, quality.take(other), hashes[other], within, quality)


def _series(station: Station, columns: StationColumns) -> Series:
    measured = {name: values for name, values in columns.values.items() if name in MEASURED_NAMES}
    codes = NETWORKS.failed_codes_of(station.network)
    failed = doubted(columns.source_flags, codes) if codes else {}
    return Series(station, columns.times, measured, failed, NETWORKS.thresholds_of(station.network))


def _within(window: QcWindow, stored: StationColumns) -> slice:
    first, end = np.searchsorted(stored.times, [window.first * DAY_MS, (window.last + 1) * DAY_MS])
    return slice(int(first), int(end))
