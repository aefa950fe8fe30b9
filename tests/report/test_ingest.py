"""What a person has to know of a run of ingest: severity, cause and words of each, the most important first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from forecast.report.ingest import attention
from forecast_demo.apis import Fault, Outage
from tests.ingest.apis import Ingest, at
from tests.networks import network, station

KEYS = {"WUNDERGROUND_API_KEY": None, "INFOCLIMAT_TOKEN": "a-good-key"}


def told(ingest: Ingest, *sources: str, **wanted: Any) -> list[tuple[str, str, str, str | None]]:
    result = ingest.run(*sources, **wanted)
    return [(entry.severity, entry.kind, entry.source, entry.station) for entry in attention(result)]


@pytest.fixture
def ingest(tmp_path: Path) -> Ingest:
    return Ingest(tmp_path)


def test_a_run_without_problems_needs_no_attention(ingest: Ingest) -> None:
    assert told(ingest, "wunderground", since="2026-11-27") == []


def test_a_source_that_ended_early_is_an_error_listed_above_what_it_did_not_read(ingest: Ingest) -> None:
    ingest.apis.keys = frozenset()
    found = told(ingest, "wunderground", since="2026-11-27")
    assert found == [("error", "source_ended", "wunderground", None), ("info", "days_left", "wunderground", None)]


def test_a_used_up_quota_is_not_an_error(ingest: Ingest) -> None:
    few = {name: replace(fetch, per_day=1) for name, fetch in ingest.around.fetches.items()}
    ingest.around = replace(ingest.around, fetches=few)
    found = told(ingest, "wunderground", since="2026-11-27")
    assert found == [("info", "source_ended", "wunderground", None), ("info", "days_left", "wunderground", None)]


def test_a_day_that_is_not_answered_is_missing_of_its_station(ingest: Ingest) -> None:
    ingest.apis.faults.append(
        Fault(500, where="stationId=ITESTB25&format=json&units=m&numericPrecision=decimal&date=20261127")
    )
    found = told(ingest, "wunderground", since="2026-11-27")
    assert found == [
        ("warning", "days_missing", "wunderground", "ITESTB25"),
        ("warning", "window_not_read", "wunderground", "ITESTB25"),
    ]


def test_records_that_vanish_are_reported(ingest: Ingest) -> None:
    ingest.run("wunderground", since="2026-11-27")
    ingest.world.outages.append(Outage("ITESTB25", at(2026, 11, 27, 6), at(2026, 11, 27, 7)))
    assert told(ingest, "wunderground") == [("warning", "records_vanished", "wunderground", None)]


def test_a_station_that_is_excluded_by_its_licence_is_reported(tmp_path: Path) -> None:
    licence = {"name": "CC BY-NC", "url": "https://example.org/nc", "source": "b"}
    ingest = Ingest(tmp_path, stations=network(station("A", licence=licence), station("B")))
    found = told(ingest, "infoclimat", since="2026-11-28")
    assert found == [("info", "station_left_out", "infoclimat", "A")]


def test_a_key_that_is_not_set_is_reported_by_the_name_of_its_setting(tmp_path: Path) -> None:
    ingest = Ingest(tmp_path, of_networks=KEYS)
    ingest.apis.keys = frozenset({"a-good-key"})
    (entry,) = [entry for entry in attention(ingest.run(since="2026-11-28")) if entry.kind == "key_not_set"]
    assert (entry.severity, entry.message) == ("warning", "wunderground was not read: WUNDERGROUND_API_KEY is not set")
