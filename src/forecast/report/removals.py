"""Stored values that were replaced by records which lack them, for the reports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from forecast.core.removals import Removed
from forecast.report.models.base import ValuesRemoved


def values_removed(removed: Mapping[Removed, int]) -> ValuesRemoved:
    """The removed values in all, and by parameter, station and object (the one whose record took their place)."""
    parameters: Counter[str] = Counter()
    stations: Counter[str] = Counter()
    objects: Counter[str] = Counter()
    for one, number in removed.items():
        parameters[one.parameter] += number
        stations[one.station] += number
        objects[one.source_uri] += number
    return ValuesRemoved(
        total=sum(removed.values()),
        by_parameter=dict(sorted(parameters.items())),
        by_station=dict(sorted(stations.items())),
        by_object=dict(sorted(objects.items())),
    )
