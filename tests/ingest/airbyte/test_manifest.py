"""The manifests are current, and say what the declarations say."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from forecast.ingest.airbyte.manifest import manifest, manifest_text
from forecast.ingest.sources import FETCHES, FILE_FETCHES, MANIFESTED
from forecast.networks.fetch import Fetch
from forecast.networks.source import Source

FOLDER = Path(__file__).resolve().parents[3] / "airbyte" / "manifests"


PAGE = FOLDER.parents[1] / "docs" / "airbyte.md"


def test_there_is_a_manifest_of_every_source_that_airbyte_can_read_and_of_no_other() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.json")) == sorted(MANIFESTED)


def test_the_page_says_of_each_source_whether_airbyte_reads_it_and_why_it_cannot() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    sources: dict[str, Source] = {**FETCHES, **FILE_FETCHES}
    assert dict(rows) == {
        name: source.no_manifest or f"`airbyte/manifests/{name}.json`" for name, source in sources.items()
    }


@pytest.mark.parametrize("fetch", MANIFESTED.values(), ids=list(MANIFESTED))
def test_the_manifests_are_up_to_date(fetch: Fetch) -> None:
    text = (FOLDER / f"{fetch.source}.json").read_text("utf-8")
    assert text == manifest_text(fetch), "run `poetry run forecast airbyte manifests`"


@pytest.mark.parametrize("fetch", MANIFESTED.values(), ids=list(MANIFESTED))
def test_a_manifest_holds_no_custom_component_and_marks_the_key_as_secret(fetch: Fetch) -> None:
    made = manifest(fetch)
    assert "Custom" not in json.dumps(made)
    specification = made["spec"]["connection_specification"]
    if fetch.key_setting is None:
        assert "api_key" not in (*specification["properties"], *specification["required"])
    else:
        assert specification["properties"]["api_key"]["airbyte_secret"] is True
        assert specification["required"] == ["api_key", "stations", "start_date"]
    (policy,) = made["api_budget"]["policies"]
    assert [(rate["limit"], rate["interval"]) for rate in policy["rates"]] == [
        (fetch.per_minute, "PT1M"),
        (fetch.per_day, "P1D"),
    ]


def test_weather_underground_is_asked_station_by_station_and_up_to_tomorrow() -> None:
    (stream,) = manifest(MANIFESTED["wunderground"])["streams"]
    parameters = stream["retriever"]["requester"]["request_parameters"]
    assert parameters["stationId"] == "{{ stream_partition['station'] }}"
    assert parameters["date"] == "{{ stream_interval['start_time'] }}"
    cursor = stream["incremental_sync"]
    assert (cursor["step"], cursor["lookback_window"], cursor["datetime_format"]) == ("P1D", "P2D", "%Y%m%d")
    assert "duration('P1D')" in cursor["end_datetime"]["datetime"]


def test_metar_is_asked_station_by_station_because_an_answer_for_all_would_be_cut_off() -> None:
    (stream,) = manifest(MANIFESTED["metar"])["streams"]
    parameters = stream["retriever"]["requester"]["request_parameters"]
    assert parameters == {
        "ids": "{{ stream_partition['station'] }}", "format": "json", "hours": "24",
        "date": "{{ stream_interval['start_time'] }}",
    }  # fmt: skip
    assert stream["retriever"]["record_selector"]["extractor"]["field_path"] == []
    cursor = stream["incremental_sync"]
    assert (cursor["step"], cursor["datetime_format"]) == ("P1D", "%Y-%m-%dT23:59:59Z")
    assert "duration('P1D')" in cursor["end_datetime"]["datetime"]


def test_the_refusals_of_infoclimat_fail_and_say_what_to_do() -> None:
    (stream,) = manifest(MANIFESTED["infoclimat"])["streams"]
    filters = stream["retriever"]["requester"]["error_handler"]["response_filters"]
    assert [(one["action"], one["failure_type"]) for one in filters] == [
        ("FAIL", "config_error"), ("FAIL", "config_error"), ("FAIL", "transient_error"), ("FAIL", "transient_error"),
    ]  # fmt: skip
    assert filters[0]["error_message_contains"] == "wrong ip address"
    assert stream["retriever"]["record_selector"]["extractor"]["field_path"] == ["hourly", "[!_]*", "*"]
