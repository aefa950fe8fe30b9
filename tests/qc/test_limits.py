"""The limits that hold at a station."""

from __future__ import annotations

from dataclasses import replace

from forecast.core.registry import load_stations
from forecast.qc.limits import limits_of
from forecast.qc.thresholds import Threshold

PRESSURE = "air_pressure_at_mean_sea_level"
PLAIN = next(iter(load_stations()))


def test_a_station_may_have_thresholds_of_its_own() -> None:
    changed = replace(
        PLAIN, thresholds={"air_temperature": {"spike_suspect": 4.5}, "clock_offset": {"clock_offset_min_hours": 40}}
    )
    limits = limits_of(PLAIN, {})
    assert limits["air_temperature"]["spike_suspect"] == 3
    assert limits_of(changed, {}) == {
        **limits,
        "air_temperature": {**limits["air_temperature"], "spike_suspect": 4.5},
        "clock_offset": {**limits["clock_offset"], "clock_offset_min_hours": 40},
    }
    assert PLAIN.document == changed.document  # a document says nothing of them


def test_the_networks_thresholds_are_before_the_tables_and_after_the_stations() -> None:
    name = "persistence_suspect_hours"
    of_network = {PRESSURE: {name: Threshold(12, "a source")}}
    changed = replace(PLAIN, thresholds={PRESSURE: {name: 7}})
    found = [limits_of(PLAIN, {}), limits_of(PLAIN, of_network), limits_of(changed, of_network)]
    assert [limits[PRESSURE][name] for limits in found] == [6, 12, 7]
