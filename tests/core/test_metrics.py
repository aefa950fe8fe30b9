"""A line of metrics is one that CloudWatch's embedded metric format describes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from forecast.core.metrics import Metric, MetricLine, embedded

NOW = datetime(2026, 11, 29, 5, 15, tzinfo=UTC)
# After "Specification: Embedded metric format" of the CloudWatch user guide, with the units that are used here.
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["_aws"],
    "properties": {
        "_aws": {
            "type": "object",
            "required": ["Timestamp", "CloudWatchMetrics"],
            "properties": {
                "Timestamp": {"type": "integer"},
                "CloudWatchMetrics": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "type": "object",
                        "required": ["Namespace", "Dimensions", "Metrics"],
                        "properties": {
                            "Namespace": {"type": "string", "minLength": 1, "maxLength": 1024},
                            "Dimensions": {
                                "type": "array",
                                "minItems": 1,
                                "items": {
                                    "type": "array",
                                    "maxItems": 30,
                                    "items": {"type": "string", "minLength": 1, "maxLength": 250},
                                },
                            },
                            "Metrics": {
                                "type": "array",
                                "minItems": 1,
                                "maxItems": 100,
                                "items": {
                                    "type": "object",
                                    "required": ["Name"],
                                    "properties": {
                                        "Name": {"type": "string", "minLength": 1, "maxLength": 1024},
                                        "Unit": {"enum": ["Count", "Seconds", "Percent", "None"]},
                                    },
                                },
                            },
                        },
                    },
                },
            },
        }
    },
}
NUMBERS = st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(0, 10**12)
LINES = st.builds(
    MetricLine,
    st.dictionaries(st.sampled_from(["RowsRead", "RunSeconds"]), st.builds(Metric, NUMBERS, st.just("Count"))),
    st.none() | st.tuples(st.just("network"), st.text(min_size=1)),
)


def test_metrics_of_a_network_are_kept_for_it_and_for_the_whole() -> None:
    line = MetricLine(
        {"StationsSilent": Metric(2, "Count"), "Completeness": Metric(None, "None")},
        ("network", "infoclimat"),
        {"run_id": "r1"},
    )
    assert json.loads(embedded(line, "forecast-prod", NOW) or "") == {
        "_aws": {
            "Timestamp": 1795929300000,
            "CloudWatchMetrics": [
                {
                    "Namespace": "forecast-prod",
                    "Dimensions": [[], ["network"]],
                    "Metrics": [{"Name": "StationsSilent", "Unit": "Count"}],
                }
            ],
        },
        "run_id": "r1",
        "network": "infoclimat",
        "StationsSilent": 2,
    }


def test_without_values_no_metric_line_is_written() -> None:
    assert embedded(MetricLine({"RowsRead": Metric(None, "Count")}), "forecast-prod", NOW) is None


@given(LINES)
def test_every_line_is_of_that_format_and_every_metric_has_its_number(line: MetricLine) -> None:
    text = embedded(line, "forecast-prod", NOW)
    known = {name: metric.value for name, metric in line.metrics.items() if metric.value is not None}
    if text is None:
        assert not known
        return
    assert "\n" not in text
    entry = json.loads(text)
    Draft202012Validator(SCHEMA).validate(entry)
    (directive,) = entry["_aws"]["CloudWatchMetrics"]
    assert {metric["Name"]: entry[metric["Name"]] for metric in directive["Metrics"]} == known
    for dimension in directive["Dimensions"][-1]:
        assert 1 <= len(entry[dimension]) <= 1024
