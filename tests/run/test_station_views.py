"""Stations as the dashboard shows them: by index alone, and with the flags where they are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from pymongo import MongoClient
from pymongo.monitoring import CommandListener, CommandStartedEvent

from forecast.core.errors import SettingError
from forecast.mongo.bson_decoder import StationColumns
from forecast.mongo.client import ObservationCollection
from forecast.mongo.days import DailyAggregates
from forecast.mongo.loader import load
from forecast.mongo.qc_queue import PendingQc
from forecast.mongo.qc_update import evaluate_pending
from forecast.mongo.station_states import note_stations
from forecast.run.dashboard import place_of
from forecast.run.station_views import week_of, with_database, with_details
from forecast.site.model import StationView
from tests.networks import START, network, observations, records, station
from tests.site.nights import STATIONS

LAST: Final = datetime(2026, 11, 29, 3, 0, tzinfo=UTC)
_OF_THE_SESSION: Final = {"lsid", "$clusterTime", "$db", "txnNumber", "readConcern", "$readPreference"}


class _Asked(CommandListener):
    """Keeps the queries that are sent."""

    def __init__(self) -> None:
        self.queries: list[dict[str, Any]] = []

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name in {"find", "aggregate"}:
            command = {name: value for name, value in event.command.items() if name not in _OF_THE_SESSION}
            self.queries.append(command)

    def succeeded(self, event: Any) -> None:
        """Nothing."""

    def failed(self, event: Any) -> None:
        """Nothing."""


def stages(plan: Any) -> Iterator[str]:
    if isinstance(plan, dict):
        if "stage" in plan:
            yield plan["stage"]
        for part in plan.values():
            yield from stages(part)
    elif isinstance(plan, list):
        for part in plan:
            yield from stages(part)


def test_no_query_of_the_dashboard_scans_a_collection(collection: ObservationCollection, replica_set: str) -> None:
    DailyAggregates.for_collection(collection).prepare()
    asked = _Asked()
    views = tuple(StationView(place_of(station), "fresh", LAST) for station in STATIONS)
    with MongoClient[dict[str, Any]](replica_set, tz_aware=True, event_listeners=[asked]) as client:
        watched = client[collection.database.name][collection.name]
        whole = list(with_details(with_database(views, watched), watched))
        assert [view.last for view in whole] == [LAST] * len(views)
    assert len(asked.queries) == 2 + 2, "states and newest days of all, and days and weeks of several stations"
    for query in asked.queries:
        plan = collection.database.command({"explain": query, "verbosity": "queryPlanner"})
        found = set(stages(plan["queryPlanner"]["winningPlan"]))
        assert "IXSCAN" in found or found == {"EOF"}, query
        assert "COLLSCAN" not in found, query


def test_flags_are_next_to_their_values() -> None:
    spike = '{"air_temperature": {"flag": 4, "checks": ["spike", "climatology"]}, "gone": {"flag": 3, "checks": []}}'
    columns = StationColumns(
        np.array([0, 1, 2]),
        {"air_temperature": np.array([1.0, 40.0, 2.0]), "relative_humidity": np.array([50.0, np.nan, 51.0])},
        np.array([None, spike, None], dtype=object),
        np.array([None, None, None], dtype=object),
        np.array([b"a", b"b", b"c"]),
    )
    week = week_of(columns)
    assert week.flags["air_temperature"].tolist() == [0, 4, 0]
    assert week.flags["relative_humidity"].tolist() == [0, 0, 0]
    assert week.checks == {"air_temperature": ("climatology", "spike")}


def test_a_document_of_another_program_in_the_week_of_a_station_is_named(collection: ObservationCollection) -> None:
    station = next(iter(STATIONS))
    by_hand = {"_id": "by hand", "station": {"id": station.id}, "timestamp": LAST}
    collection.insert_one(by_hand, bypass_document_validation=True)
    DailyAggregates.for_collection(collection).prepare()
    with pytest.raises(SettingError, match="document by hand was not written by this pipeline"):
        list(with_details([StationView(place_of(station), "fresh", LAST)], collection))


@pytest.mark.parametrize("rows_at_once", [1, 300, 10_000])
def test_each_of_several_stations_has_the_seven_days_before_its_own_newest_value(
    collection: ObservationCollection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows_at_once: int
) -> None:
    monkeypatch.setattr("forecast.run.station_views._ROWS_AT_ONCE", rows_at_once)
    stations = network(*(station(name, 10 * number) for number, name in enumerate("ABCD")))
    hours = {"A": 218, "B": 237, "C": 190}
    made = [row for name, number in hours.items() for row in observations(name, range(number + 1))]
    pending = PendingQc.for_collection(collection, "run")
    load(records(made, stations, tmp_path), collection, pending)
    evaluate_pending(pending, collection, stations)
    note_stations(collection, stations, START + timedelta(days=9), 36.0)
    views = with_database(tuple(StationView(place_of(one), "fresh") for one in stations), collection)
    found = {one.place.id: one for one in with_details(views, collection)}
    assert list(found) == [*"ABCD"]
    assert found["D"].week is None
    for name, number in hours.items():
        week = found[name].week
        assert week is not None
        assert week.values["air_temperature"].tolist() == list(range(number - 7 * 24, number + 1))
        assert [day.received for day in found[name].days] == [24] * (number // 24) + [number % 24 + 1]
